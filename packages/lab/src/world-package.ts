// From a package of a world to what the RPM writer takes. Same world, same stream: same bytes.

import { gzipSync } from 'node:zlib';
import type { FileSpec, PackageSpec } from '@coppice/rpm';
import { Random } from './random.ts';
import { type PackagedFile, shellTools } from './shell-tools.ts';
import { versionOn, type World, type WorldFile, type WorldPackage, type WorldUser } from './world.ts';

/** Directories and links of a usr-merged tree, as the `filesystem` package of Fedora lays them out. */
const hierarchy: readonly (readonly [path: string, mode: number | string])[] = [
  ['/bin', 'usr/bin'],
  ['/boot', 0o555],
  ['/dev', 0o755],
  ['/etc', 0o755],
  ['/home', 0o755],
  ['/lib', 'usr/lib'],
  ['/lib64', 'usr/lib64'],
  ['/media', 0o755],
  ['/mnt', 0o755],
  ['/opt', 0o755],
  ['/proc', 0o555],
  ['/root', 0o550],
  ['/run', 0o755],
  ['/sbin', 'usr/sbin'],
  ['/srv', 0o755],
  ['/sys', 0o555],
  ['/tmp', 0o1777],
  ['/usr', 0o755],
  ['/usr/bin', 0o755],
  ['/usr/lib', 0o755],
  ['/usr/lib64', 0o755],
  ['/usr/libexec', 0o755],
  ['/usr/sbin', 0o755],
  ['/usr/share', 0o755],
  ['/var', 0o755],
  ['/var/lib', 0o755],
  ['/var/log', 0o755],
  ['/var/tmp', 0o1777],
];

function hierarchyFiles(): FileSpec[] {
  return hierarchy.map(([path, mode]) =>
    typeof mode === 'string' ? { path, type: 'symlink', target: mode } : { path, type: 'directory', mode },
  );
}

function osRelease(world: World, stream: string): FileSpec[] {
  const { version } = world.streams[stream]!;
  const lines = Object.entries({ ...world['os-release'], OSTREE_VERSION: version })
    .map(([key, value]) => `${key}="${value.replace(/\$\{version\}/g, version).replace(/["$\\`]/g, '\\$&')}"\n`)
    .join('');
  return [
    { path: '/usr/lib/os-release', content: lines },
    { path: '/etc/os-release', type: 'symlink', target: '../usr/lib/os-release' },
  ];
}

/** A cpio archive (newc) with one empty program: enough to be an initramfs file, never started by an instance. */
function emptyInitramfs(label: string): Buffer {
  const member = (name: string, mode: number, data: string): string => {
    const hex = (n: number): string => n.toString(16).padStart(8, '0');
    const head = `070701${[0, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0].map(hex).join('')}${name}\0`;
    const pad = (text: string): string => text.padEnd(Math.ceil(text.length / 4) * 4, '\0');
    return pad(head) + pad(data);
  };
  return gzipSync(member('init', 0o100755, `#!/bin/sh\n# ${label}\n`) + member('TRAILER!!!', 0, ''));
}

function kernelFiles(world: World, pkg: WorldPackage, stream: string): FileSpec[] {
  const { version, release } = versionOn(world, pkg, stream);
  const id = `${version}-${release}.${pkg.arch ?? world.arch}`;
  const dir = `/usr/lib/modules/${id}`;
  // Named after its release so that two kernels never have the same bytes.
  return [
    { path: dir, type: 'directory' },
    {
      path: `${dir}/vmlinuz`,
      mode: 0o755,
      content: Buffer.concat([Buffer.from(`kernel ${id}\n`), noise(`${id} vmlinuz`, 65536)]),
    },
    { path: `${dir}/initramfs.img`, mode: 0o600, content: emptyInitramfs(id) },
    { path: `${dir}/modules.dep`, content: '' },
  ];
}

/** Reproducible bytes that do not compress. */
function noise(label: string, size: number): Buffer {
  let seed = 0x811c9dc5;
  for (const byte of Buffer.from(label)) seed = Math.imul(seed ^ byte, 0x01000193);
  return new Random(seed).bytes(size);
}

function fileSpec(pkg: string, path: string, file: WorldFile): FileSpec {
  const common = {
    path,
    ...(file.mode === undefined ? {} : { mode: Number.parseInt(file.mode, 8) }),
    ...(file.user === undefined ? {} : { user: file.user }),
    ...(file.group === undefined ? {} : { group: file.group }),
    ...(path.startsWith('/etc/') && !file.directory && file.link === undefined ? { config: 'noreplace' as const } : {}),
    ...(/^\/usr\/share\/(doc|man)\//.test(path) ? { doc: true } : {}),
    ...(path.startsWith('/usr/share/licenses/') ? { license: true } : {}),
  };
  if (file.directory) return { ...common, type: 'directory' };
  if (file.link !== undefined) return { ...common, type: 'symlink', target: file.link };
  if (file.manual) {
    const page = path.slice(path.lastIndexOf('/') + 1).replace(/\.gz$/, '');
    return { ...common, content: gzipSync(`.TH ${page.toUpperCase()}\n.SH NAME\n${page} - part of ${pkg}\n`) };
  }
  return { ...common, content: file.text ?? noise(`${pkg}${path}`, file.size ?? 0) };
}

function packaged(file: PackagedFile): FileSpec {
  const { path, mode, content } = file;
  const owner = {
    ...(file.user === undefined ? {} : { user: file.user }),
    ...(file.group === undefined ? {} : { group: file.group }),
  };
  if (content === 'directory') return { path, mode, type: 'directory', ...owner };
  return 'link' in content
    ? { path, type: 'symlink', target: content.link, ...owner }
    : { path, mode, content: content.bytes, ...owner };
}

/** %pre that adds the users with plain shell: the tools of a small tree have no useradd. */
function addUsers(users: readonly WorldUser[]): string {
  return users
    .map(
      ({ name, id, home }) =>
        `grep -q '^${name}:' /etc/group || echo '${name}:x:${id}:' >> /etc/group\n` +
        `grep -q '^${name}:' /etc/passwd || echo '${name}:x:${id}:${id}::${home}:/sbin/nologin' >> /etc/passwd\n`,
    )
    .join('');
}

/** What `buildPackage` makes the package of `pkg` on `stream` from. `shell` is shared because collecting it asks the host's loader. */
export function worldPackage(
  world: World,
  pkg: WorldPackage,
  stream: string,
  shell: readonly PackagedFile[] = shellTools(),
): PackageSpec {
  const { version, release } = versionOn(world, pkg, stream);
  const files: FileSpec[] = [
    ...(pkg.layout ? hierarchyFiles() : []),
    ...(pkg['os-release'] ? osRelease(world, stream) : []),
    ...(pkg.shell ? shell.map(packaged) : []),
    ...(pkg.kernel ? kernelFiles(world, pkg, stream) : []),
    ...Object.entries(pkg.files ?? {}).map(([path, file]) => fileSpec(pkg.name, path, file)),
  ];
  const scripts = {
    ...(pkg.users === undefined ? {} : { pre: addUsers(pkg.users) }),
    ...(pkg.post === undefined ? {} : { post: pkg.post }),
  };
  const { timestamp } = world.streams[stream]!;
  return {
    name: pkg.name,
    version,
    release,
    ...(pkg.epoch === undefined ? {} : { epoch: pkg.epoch }),
    arch: pkg.arch ?? world.arch,
    summary: pkg.summary ?? `The package ${pkg.name}`,
    license: pkg.license ?? 'Apache-2.0',
    ...(pkg.url === undefined ? {} : { url: pkg.url }),
    vendor: 'Coppice lab',
    buildTime: Math.floor(Date.parse(timestamp) / 1000),
    provides: [
      ...(pkg.shell ? ['/bin/sh'] : []),
      ...(pkg.kernel ? [`kernel-uname-r = ${version}-${release}.${pkg.arch ?? world.arch}`] : []),
      ...(pkg.provides ?? []),
    ],
    requires: pkg.requires ?? [],
    conflicts: pkg.conflicts ?? [],
    obsoletes: pkg.obsoletes ?? [],
    recommends: pkg.recommends ?? [],
    scripts,
    files,
    changelog: [
      {
        time: Math.floor(Date.parse(timestamp) / 1000),
        author: `Lab <lab@localhost> - ${version}-${release}`,
        text: '- Built',
      },
    ],
    // Level 3: a lab is made in seconds and thrown away.
    payload: { compressor: 'zstd', level: 3 },
  };
}
