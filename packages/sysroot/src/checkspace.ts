// Whether the next kernel will find room in /boot.

import { listBootDirectories } from './bootdirs.ts';
import type { Inspection } from './checkfinding.ts';

function sizeOf(look: Inspection, directory: string): number {
  let bytes = 0;
  for (const name of look.fs.readdir(directory)) {
    const stat = look.fs.lstat(`${directory}/${name}`);
    if (stat === undefined) continue;
    bytes += (stat.mode & 0o170000) === 0o040000 ? sizeOf(look, `${directory}/${name}`) : stat.size;
  }
  return bytes;
}

/** Compares the free space of a /boot of its own with the largest kernel there. */
export function checkBootSpace(look: Inspection, count: number): void {
  const { fs, root } = look;
  const [boot, repo] = [fs.stat(`${root}/boot`), fs.stat(`${root}/ostree`)];
  // On one file system kernels are hard links.
  if (boot === undefined || repo === undefined || boot.dev === repo.dev) return;
  const sizes = listBootDirectories(fs, root).map(({ name }) => sizeOf(look, `${root}/boot/ostree/${name}`));
  const needed = Math.max(0, ...sizes);
  const { available } = fs.usage(`${root}/boot`);
  if (available >= needed) return;
  look.add(
    'boot-full',
    'error',
    'boot',
    `${available} bytes are free, but the largest kernel and initramfs take ${needed}: an update with a new kernel would fail`,
    count > 1 ? 'remove a deployment that is not needed any more' : 'make /boot larger',
    count > 1 ? look.admin('undeploy', String(count - 1)) : null,
  );
}
