// Does what a boot loader and ostree-prepare-root do with a physical root, and nothing of what libostree does: reads the
// entries, takes the first in order, follows `ostree=` through the links. So it also judges what we wrote.

import { posix } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile } from '@coppice/linux';
import { BootConfig, strverscmp } from '@coppice/sysroot';

export interface BootTarget {
  /** The stateroot. */
  readonly osname: string;
  /** `CHECKSUM.SERIAL`. */
  readonly name: string;
  /** Folder of the deployment on the host. */
  readonly root: string;
  /** The stateroot's `var` on the host. */
  readonly var: string;
  /** The kernel command line of the entry. */
  readonly options: string;
  readonly title: string;
}

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;

/** Where a path of the boot partition lies below the physical root: entries name files relative to the partition or, with `bootprefix`, to the root. */
function bootFile(sysroot: string, path: string): string {
  return path.startsWith('/boot/') ? `${sysroot}${path}` : `${sysroot}/boot${path}`;
}

/** The entries of the active loader folder, in the order a boot loader shows them. */
export function loaderEntries(sysroot: string, fs: FileSystem = hostFs): BootConfig[] {
  const dir = `${sysroot}/boot/loader/entries`;
  let names: string[];
  try {
    names = fs.readdir(dir);
  } catch (error) {
    throw errnoError(error, dir);
  }
  const entries = names
    .filter((name) => name.endsWith('.conf'))
    .map((name) => BootConfig.parse(readFile(`${dir}/${name}`, { limit: 65536, fs }).toString(), name));
  return entries.sort((a, b) => strverscmp(b.get('version') ?? '', a.get('version') ?? ''));
}

/**
 * What would boot now. `index` picks another entry of the menu. Throws `NotFound` or `Corrupt` when any link of the chain
 * (entry, kernel, initramfs, `ostree=` link, deployment) is missing: such a machine would not come up.
 */
export function followBootLoader(sysroot: string, index = 0, fs: FileSystem = hostFs): BootTarget {
  const entries = loaderEntries(sysroot, fs);
  const entry = entries[index];
  if (entry === undefined)
    throw new CoppiceError('NotFound', `boot loader: no entry ${index} (there are ${entries.length})`);
  const where = `boot entry ${entry.fileName}`;
  for (const key of ['linux', 'initrd']) {
    const path = entry.get(key);
    if (path === undefined) {
      if (key === 'linux') throw new CoppiceError('Corrupt', `${where}: no kernel`);
      continue;
    }
    const stat = fs.stat(bootFile(sysroot, path));
    if (stat === undefined || (stat.mode & S_IFMT) !== S_IFREG)
      throw new CoppiceError('NotFound', `${where}: ${path} is missing`);
  }
  const options = entry.get('options') ?? '';
  const link = /(?:^| )ostree=(\/ostree\/boot\.[01]\/[^/ ]+\/[^/ ]+\/\d+)(?= |$)/.exec(options)?.[1];
  if (link === undefined) throw new CoppiceError('Corrupt', `${where}: no usable ostree= argument`);
  // boot.V is itself a link to boot.V.S in the same folder.
  const [, , bootVersion, osname, checksum, serial] = link.split('/') as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const subdir = readLink(fs, `${sysroot}/ostree/${bootVersion}`, where);
  if (!/^boot\.[01]\.[01]$/.test(subdir))
    throw new CoppiceError('Corrupt', `${where}: ostree/${bootVersion} points to ${JSON.stringify(subdir)}`);
  const target = readLink(fs, `${sysroot}/ostree/${subdir}/${osname}/${checksum}/${serial}`, where);
  const relative = posix.join(subdir, osname, checksum, target);
  const match = /^deploy\/([^/]+)\/deploy\/([0-9a-f]{64}\.\d+)$/.exec(relative);
  if (match === null) throw new CoppiceError('Corrupt', `${where}: ${link} points to ${JSON.stringify(target)}`);
  const root = `${sysroot}/ostree/${relative}`;
  const stat = fs.lstat(root);
  if (stat === undefined || (stat.mode & S_IFMT) !== S_IFDIR)
    throw new CoppiceError('NotFound', `${where}: deployment ${match[2]} is missing`);
  return {
    osname: match[1]!,
    name: match[2]!,
    root,
    var: `${sysroot}/ostree/deploy/${match[1]}/var`,
    options,
    title: entry.get('title') ?? '',
  };
}

function readLink(fs: FileSystem, path: string, where: string): string {
  try {
    return fs.readlink(path);
  } catch (error) {
    throw errnoError(error, `${where}: readlink(${path})`);
  }
}
