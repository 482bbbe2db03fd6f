import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';

/** Throws `Permission`, in libostree's words, when this process may not write into `objects/`. */
export function ensureWritable(fs: FileSystem, repo: string): void {
  const uid = process.geteuid?.();
  if (uid === undefined || uid === 0) return;
  const stat = fs.stat(`${repo}/objects`);
  if (stat === undefined) return;
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  const shift = stat.uid === uid ? 6 : groups.includes(stat.gid) ? 3 : 0;
  if (((stat.mode >> shift) & 2) === 0) {
    throw new CoppiceError('Permission', 'Cannot write to repository: Permission denied');
  }
}
