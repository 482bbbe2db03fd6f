import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';

/** Throws `Permission`, in libostree's words, when this process may not write into `objects/`. */
export function ensureWritable(fs: FileSystem, repo: string): void {
  const objects = `${repo}/objects`;
  if (fs.stat(objects) !== undefined && !fs.writable(objects)) {
    throw new CoppiceError('Permission', 'Cannot write to repository: Permission denied');
  }
}
