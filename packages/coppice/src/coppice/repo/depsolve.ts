import { basename, join, resolve } from 'node:path';
import { collectBytes } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import {
  addTable,
  applyModularFilter,
  depsolveError,
  explainProblem,
  explanationLines,
  field,
  filePaths,
  findRecord,
  formatEvr,
  Goal,
  type Header,
  headerDependencies,
  headerNevra,
  loadRepository,
  type ModuleState,
  type Modules,
  metadataBytes,
  modularFilter,
  type PackageTable,
  Pool,
  type PoolPackageSpec,
  type PoolRepo,
  parseModules,
  type RepomdRecord,
  type RepositoryPackage,
  RpmDb,
  Tag,
} from '@coppice/rpm';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';

/** An installed package as the solver takes it. */
function installedSpec(header: Header): PoolPackageSpec {
  const { name, epoch, version, release, arch } = headerNevra(header);
  const deps = (kind: Parameters<typeof headerDependencies>[1]) =>
    headerDependencies(header, kind).filter((d) => !d.name.startsWith('rpmlib('));
  return {
    name,
    evr: formatEvr({ epoch, version: version ?? '', release }),
    arch: arch ?? 'noarch',
    vendor: header.getString(Tag.Vendor) ?? '',
    provides: deps('provides'),
    requires: deps('requires'),
    conflicts: deps('conflicts'),
    obsoletes: deps('obsoletes'),
    recommends: deps('recommends'),
    suggests: deps('suggests'),
    supplements: deps('supplements'),
    enhances: deps('enhances'),
    files: filePaths(header),
  };
}

function readModules(path: string, record: RepomdRecord): Modules {
  const limit = 256 * 1024 * 1024;
  return parseModules(Buffer.from(collectBytes(metadataBytes(path, record), limit, path)).toString());
}

function moduleState(flags: Readonly<Record<string, unknown>>): ModuleState {
  const enabled = new Map<string, string>();
  for (const text of flags['module'] as readonly string[]) {
    const match = /^([^:]+):([^:]+)$/.exec(text);
    if (match === null) throw new CoppiceError('Usage', `--module ${text}: give NAME:STREAM`);
    enabled.set(match[1]!, match[2]!);
  }
  const platform = (flags['platform'] as string | undefined)?.replace(/^platform:/, '');
  return {
    enabled,
    disabled: new Set(flags['disableModule'] as readonly string[]),
    ...(platform === undefined ? {} : { platform }),
  };
}

/** A repository's packages and the solvables they became. */
interface Added {
  readonly table: PackageTable;
  readonly solvables: Int32Array;
}

function packageOf(added: readonly Added[], solvable: number): RepositoryPackage | undefined {
  for (const { table, solvables } of added) {
    const index = solvables.indexOf(solvable);
    if (index >= 0) return table.package(index);
  }
  return undefined;
}

function fillPool(context: Context, flags: Readonly<Record<string, unknown>>, added: Added[]): Pool {
  const pool = new Pool();
  pool.setArch(String(flags['arch']));
  pool.flags.implicitobsoleteusescolors = true;
  pool.installed = pool.addRepo('@System');
  if (typeof flags['installed'] === 'string') {
    using db = RpmDb.open(resolve(context.cwd, flags['installed']), { readOnly: true });
    for (const { header } of db.packages())
      if (header.getString(Tag.Name) !== 'gpg-pubkey') pool.addPackage(pool.installed, installedSpec(header));
  }
  const repos = flags['repo'] as readonly string[];
  if (repos.length === 0) throw new CoppiceError('Usage', 'give at least one --repo');
  const cache = flags['cache'] as string | undefined;
  const cacheDir = cache === undefined ? undefined : resolve(context.cwd, cache);
  if (cacheDir !== undefined && hostFs.stat(cacheDir) === undefined) hostFs.mkdir(cacheDir, 0o755);
  const filtered: PoolRepo[] = [];
  const modules: Modules[] = [];
  for (const text of repos) {
    const match = /^(?:([\w.-]+)=)?(.+?)(?:,priority=(\d+))?(,hotfixes)?$/.exec(text);
    const path = resolve(context.cwd, match?.[2] ?? text);
    const repo = pool.addRepo(match?.[1] ?? basename(path), { priority: -Number(match?.[3] ?? 99) });
    const loaded = loadRepository(path, {
      ...(cacheDir === undefined ? {} : { cacheDir }),
      filelists: flags['filelists'] === true,
    });
    const solvables = addTable(pool, repo, loaded.table, (i) => ['src', 'nosrc'].includes(loaded.table.archOf(i)));
    added.push({ table: loaded.table, solvables });
    if (match?.[4] === undefined) filtered.push(repo);
    const record = findRecord(loaded.repomd, 'modules');
    if (record !== undefined) modules.push(readModules(join(path, record.href), record));
    if (flags['filelists'] !== true) continue;
    loaded.packages.forEach((pkg, i) => {
      const solvable = solvables[i]!;
      if (solvable === 0 || pkg.fileList === undefined) return;
      const ids = pkg.fileList.map((file) => pool.ids.string(file.path));
      pool.setIds(solvable, field.files, ids);
    });
  }
  if (modules.length > 0) {
    const all = { streams: modules.flatMap((m) => m.streams), defaults: modules.flatMap((m) => m.defaults) };
    applyModularFilter(pool, filtered, modularFilter(all, moduleState(flags)));
  }
  return pool;
}

export const run: SubVerbModule['run'] = (context, [subjects], flags) => {
  const added: Added[] = [];
  const pool = fillPool(context, flags, added);
  const goal = new Goal(pool, { recommends: flags['recommends'] !== false });
  goal.installAll(subjects as readonly string[]);
  for (const subject of flags['remove'] as readonly string[]) goal.erase(subject);
  if (flags['lockInstalled'] === true) goal.lockInstalled();
  else goal.allowUninstallUnprotected();
  const { result, problems } = goal.trySolve();
  if (problems.length > 0) {
    const explanations = problems.map((_, i) => explanationLines(explainProblem(result.state, i, goal.requests)));
    const error = depsolveError(problems);
    if (flags['json'] === true)
      context.stdout.write(`${JSON.stringify({ ok: false, error, problems, explanations }, null, 2)}\n`);
    else {
      context.stderr.write(`error: ${error}\n`);
      for (const lines of explanations) context.stderr.write(`\n${lines.join('\n')}\n`);
    }
    return 1;
  }
  const lists = ['install', 'upgrade', 'downgrade', 'reinstall', 'erase', 'obsoleted'] as const;
  const describe = (id: number) => {
    const pkg = packageOf(added, id);
    return pkg === undefined
      ? { nevra: pool.text(id) }
      : { nevra: pool.text(id), repo: pool.repo(id)?.name, location: pkg.location.href, size: pkg.size.package };
  };
  if (flags['json'] === true) {
    const out = Object.fromEntries(lists.map((list) => [list, result[list].map(describe)]));
    context.stdout.write(`${JSON.stringify({ ok: true, ...out }, null, 2)}\n`);
    return 0;
  }
  const labels = {
    install: 'Installing',
    upgrade: 'Upgrading',
    downgrade: 'Downgrading',
    reinstall: 'Reinstalling',
    erase: 'Removing',
    obsoleted: 'Replacing',
  };
  let any = false;
  for (const list of lists) {
    if (result[list].length === 0) continue;
    any = true;
    context.stdout.write(`${labels[list]} ${result[list].length} package${result[list].length === 1 ? '' : 's'}:\n`);
    for (const id of result[list]) {
      const repo = packageOf(added, id) === undefined ? '' : ` (${pool.repo(id)?.name})`;
      context.stdout.write(`  ${pool.text(id)}${repo}\n`);
    }
  }
  if (!any) context.stdout.write('Nothing to do.\n');
  return 0;
};
