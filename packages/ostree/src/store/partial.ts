import { constants } from 'node:fs';
import type { FileSystem } from '@coppice/base/fs';
import { readFile } from '@coppice/linux';

function markPath(repo: string, commit: string): string {
  return `${repo}/state/${commit}.commitpartial`;
}

/** Creates the mark; one that exists is kept as it is. */
export function markPartial(fs: FileSystem, repo: string, commit: string, byFsck: boolean): void {
  let fd: number;
  try {
    fd = fs.open(
      markPath(repo, commit),
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o644,
    );
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') return;
    throw error;
  }
  try {
    if (byFsck) fs.write(fd, Buffer.from('f'), 0, 1, null);
  } finally {
    fs.close(fd);
  }
}

export function unmarkPartial(fs: FileSystem, repo: string, commit: string): void {
  try {
    fs.unlink(markPath(repo, commit));
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
  }
}

export function hasNoPartialMark(fs: FileSystem, repo: string, commit: string): boolean {
  return fs.lstat(markPath(repo, commit)) === undefined;
}

export function partialReason(fs: FileSystem, repo: string, commit: string): 'pull' | 'fsck' | undefined {
  if (hasNoPartialMark(fs, repo, commit)) return undefined;
  return readFile(markPath(repo, commit), { fs, limit: 4096 })[0] === 0x66 ? 'fsck' : 'pull';
}
