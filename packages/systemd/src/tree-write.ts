// Writing into a tree that may hold anything: parents are made or must be real directories; a link among them is refused, so
// nothing lands outside.

import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

/** Path below `root` of an absolute path inside; throws `Invalid` for anything else. */
export function below(root: string, path: string): string {
  if (!path.startsWith('/') || path.split('/').some((part) => part === '..') || path.includes('\0')) {
    throw new CoppiceError('Invalid', `not an absolute path: ${JSON.stringify(path)}`);
  }
  return `${root === '/' ? '' : root}${path.replace(/\/+/g, '/').replace(/\/$/, '')}`;
}

/** Makes the parents of `path` (mode 0755). Throws `Conflict` when one is a link or a file. */
export function makeParents(fs: FileSystem, root: string, path: string): void {
  const parts = path.split('/').filter((part) => part !== '');
  let at = '';
  for (const part of parts.slice(0, -1)) {
    at += `/${part}`;
    const full = below(root, at);
    const stat = fs.lstat(full);
    if (stat === undefined) {
      try {
        fs.mkdir(full, 0o755);
      } catch (error) {
        throw errnoError(error, `mkdir(${at})`);
      }
    } else if ((stat.mode & S_IFMT) !== S_IFDIR) {
      throw new CoppiceError('Conflict', `${at}: not a directory`);
    }
  }
}
