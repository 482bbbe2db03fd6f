// Copies of files and trees with owner, mode, times and extended attributes, as the /etc merge and the device trees in
// /boot need them. Nothing is followed; special files are passed over.

import { constants } from 'node:fs';
import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import type { FileStat, FileSystem } from '@coppice/base/fs';
import { chunksOf } from '@coppice/linux';

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;

export interface CopyOptions {
  /** Leave extended attributes behind. */
  readonly noXattrs?: boolean;
  /** Told of each special file that was passed over. */
  readonly skipped?: (path: string) => void;
  /** Throw `Unsupported` at a special file inside a directory that is copied. */
  readonly refuseSpecial?: boolean;
}

function copyXattrs(fs: FileSystem, from: string, to: string): void {
  for (const name of fs.listxattr(from)) {
    const value = fs.getxattr(from, name);
    if (value !== undefined) fs.setxattr(to, name, value);
  }
}

/** Owner, mode and extended attributes of a directory. */
export function copyDirectoryAttributes(fs: FileSystem, from: string, to: string, options: CopyOptions = {}): void {
  if (options.noXattrs !== true) copyXattrs(fs, from, to);
  const stat = fs.lstat(from)!;
  setOwner(fs, to, stat);
  fs.chmod(to, stat.mode & 0o7777);
}

/** chown where it would change something, so that one without privileges may copy his own files. */
function setOwner(fs: FileSystem, path: string, wanted: FileStat): void {
  const now = fs.lstat(path)!;
  if (now.uid !== wanted.uid || now.gid !== wanted.gid) fs.lchown(path, wanted.uid, wanted.gid);
}

/** Copies a regular file or a symbolic link; what is at `to` is replaced at once. */
export function copyFile(fs: FileSystem, from: string, to: string, options: CopyOptions = {}): void {
  const stat = fs.lstat(from)!;
  const temporary = `${to}.coppice-tmp`;
  if (fs.lstat(temporary) !== undefined) fs.unlink(temporary);
  if ((stat.mode & S_IFMT) === S_IFLNK) {
    fs.symlink(fs.readlink(from), temporary);
    if (options.noXattrs !== true) copyXattrs(fs, from, temporary);
    setOwner(fs, temporary, stat);
    fs.rename(temporary, to);
    return;
  }
  const source = fs.open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const target = fs.open(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      if (!fs.reflink(source, target))
        for (const chunk of chunksOf(fs, source)) fs.write(target, chunk, 0, chunk.length, null);
      const now = fs.fstat(target);
      if (now.uid !== stat.uid || now.gid !== stat.gid) fs.fchown(target, stat.uid, stat.gid);
      fs.fchmod(target, stat.mode & 0o7777);
      if (options.noXattrs !== true)
        for (const name of fs.listxattr(from)) {
          const value = fs.getxattr(from, name);
          if (value !== undefined) fs.fsetxattr(target, name, value);
        }
      fs.futimes(target, stat.mtimeMs / 1000, stat.mtimeMs / 1000);
    } finally {
      fs.close(target);
    }
  } finally {
    fs.close(source);
  }
  fs.rename(temporary, to);
}

/** Copies a directory with all below it into `to`, which may exist: its attributes become those of `from`. */
export function copyTree(fs: FileSystem, from: string, to: string, options: CopyOptions = {}): void {
  if (fs.lstat(to) === undefined) fs.mkdir(to, 0o700);
  const name = from.slice(from.lastIndexOf('/') + 1);
  try {
    copyDirectoryAttributes(fs, from, to, options);
  } catch (error) {
    throw errnoError(error, `Copying attributes of ${name}`);
  }
  for (const child of fs.readdir(from)) {
    const path = `${from}/${child}`;
    const stat = fs.lstat(path);
    if (stat === undefined) continue;
    const type = stat.mode & S_IFMT;
    if (type === S_IFDIR) copyTree(fs, path, `${to}/${child}`, options);
    else if (type === S_IFREG || type === S_IFLNK) {
      try {
        copyFile(fs, path, `${to}/${child}`, options);
      } catch (error) {
        throw prefixError(errnoError(error, 'copy'), `Copying ${child}`);
      }
    } else if (options.refuseSpecial === true)
      throw new CoppiceError('Unsupported', `Copying ${child}: Cannot copy non-regular/non-symlink file: ${child}`);
    else options.skipped?.(path);
  }
}
