// Unpacking a payload into a directory, without trusting it.
import { constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { collectBytes } from '@coppice/archive';
import { CoppiceError, errnoError, isCoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import { FileFlag } from './files.ts';
import type { PayloadEntry } from './payload.ts';
import type { RpmPackage } from './rpm-package.ts';

export interface UnpackOptions {
  readonly fs?: FileSystem;
  /** Also make devices and FIFOs (needs root); skipped otherwise. */
  readonly devices?: boolean;
}

const typeMask = 0o170000;

/**
 * Unpacks into `dir`, which must exist. Directories on the way are created; a symbolic link on the way, wherever it
 * points, is refused, so nothing lands outside. Ownership is left to the caller. Modes are applied last, directories
 * after their content. Throws `Corrupt` on a payload that does not fit its header or digest.
 */
export function unpackPackage(pkg: RpmPackage, dir: string, options: UnpackOptions = {}): void {
  const fs = options.fs ?? hostFs;
  const known = new Set<string>([dir]);
  const directoryModes: [string, number, number][] = [];
  const parents = (path: string): void => {
    const parent = dirname(path);
    if (known.has(parent)) return;
    parents(parent);
    const stat = fs.lstat(parent);
    if (stat === undefined) fs.mkdir(parent, 0o755);
    else if ((stat.mode & typeMask) !== 0o040000)
      throw new CoppiceError('Corrupt', `${pkg.source.name}: ${parent.slice(dir.length)} is in the way of a file`);
    known.add(parent);
  };
  const place = (entry: PayloadEntry): void => {
    const path = join(dir, entry.path);
    parents(path);
    const type = entry.mode & typeMask;
    const present = fs.lstat(path);
    if (type === 0o040000) {
      if (present === undefined) fs.mkdir(path, 0o755);
      else if ((present.mode & typeMask) !== 0o040000)
        throw new CoppiceError('Exists', `${path} exists and is not a directory`);
      directoryModes.push([path, entry.mode & 0o7777, entry.file.mtime]);
      return;
    }
    if (present !== undefined) throw new CoppiceError('Exists', `${path} exists already`);
    if (entry.hardlink !== undefined) fs.link(join(dir, entry.hardlink), path);
    else if (type === 0o100000) writeFile(fs, path, entry);
    else if (type === 0o120000) fs.symlink(linkTarget(entry), path);
    else if (options.devices) fs.mknod(path, entry.mode, entry.file.rdev);
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
