import { resolve } from 'node:path';
import { hostFs } from '@coppice/linux';
import {
  dependenciesOverlap,
  formatDependency,
  formatNevra,
  globMatcher,
  loadRepository,
  parseCapability,
  parseSubject,
  type RepositoryPackage,
} from '@coppice/rpm';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';

const nevraText = (pkg: RepositoryPackage): string => formatNevra(pkg);

/** Whether a pattern, read in any of the forms dnf knows, or as a file or a capability, names the package. */
function matches(pkg: RepositoryPackage, pattern: string): boolean {
  if (pattern.startsWith('/')) {
    const is = globMatcher(pattern);
    return pkg.files.some(is) || (pkg.fileList?.some((f) => is(f.path)) ?? false);
  }
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
  const capability = parseCapability(pattern);
  return capability !== undefined && pkg.provides.some((p) => dependenciesOverlap(p, capability));
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

export const run: SubVerbModule['run'] = (context, [path, patterns], flags) => {
  const wanted = (patterns ?? []) as readonly string[];
  const needFiles = flags['list'] === true || wanted.some((p) => p.startsWith('/'));
  const cacheDir = typeof flags['cache'] === 'string' ? resolve(context.cwd, flags['cache']) : undefined;
  if (cacheDir !== undefined && hostFs.stat(cacheDir) === undefined) hostFs.mkdir(cacheDir, 0o755);
  const repository = loadRepository(resolve(context.cwd, path as string), {
    filelists: needFiles,
    changelogs: flags['changelog'] === true,
    ...(cacheDir === undefined ? {} : { cacheDir }),
  });
  const capability = (name: string): ReturnType<typeof parseCapability> =>
    typeof flags[name] === 'string' ? parseCapability(flags[name]) : undefined;
  const provides = capability('whatprovides');
  const requires = capability('whatrequires');
  const found = repository.packages
    .filter((pkg) => wanted.length === 0 || wanted.some((pattern) => matches(pkg, pattern)))
    .filter((pkg) => provides === undefined || pkg.provides.some((p) => dependenciesOverlap(p, provides)))
    .filter((pkg) => requires === undefined || pkg.requires.some((r) => dependenciesOverlap(r, requires)))
    .sort((a, b) => (nevraText(a) < nevraText(b) ? -1 : 1));
  if (flags['json'] === true) {
    context.stdout.write(`${JSON.stringify(found.map(json), null, 2)}\n`);
    return 0;
  }
  for (const pkg of found) {
    if (flags['info'] === true) describe(context, pkg);
    else if (flags['provides'] === true)
      for (const dep of pkg.provides) context.stdout.write(`${formatDependency(dep)}\n`);
    else if (flags['requires'] === true)
      for (const dep of pkg.requires) context.stdout.write(`${formatDependency(dep)}\n`);
    else if (flags['list'] === true) for (const file of pkg.fileList ?? []) context.stdout.write(`${file.path}\n`);
    else if (flags['changelog'] === true)
      for (const entry of [...(pkg.changelogs ?? [])].reverse())
        context.stdout.write(
          `* ${new Date(entry.date * 1000).toUTCString().slice(0, 16)} ${entry.author}\n${entry.text}\n\n`,
        );
    else context.stdout.write(`${nevraText(pkg)}\n`);
  }
  return 0;
};
