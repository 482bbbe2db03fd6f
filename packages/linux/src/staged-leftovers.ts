import { constants } from 'node:fs';
import { join } from 'node:path';
import type { FileSystem } from '@coppice/base/fs';

const temporary = /^\.(.+)\.[0-9a-f]{8}$/;

/** Whether nobody writes the file: those who do hold a lock until they are done. */
function isLeft(fs: FileSystem, path: string): boolean {
  const fd = fs.open(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    return fs.tryLock(fd, 'exclusive');
  } finally {
    fs.close(fd);
  }
}

/**
 * Takes away what killed runs left in `dir`: files that had no name yet, or folders of them that were to become `folder`. What is
 * in the way of that stays.
 */
export function removeLeftovers(fs: FileSystem, dir: string, folder: string | undefined): void {
  for (const name of fs.readdir(dir)) {
    const meant = temporary.exec(name)?.[1];
    if (meant === undefined || (folder !== undefined && meant !== folder)) continue;
    const path = join(dir, name);
    try {
      const files = folder === undefined ? [path] : fs.readdir(path).map((file) => join(path, file));
      if (!files.every((file) => isLeft(fs, file))) continue;
      for (const file of files) fs.unlink(file);
      if (folder !== undefined) fs.rmdir(path);
    } catch {
      // Of another kind, or somebody else's.
    }
  }
}
