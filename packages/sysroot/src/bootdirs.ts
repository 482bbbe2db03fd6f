// Directories `boot/ostree/OS-BOOTCSUM` that hold installed kernels.

import type { FileSystem } from '@coppice/base/fs';

export interface BootDirectory {
  /** Directory name. */
  readonly name: string;
  readonly osname: string;
  readonly bootChecksum: string;
}

/** What is not named so is not ours. */
export function listBootDirectories(fs: FileSystem, sysroot: string): BootDirectory[] {
  const base = `${sysroot}/boot/ostree`;
  if (fs.stat(base) === undefined) return [];
  const found: BootDirectory[] = [];
  for (const name of fs.readdir(base)) {
    const match = /^(.*)-([0-9a-f]{64})$/.exec(name);
    if (match === null || ((fs.lstat(`${base}/${name}`)?.mode ?? 0) & 0o170000) !== 0o040000) continue;
    found.push({ name, osname: match[1]!, bootChecksum: match[2]! });
  }
  return found;
}
