// A base of real files for measuring: the installed Debian packages of this machine as RPMs (files, owners, dependencies), a
// kernel beside them, and a repository with packages to layer.

import { spawnSync } from 'node:child_process';
import { copyFileSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildPackage, createRepository, type FileSpec, type PackageSpec, readPackage } from '@coppice/rpm';
import { debianBase } from '../test/judges/debian-base.ts';

const buildTime = 1_580_000_000;

interface Installed {
  readonly name: string;
  readonly version: string;
  readonly depends: readonly string[];
}

/** Names of installed packages: everything essential, then small ones in order of names, up to `count`. */
function installedPackages(count: number, include: readonly string[]): Installed[] {
  const out = spawnSync(
    'dpkg-query',
    ['-W', '-f', '${Priority}\t${Installed-Size}\t${Package}\t${Version}\t${Depends}, ${Pre-Depends}\n'],
    { encoding: 'utf8', maxBuffer: 64 << 20 },
  );
  if (out.status !== 0) throw new Error('needs a Debian system: dpkg-query failed');
  const rows = out.stdout
    .trim()
    .split('\n')
    .map((line) => line.split('\t') as [string, string, string, string, string]);
  const essential = rows.filter(([priority]) => ['required', 'important', 'standard'].includes(priority));
  const names = new Set(essential.map((r) => r[2]));
  const small = rows.filter((r) => !names.has(r[2]) && Number(r[1]) < 1500 && Number(r[1]) > 40);
  const wanted = ['systemd', ...include, ...small.map((r) => r[2])];
  const chosen = [...essential];
  for (const name of wanted) {
    if (chosen.length >= count) break;
    const row = rows.find((r) => r[2] === name);
    if (row !== undefined && !chosen.includes(row)) chosen.push(row);
  }
  return chosen.map(([, , name, version, depends]) => ({
    name,
    version,
    depends: depends
      .split(',')
      .map((d) => d.trim().split(/[ :(|]/)[0]!)
      .filter((d) => d !== ''),
  }));
}

/** The path with /bin, /lib ... led into /usr, as on a merged system. */
const merged = (path: string): string => path.replace(/^\/(bin|sbin|lib|lib64)(\/|$)/, '/usr/$1$2');

function filesOf(name: string, taken: Set<string>): FileSpec[] {
  let list: string | undefined;
  for (const file of [`${name}.list`, `${name}:amd64.list`, `${name}:arm64.list`]) {
    try {
      list = readFileSync(join('/var/lib/dpkg/info', file), 'utf8');
      break;
    } catch {}
  }
  const out: FileSpec[] = [];
  const mine = new Set<string>();
  for (const line of (list ?? '').split('\n')) {
    if (!/^\/(usr|etc|bin|sbin|lib|lib64)\//.test(line)) continue;
    const path = merged(line);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || taken.has(path) || mine.has(path)) continue;
    mine.add(path);
    if (stat.isDirectory()) out.push({ path, mode: stat.mode & 0o7777, type: 'directory' });
    else if (stat.isSymbolicLink()) out.push({ path, mode: 0o777, type: 'symlink', target: readlinkSync(path) });
    else if (stat.isFile()) out.push({ path, mode: stat.mode & 0o7777, content: readFileSync(path) });
    else continue;
    if (!stat.isDirectory()) taken.add(path);
  }
  return out;
}

/** An upstream version and revision as RPM version and release. */
function evr(version: string): { version: string; release: string } {
  const plain = version.replace(/^\d+:/, '').replace(/[^A-Za-z0-9.+~-]/g, '_');
  const dash = plain.lastIndexOf('-');
  return dash < 0
    ? { version: plain, release: '1' }
    : { version: plain.slice(0, dash).replaceAll('-', '_'), release: plain.slice(dash + 1) };
}

function spec(name: string, files: FileSpec[], extra: Partial<PackageSpec> = {}): PackageSpec {
  return {
    name,
    version: '1',
    release: '1',
    arch: 'x86_64',
    summary: name,
    license: 'unknown',
    buildTime,
    files,
    payload: { compressor: 'zstd', level: 1 },
    ...extra,
  };
}

export interface LayeringWorld {
  /** RPM files of the base. */
  readonly base: readonly string[];
  /** The same base later: `changed` of its packages have a higher release and one more file. */
  readonly later: readonly string[];
  /** Directory with repodata of what can be layered. */
  readonly repository: string;
}

export interface LayeringWorldOptions {
  readonly changed?: number;
  /** Debian packages that must be among them. */
  readonly include?: readonly string[];
  /** Further packages of the base and of the repository. */
  readonly base?: readonly PackageSpec[];
  readonly repository?: readonly PackageSpec[];
}

/** Makes the packages below `dir`. */
export function makeLayeringWorld(dir: string, count: number, options: LayeringWorldOptions = {}): LayeringWorld {
  mkdirSync(join(dir, 'later'), { recursive: true });
  mkdirSync(join(dir, 'base'), { recursive: true });
  mkdirSync(join(dir, 'repository'), { recursive: true });
  const packages = installedPackages(count - 1, options.include ?? []);
  const known = new Set(packages.map((p) => p.name));
  const taken = new Set<string>();
  const base: string[] = [];
  const later: string[] = [];
  const put = (where: string, s: PackageSpec): string => {
    const path = join(dir, where, `${s.name}.rpm`);
    writeFileSync(path, buildPackage(s).bytes());
    return path;
  };
  for (const pkg of packages) {
    const files = filesOf(pkg.name, taken);
    const { version, release } = evr(pkg.version);
    const extra: Partial<PackageSpec> = {
      version,
      release,
      requires: pkg.depends.filter((d) => known.has(d) && d !== pkg.name),
      provides: files.some((f) => f.path === '/usr/bin/sh') ? ['/bin/sh'] : [],
    };
    const first = put('base', spec(pkg.name, files, extra));
    const change = base.length < (options.changed ?? 0);
    const added: FileSpec = { path: `/usr/share/later/${pkg.name}`, mode: 0o644, content: Buffer.from(pkg.name) };
    later.push(change ? put('later', spec(pkg.name, [...files, added], { ...extra, release: `${release}.1` })) : first);
    base.push(first);
  }
  for (const more of options.base ?? []) base.push(put('base', more));
  const kver = '5.4.10-200.x86_64';
  base.push(
    put(
      'base',
      spec('kernel-core', [
        { path: `/usr/lib/modules/${kver}/vmlinuz`, mode: 0o755, content: Buffer.alloc(8 << 20, 'kernel') },
        { path: `/usr/lib/modules/${kver}/initramfs.img`, mode: 0o600, content: Buffer.alloc(16 << 20, 'initramfs') },
      ]),
    ),
  );
  put(
    'repository',
    spec('small', [{ path: '/usr/bin/small', mode: 0o755, content: Buffer.from('#!/bin/sh\necho small\n') }], {
      requires: ['/bin/sh'],
    }),
  );
  put(
    'repository',
    spec('scripted', [{ path: '/usr/bin/scripted', mode: 0o755, content: Buffer.from('#!/bin/sh\necho scripted\n') }], {
      requires: ['/bin/sh'],
      scripts: { post: 'echo done > /etc/scripted.conf\n' },
    }),
  );
  put(
    'repository',
    spec('large', [{ path: '/usr/lib/large.bin', mode: 0o644, content: Buffer.alloc(40 << 20, 'large') }]),
  );
  for (const more of options.repository ?? []) put('repository', more);
  createRepository(join(dir, 'repository'));
  later.push(...base.slice(later.length));
  return { base, later, repository: join(dir, 'repository') };
}

/** Debian's packages as `test/judges/debian-base.ts` makes them, with the repository below `dir`. Throws when it was not run. */
export function debianWorld(dir: string): LayeringWorld & { readonly overrides: readonly string[] } {
  const folder = debianBase();
  if (folder === undefined) throw new Error('run test/judges/debian-base.ts first');
  const rpms = (name: string): string[] =>
    readdirSync(join(folder, name))
      .filter((n) => n.endsWith('.rpm'))
      .sort()
      .map((n) => join(folder, name, n));
  const nameOf = (path: string): string => readPackage(path).nevra.name;
  const changed = new Map(rpms('later').map((path) => [nameOf(path), path]));
  const base = rpms('base');
  const repository = join(dir, 'repository');
  mkdirSync(repository, { recursive: true });
  for (const path of rpms('layers')) copyFileSync(path, join(repository, basename(path)));
  createRepository(repository);
  return { base, later: base.map((p) => changed.get(nameOf(p)) ?? p), repository, overrides: rpms('override') };
}
