// Unpacking a payload into a directory, without trusting it.
import { constants } from 'node:fs';
import { join } from 'node:path';
import { collectBytes } from '@coppice/archive';
import { CoppiceError, errnoError, isCoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import { FileFlag } from './files.ts';
import type { PayloadEntry } from './payload.ts';
import type { RpmPackage } from './rpm-package.ts';
import { UnpackPlace } from './unpack-place.ts';

export interface UnpackOptions {
  readonly fs?: FileSystem;
  /** Also make devices and FIFOs (needs root); skipped otherwise. */
  readonly devices?: boolean;
}

const typeMask = 0o170000;

/**
 * Unpacks into `dir`, which must exist. Directories on the way are created. Symbolic links to directories that were there
 * before are followed as in a chroot when root or the caller made them; all other links on the way are refused, so nothing
 * lands outside. Ownership is left to the caller. Modes are applied last, directories
 * after their content. Throws `Corrupt` on a payload that does not fit its header or digest.
 */
export function unpackPackage(pkg: RpmPackage, dir: string, options: UnpackOptions = {}): void {
  const fs = options.fs ?? hostFs;
  const where = new UnpackPlace(fs, dir, pkg.source.name);
  const directoryModes: [string, number, number][] = [];
  const realPath = (path: string): string => {
    const rooted = path.startsWith('/') ? path : `/${path}`;
    return join(where.parentOf(rooted), rooted.slice(rooted.lastIndexOf('/') + 1));
  };
  const place = (entry: PayloadEntry): void => {
    const type = entry.mode & typeMask;
    if (type === 0o040000) {
      const path = where.directory(entry.path);
      directoryModes.push([path, entry.mode & 0o7777, entry.file.mtime]);
      return;
    }
    const path = realPath(entry.path);
    if (fs.lstat(path) !== undefined) throw new CoppiceError('Exists', `${path} exists already`);
    if (entry.hardlink !== undefined) fs.link(realPath(entry.hardlink), path);
    else if (type === 0o100000) writeFile(fs, path, entry);
    else if (type === 0o120000) {
      fs.symlink(linkTarget(entry), path);
      where.noteLink(path);
    } else if (options.devices) fs.mknod(path, entry.mode, entry.file.rdev);
  };
  for (const entry of pkg.payload({ verifyFiles: true })) {
    if (entry.file.flags & FileFlag.ghost) continue;
    try {
      place(entry);
    } catch (error) {
      throw isCoppiceError(error) ? error : errnoError(error, join(dir, entry.path));
    }
  }
  for (const [path, mode, mtime] of directoryModes.reverse()) {
    fs.chmod(path, mode);
    fs.lutimes(path, mtime, mtime);
  }
}

function writeFile(fs: FileSystem, path: string, entry: PayloadEntry): void {
  const fd = fs.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    for (const piece of entry.read()) fs.write(fd, piece, 0, piece.length, null);
    fs.fchmod(fd, entry.mode & 0o7777);
    fs.futimes(fd, entry.file.mtime, entry.file.mtime);
  } finally {
    fs.close(fd);
  }
}

function linkTarget(entry: PayloadEntry): string {
  const target = Buffer.from(collectBytes(entry.read(), 4096, 'link target')).toString();
  if (target === '' || target.includes('\0')) throw new CoppiceError('Corrupt', `bad target of link ${entry.path}`);
  return target;
}
