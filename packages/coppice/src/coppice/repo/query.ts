import { resolve } from 'node:path';
import { hostFs } from '@coppice/linux';
import {
  type Dependency,
  dependenciesOverlap,
  formatDependency,
  formatNevra,
  globMatcher,
  loadRepository,
  parseCapability,
  parseRichDependency,
  parseSubject,
  type RepositoryPackage,
  simpleDependencies,
} from '@coppice/rpm';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';

const nevraText = (pkg: RepositoryPackage): string => formatNevra(pkg);

function hasFile(pkg: RepositoryPackage, pattern: string): boolean {
  const is = globMatcher(pattern);
  return pkg.files.some(is) || (pkg.fileList?.some((f) => is(f.path)) ?? false);
}

/** Whether a pattern, read in any of the forms dnf knows, is the package's name with or without version and architecture. */
function isNamed(pkg: RepositoryPackage, pattern: string): boolean {
  for (const { nevra } of parseSubject(pattern)) {
    const fits = (part: string | undefined, value: string): boolean => part === undefined || globMatcher(part)(value);
    if (
      fits(nevra.name, pkg.name) &&
      fits(nevra.epoch, pkg.epoch) &&
      fits(nevra.version, pkg.version) &&
      fits(nevra.release, pkg.release) &&
      fits(nevra.arch, pkg.arch)
    )
      return true;
  }
  return false;
}

function providesExactly(pkg: RepositoryPackage, wanted: string): boolean {
  const capability = parseCapability(wanted);
  return capability !== undefined && pkg.provides.some((p) => dependenciesOverlap(p, capability));
}

/** Whether the package provides a capability, which may be a path or a pattern of names. */
function provides(pkg: RepositoryPackage, wanted: string): boolean {
  if (wanted.startsWith('/') && hasFile(pkg, wanted)) return true;
  const capability = parseCapability(wanted);
  if (capability === undefined) return false;
  if (!/[*?[]/.test(capability.name)) return providesExactly(pkg, wanted);
  const is = globMatcher(capability.name);
  return pkg.provides.some((p) => is(p.name) && dependenciesOverlap(p, { ...capability, name: p.name }));
}

/** Whether a pattern, also read as a file or a capability, names the package. */
function matches(pkg: RepositoryPackage, pattern: string): boolean {
  return pattern.startsWith('/') ? hasFile(pkg, pattern) : isNamed(pkg, pattern) || providesExactly(pkg, pattern);
}

/** The requirements of a package, those within conditions on their own. */
function simpleRequirements(pkg: RepositoryPackage): Dependency[] {
  return pkg.requires.flatMap((requirement) => {
    const { name } = requirement;
    return name.startsWith('(') ? [...simpleDependencies(parseRichDependency(name))] : [requirement];
  });
}

/** Packages that require a capability, or anything that a package of that name provides or contains, as dnf has it. */
function requiring(packages: readonly RepositoryPackage[], wanted: string): (pkg: RepositoryPackage) => boolean {
  const capability = parseCapability(wanted);
  const providers = packages.filter((pkg) => !wanted.startsWith('/') && isNamed(pkg, wanted));
  const offered = new Map<string, Dependency[]>();
  const offer = (dependency: Dependency): void => {
    const list = offered.get(dependency.name);
    if (list === undefined) offered.set(dependency.name, [dependency]);
    else list.push(dependency);
  };
  if (capability !== undefined) offer(capability);
  for (const pkg of providers) {
    for (const dependency of pkg.provides) offer(dependency);
    for (const name of pkg.fileList?.map((f) => f.path) ?? pkg.files) offer({ name, flags: 0, evr: '' });
  }
  return (pkg) =>
    simpleRequirements(pkg).some((r) => offered.get(r.name)?.some((o) => dependenciesOverlap(o, r)) === true);
}

function describe(context: Context, pkg: RepositoryPackage): void {
  const line = (label: string, value: string): void => context.stdout.write(`${label.padEnd(12)} : ${value}\n`);
  line('Name', pkg.name);
  if (pkg.epoch !== '0') line('Epoch', pkg.epoch);
  line('Version', pkg.version);
  line('Release', pkg.release);
  line('Architecture', pkg.arch);
  line('Size', String(pkg.size.package));
  line('Source', pkg.sourceRpm);
  line('Summary', pkg.summary);
  line('URL', pkg.url);
  line('License', pkg.license);
  line('Description', pkg.description);
  context.stdout.write('\n');
}

/** A requirement of scripts may stand there twice. */
function writeOnce(context: Context, dependencies: readonly Dependency[]): void {
  for (const line of new Set(dependencies.map(formatDependency))) context.stdout.write(`${line}\n`);
}

function json(pkg: RepositoryPackage): Record<string, unknown> {
  return {
    nevra: nevraText(pkg),
    name: pkg.name,
    epoch: pkg.epoch,
    version: pkg.version,
    release: pkg.release,
    arch: pkg.arch,
    summary: pkg.summary,
    license: pkg.license,
    url: pkg.url,
    source: pkg.sourceRpm,
    location: pkg.location.href,
    checksum: `${pkg.checksum.type}:${pkg.checksum.value}`,
    size: pkg.size.package,
    provides: pkg.provides.map(formatDependency),
    requires: pkg.requires.map(formatDependency),
    ...(pkg.fileList === undefined ? {} : { files: pkg.fileList.map((f) => f.path) }),
    ...(pkg.changelogs === undefined ? {} : { changelog: pkg.changelogs }),
  };
}

/** `Wed Jan 01 2020`, in local time. */
const dayOf = (seconds: number): string => new Date(seconds * 1000).toDateString();

/** Newest first, as dnf has it. */
function writeChangelog(context: Context, pkg: RepositoryPackage): void {
  context.stdout.write(`Changelog for ${nevraText(pkg)}\n`);
  for (const { date, author, text } of [...(pkg.changelogs ?? [])].reverse())
    context.stdout.write(`* ${dayOf(date)} ${author}\n${text}\n\n`);
}

export const run: SubVerbModule['run'] = (context, [path, patterns], flags) => {
  const wanted = (patterns ?? []) as readonly string[];
  const needFiles =
    flags['list'] === true ||
    [...wanted, flags['whatprovides'], flags['whatrequires']].some((p) => String(p ?? '').startsWith('/'));
  const cacheDir = typeof flags['cache'] === 'string' ? resolve(context.cwd, flags['cache']) : undefined;
  if (cacheDir !== undefined && hostFs.stat(cacheDir) === undefined) hostFs.mkdir(cacheDir, 0o755);
  const repository = loadRepository(resolve(context.cwd, path as string), {
    filelists: needFiles,
    changelogs: flags['changelog'] === true,
    ...(cacheDir === undefined ? {} : { cacheDir }),
  });
  const provided = flags['whatprovides'] as string | undefined;
  const required = flags['whatrequires'] as string | undefined;
  const requires = required === undefined ? undefined : requiring(repository.packages, required);
  const found = repository.packages
    .filter((pkg) => wanted.length === 0 || wanted.some((pattern) => matches(pkg, pattern)))
    .filter((pkg) => provided === undefined || provides(pkg, provided))
    .filter((pkg) => requires === undefined || requires(pkg))
    .sort((a, b) => (nevraText(a) < nevraText(b) ? -1 : 1));
  if (flags['json'] === true) {
    context.stdout.write(`${JSON.stringify(found.map(json), null, 2)}\n`);
    return 0;
  }
  for (const pkg of found) {
    if (flags['info'] === true) describe(context, pkg);
    else if (flags['provides'] === true) writeOnce(context, pkg.provides);
    else if (flags['requires'] === true) writeOnce(context, pkg.requires);
    else if (flags['list'] === true) for (const file of pkg.fileList ?? []) context.stdout.write(`${file.path}\n`);
    else if (flags['changelog'] === true) writeChangelog(context, pkg);
    else context.stdout.write(`${nevraText(pkg)}\n`);
  }
  return 0;
};
