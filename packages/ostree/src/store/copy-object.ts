import { constants } from 'node:fs';
import { errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { chunksOf } from '@coppice/linux';
import { isRegular } from '../codec/mode-bits.ts';
import type { RepoMode } from '../codec/object-type.ts';
import { createFlags } from './file-attributes.ts';

export interface CopyForm {
  /** Of the repository that gets the copy. */
  readonly mode: RepoMode;
  /** Extended attributes are part of the object. */
  readonly xattrs: boolean;
  readonly sync: boolean;
}

/**
 * Copies the file of an object as it is to a new file at `to`, by sharing its extents where that is possible; gives its size.
 * Undefined for what is no regular file. Throws with the name of the call that failed; then there is nothing at `to`. What
 * libostree does with files that cannot be linked (import_one_object_direct of ostree-repo.c).
 */
export function copyObjectFile(fs: FileSystem, from: string, to: string, form: CopyForm): number | undefined {
  const stat = fs.lstat(from);
  if (stat === undefined) throw errnoError({ code: 'ENOENT' }, 'linkat');
  if (!isRegular(stat.mode)) return undefined;
  const source = fs.open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const target = fs.open(to, createFlags, 0o600);
    try {
      const step = <T>(name: string, run: () => T): T => {
        try {
          return run();
        } catch (error) {
          throw errnoError(error, name);
        }
      };
      step('regfile copy', () => {
        if (fs.reflink(source, target)) return;
        for (const piece of chunksOf(fs, source)) fs.write(target, piece, 0, piece.length, null);
      });
      if (form.mode === 'bare') step('fchown', () => fs.fchown(target, stat.uid, stat.gid));
      // Metadata have none.
      if (form.xattrs) step('fsetxattr', () => copyXattrs(fs, from, target));
      step('fchmod', () => fs.fchmod(target, stat.mode & 0o7777));
      // In an archive the time is that of the making.
      if (form.mode !== 'archive') fs.futimes(target, Date.now() / 1000, stat.mtimeMs / 1000);
      if (form.sync) step('fsync', () => fs.fsync(target));
    } catch (error) {
      fs.unlink(to);
      throw error;
    } finally {
      fs.close(target);
    }
  } finally {
    fs.close(source);
  }
  return stat.size;
}

function copyXattrs(fs: FileSystem, from: string, target: number): void {
  for (const name of fs.listxattr(from)) {
    const value = fs.getxattr(from, name);
    if (value !== undefined) fs.fsetxattr(target, name, value);
  }
}
