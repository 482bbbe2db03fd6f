// A real root file system as packages: one RPM per Debian package of the tree (dpkg's own lists say which file is whose)
// and one for everything that no list names. A tree without dpkg becomes that one package.

import type { Dirent } from 'node:fs';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, posix } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { FileSpec, PackageSpec } from '@coppice/rpm';

/** Folders whose content belongs to a running system, a cache or dpkg, not to the tree. */
const leftOut = [
  '/proc',
  '/sys',
  '/dev',
  '/run',
  '/tmp',
  '/var/cache',
  '/var/log',
  '/var/tmp',
  '/var/lib/dpkg',
  '/var/lib/apt',
  '/lost+found',
  '/ostree',
  '/sysroot',
];

interface DebianPackage {
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
  readonly depends: readonly string[];
  readonly provides: readonly string[];
  readonly summary: string;
}

/** Paragraphs of `Key: value` with continuation lines (deb-control). */
function paragraphs(text: string): Map<string, string>[] {
  return text
    .split(/\n\s*\n/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const fields = new Map<string, string>();
      let key = '';
      for (const line of block.split('\n')) {
        const match = /^([A-Za-z0-9-]+):\s?(.*)$/.exec(line);
        if (match !== null) {
          key = match[1]!;
          fields.set(key, match[2]!);
        } else if (key !== '') fields.set(key, `${fields.get(key)}\n${line}`);
      }
      return fields;
    });
}

/** Names of a dependency field; of alternatives the first counts, version limits are dropped (Debian and RPM order versions differently). */
function names(field: string | undefined): string[] {
  return (field ?? '')
    .split(',')
    .map(
      (item) =>
        item
          .split('|')[0]!
          .trim()
          .split(/[\s(:]/)[0]!,
    )
    .filter((name) => name !== '');
}

function installedPackages(rootfs: string): DebianPackage[] {
  let status: string;
  try {
    status = readFileSync(join(rootfs, 'var/lib/dpkg/status'), 'utf8');
  } catch {
    return [];
  }
  return paragraphs(status)
    .filter((p) => p.get('Status') === 'install ok installed')
    .map((p) => ({
      name: p.get('Package') ?? '',
      architecture: p.get('Architecture') ?? 'all',
      version: p.get('Version') ?? '0',
      depends: [...names(p.get('Pre-Depends')), ...names(p.get('Depends'))],
      provides: names(p.get('Provides')),
      summary: (p.get('Description') ?? '').split('\n')[0]!,
    }));
}

/** A Debian version as epoch, version and release with only characters that RPM allows. */
export function debianEvr(text: string): { epoch?: number; version: string; release: string } {
  const match = /^(?:(\d+):)?(.*?)(?:-([^-]*))?$/.exec(text)!;
  const clean = (part: string): string => part.replace(/[^A-Za-z0-9._+~^]/g, '_');
  return {
    ...(match[1] === undefined ? {} : { epoch: Number(match[1]) }),
    version: clean(match[2] === '' ? '0' : match[2]!),
    release: clean(match[3] === undefined || match[3] === '' ? '0' : match[3]),
  };
}

const rpmArch: Readonly<Record<string, string>> = {
  all: 'noarch',
  amd64: 'x86_64',
  arm64: 'aarch64',
  i386: 'i686',
  ppc64el: 'ppc64le',
};

/** Reads `id:name` of passwd or group. */
function idNames(path: string): Map<number, string> {
  const out = new Map<number, string>();
  try {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const fields = line.split(':');
      if (fields.length > 2) out.set(Number(fields[2]), fields[0]!);
    }
  } catch {
    // No such file: numbers stay unnamed.
  }
  return out;
}

class Tree {
  readonly root: string;
  readonly #users: Map<number, string>;
  readonly #groups: Map<number, string>;
  /** Top-level links such as /bin -> usr/bin. */
  readonly #merged = new Map<string, string>();

  constructor(root: string) {
    this.root = root;
    this.#users = idNames(join(root, 'etc/passwd'));
    this.#groups = idNames(join(root, 'etc/group'));
    for (const entry of readdirSync(root, { withFileTypes: true })) {
      if (!entry.isSymbolicLink()) continue;
      const target = readlinkSync(join(root, entry.name)).replace(/^\//, '');
      if (target === `usr/${entry.name}`) this.#merged.set(entry.name, target);
    }
  }

  /** The path a listed path really has: /bin/sh is /usr/bin/sh in a merged tree. */
  canonical(path: string): string {
    const first = path.split('/')[1] ?? '';
    const target = this.#merged.get(first);
    return target === undefined || path === `/${first}` ? path : `/${target}${path.slice(first.length + 1)}`;
  }

  /** The file as the RPM writer takes it; undefined for what packages cannot hold (sockets) or is gone. */
  spec(path: string): FileSpec | undefined {
    const real = join(this.root, path);
    const stat = lstatSync(real, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const user = this.#users.get(stat.uid) ?? 'root';
    const group = this.#groups.get(stat.gid) ?? 'root';
    const common = { path, mode: stat.mode & 0o7777, user, group, mtime: 0 };
    if (stat.isSymbolicLink()) return { ...common, type: 'symlink', target: readlinkSync(real) };
    if (stat.isDirectory()) return { ...common, type: 'directory' };
    if (!stat.isFile()) return undefined;
    return {
      ...common,
      content: { file: real },
      ...(path.startsWith('/etc/') ? { config: 'noreplace' as const } : {}),
    };
  }

  *walk(dir = ''): Iterable<string> {
    let entries: Dirent[];
    try {
      entries = readdirSync(join(this.root, dir), { withFileTypes: true });
    } catch {
      return;
    }
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = `${dir}/${entry.name}`;
      if (path === '/lost+found') continue;
      yield path;
      if (entry.isDirectory() && !leftOut.includes(path)) yield* this.walk(path);
    }
  }
}

/**
 * The packages of a root file system, without scripts (the tree is installed already). `buildTime` is in seconds.
 * Throws `Invalid` when `rootfs` has no /usr.
 */
export function baseTreePackages(rootfs: string, arch: string, buildTime: number): PackageSpec[] {
  if (lstatSync(join(rootfs, 'usr'), { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new CoppiceError('Invalid', `${rootfs}: not a root file system (no /usr)`);
  }
  const tree = new Tree(rootfs);
  const installed = installedPackages(rootfs);
  const known = new Set(installed.flatMap((p) => [p.name, ...p.provides]));
  const owned = new Set<string>();
  const kept = (path: string): boolean => !leftOut.some((dir) => path.startsWith(`${dir}/`));
  const specs: PackageSpec[] = [];
  for (const pkg of installed) {
    const list = [`${pkg.name}.list`, `${pkg.name}:${pkg.architecture}.list`]
      .map((file) => join(rootfs, 'var/lib/dpkg/info', file))
      .find((file) => lstatSync(file, { throwIfNoEntry: false }) !== undefined);
    const paths = new Set<string>();
    for (const line of list === undefined ? [] : readFileSync(list, 'utf8').split('\n')) {
      if (!line.startsWith('/') || line === '/.') continue;
      const path = tree.canonical(posix.normalize(line));
      if (kept(path)) paths.add(path);
    }
    const files = [...paths].flatMap((path) => {
      const spec = tree.spec(path);
      // A path that two packages list (diversions) goes to the first; directories are shared.
      if (spec === undefined || (spec.type !== 'directory' && owned.has(path))) return [];
      owned.add(path);
      return [spec];
    });
    specs.push({
      name: pkg.name,
      ...debianEvr(pkg.version),
      arch: rpmArch[pkg.architecture] ?? arch,
      summary: pkg.summary || pkg.name,
      license: 'unknown',
      buildTime,
      provides: [...pkg.provides, ...(paths.has('/usr/bin/sh') ? ['/bin/sh'] : [])],
      requires: pkg.depends.filter((name) => known.has(name)),
      files,
      payload: { compressor: 'zstd', level: 1 },
    });
  }
  const rest = [...tree.walk()].flatMap((path) => {
    const spec = owned.has(path) ? undefined : tree.spec(path);
    return spec === undefined ? [] : [spec];
  });
  specs.push({
    name: 'base-tree',
    version: '1',
    release: '1',
    arch,
    summary: 'Files of the base tree that no package lists',
    license: 'unknown',
    buildTime,
    provides: rest.some((f) => f.path === '/usr/bin/sh') ? ['/bin/sh'] : [],
    files: rest,
    payload: { compressor: 'zstd', level: 1 },
  });
  return specs;
}
