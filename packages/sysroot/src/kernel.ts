// Kernel, initramfs and device trees of a deployment's tree, and the boot checksum over them. Two layouts are known:
// `usr/lib/modules/KVER/` (the checksum is computed) and the older `usr/lib/ostree-boot` or `boot` (file names end in it).

import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { chunksOf } from '@coppice/linux';

/** A file to install into `/boot`: its name beside the kernel, and the name it gets. */
export interface BootFile {
  readonly source: string;
  readonly name: string;
}

export interface KernelLayout {
  /** Directory of the sources, relative to the tree. */
  readonly directory: string;
  readonly kernel: BootFile;
  readonly hmac?: BootFile;
  readonly initramfs?: BootFile;
  /** One device tree blob. */
  readonly deviceTree?: BootFile;
  /** A directory `dtb` of device trees, installed whole. */
  readonly deviceTreeDirectory?: string;
  /** An Android boot image. */
  readonly aboot?: BootFile;
  readonly bootChecksum: string;
}

export interface KnownKernel {
  readonly tree: string;
  readonly bootChecksum: string;
}

export interface KernelOptions {
  readonly noDeviceTree?: boolean;
  /** Deployed trees, whose checksums are taken over where their files are the same inodes. */
  readonly known?: readonly KnownKernel[];
}

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;

function hashFile(fs: FileSystem, path: string, hash: Hash): void {
  const fd = fs.open(path, constants.O_RDONLY);
  try {
    for (const chunk of chunksOf(fs, fd)) hash.update(chunk);
  } finally {
    fs.close(fd);
  }
}

function hashDirectory(fs: FileSystem, path: string, hash: Hash): void {
  const names = fs.readdir(path).map((name) => Buffer.from(name));
  for (const name of names.sort(Buffer.compare)) {
    const child = `${path}/${name}`;
    const stat = fs.lstat(child);
    if (stat === undefined) continue;
    if ((stat.mode & S_IFMT) === S_IFDIR) hashDirectory(fs, child, hash);
    else hashFile(fs, child, hash);
  }
}

const modules = 'usr/lib/modules';

function modulesVersion(fs: FileSystem, tree: string): string | undefined {
  if (fs.stat(`${tree}/${modules}`) === undefined) return undefined;
  return fs.readdir(`${tree}/${modules}`).find((name) => {
    const directory = fs.lstat(`${tree}/${modules}/${name}`);
    if (directory === undefined || (directory.mode & S_IFMT) !== S_IFDIR) return false;
    const kernel = fs.stat(`${tree}/${modules}/${name}/vmlinuz`);
    return kernel !== undefined && (kernel.mode & S_IFMT) === S_IFREG;
  });
}

/** Inodes of kernel and initramfs where these two, and nothing else, make the boot checksum. */
function plainKernel(fs: FileSystem, tree: string): string | undefined {
  const version = modulesVersion(fs, tree);
  const at = `${tree}/${modules}/${version}`;
  const has = (name: string): boolean => fs.stat(`${at}/${name}`) !== undefined;
  const initramfs = ['initramfs.img', 'initramfs'].find(has);
  // Without an initramfs the older layout may be what counts; device trees may not have been asked for.
  if (version === undefined || initramfs === undefined || ['devicetree', 'dtb'].some(has)) return undefined;
  const stats = ['vmlinuz', initramfs].map((name) => fs.lstat(`${at}/${name}`)!);
  return stats.every(({ mode }) => (mode & S_IFMT) === S_IFREG)
    ? stats.map(({ dev, ino }) => `${dev}:${ino}`).join()
    : undefined;
}

function modulesLayout(fs: FileSystem, tree: string, options: KernelOptions): KernelLayout | undefined {
  const version = modulesVersion(fs, tree);
  if (version === undefined) return undefined;
  const directory = `${modules}/${version}`;
  const at = `${tree}/${directory}`;
  const has = (name: string): boolean => fs.stat(`${at}/${name}`) !== undefined;
  const hash = createHash('sha256');
  const layout: { -readonly [K in keyof KernelLayout]: KernelLayout[K] } = {
    directory,
    kernel: { source: 'vmlinuz', name: `vmlinuz-${version}` },
    bootChecksum: '',
  };
  const hashed = ['vmlinuz'];
  const initramfs = ['initramfs.img', 'initramfs'].find(has);
  if (initramfs !== undefined) {
    layout.initramfs = { source: initramfs, name: `initramfs-${version}.img` };
    hashed.push(initramfs);
  }
  if (has('aboot.img')) layout.aboot = { source: 'aboot.img', name: `aboot-${version}.img` };
  const plain = (options.known ?? []).length === 0 ? undefined : plainKernel(fs, tree);
  const reused =
    plain === undefined
      ? undefined
      : options.known?.find((other) => other.tree === tree || plainKernel(fs, other.tree) === plain)?.bootChecksum;
  if (reused === undefined) for (const name of hashed) hashFile(fs, `${at}/${name}`, hash);
  if (options.noDeviceTree !== true) {
    const dtb = fs.stat(`${at}/dtb`);
    if (has('devicetree')) {
      layout.deviceTree = { source: 'devicetree', name: `devicetree-${version}` };
      hashFile(fs, `${at}/devicetree`, hash);
    } else if (dtb !== undefined && (dtb.mode & S_IFMT) === S_IFDIR) {
      layout.deviceTreeDirectory = 'dtb';
      hashDirectory(fs, `${at}/dtb`, hash);
    }
  }
  if (has('.vmlinuz.hmac')) layout.hmac = { source: '.vmlinuz.hmac', name: `.vmlinuz-${version}.hmac` };
  layout.bootChecksum = reused ?? hash.digest('hex');
  return layout;
}

/** Splits `vmlinuz-VERSION-CHECKSUM`; undefined when it does not end in a checksum. */
function checksumName(name: string): { base: string; checksum: string } | undefined {
  const match = /^(.*)-([0-9a-f]{64})$/.exec(name);
  return match === null ? undefined : { base: match[1]!, checksum: match[2]! };
}

function legacyLayout(fs: FileSystem, tree: string): KernelLayout | undefined {
  const directory = ['usr/lib/ostree-boot', 'boot'].find((path) => fs.stat(`${tree}/${path}`) !== undefined);
  if (directory === undefined) return undefined;
  const found = new Map<string, { file: BootFile; checksum: string }>();
  for (const name of fs.readdir(`${tree}/${directory}`)) {
    const prefix = ['vmlinuz-', 'initramfs-', 'devicetree-'].find((p) => name.startsWith(p));
    const parts = checksumName(name);
    if (prefix === undefined || parts === undefined || found.has(prefix)) continue;
    found.set(prefix, { file: { source: name, name: parts.base }, checksum: parts.checksum });
  }
  const kernel = found.get('vmlinuz-');
  if (kernel === undefined) return undefined;
  const initramfs = found.get('initramfs-');
  const deviceTree = found.get('devicetree-');
  if (initramfs !== undefined && initramfs.checksum !== kernel.checksum)
    throw new CoppiceError('Invalid', 'Mismatched kernel checksum vs initrd');
  if (deviceTree !== undefined && deviceTree.checksum !== kernel.checksum)
    throw new CoppiceError('Invalid', 'Mismatched kernel checksum vs device tree in tree');
  return {
    directory,
    kernel: kernel.file,
    ...(initramfs === undefined ? {} : { initramfs: initramfs.file }),
    ...(deviceTree === undefined ? {} : { deviceTree: deviceTree.file }),
    bootChecksum: kernel.checksum,
  };
}

/**
 * Looks for the kernel in the tree at `tree`. The modules layout is preferred, unless only the older one has an
 * initramfs. Throws `NotFound` when there is none, `Invalid` when file names contradict each other.
 */
export function findKernel(fs: FileSystem, tree: string, options: KernelOptions = {}): KernelLayout {
  const modules = modulesLayout(fs, tree, options);
  const legacy = legacyLayout(fs, tree);
  if (
    legacy !== undefined &&
    (modules === undefined || (modules.initramfs === undefined && legacy.initramfs !== undefined))
  )
    return legacy;
  if (modules !== undefined) return modules;
  throw new CoppiceError('NotFound', 'Failed to find kernel in /usr/lib/modules, /usr/lib/ostree-boot or /boot');
}
