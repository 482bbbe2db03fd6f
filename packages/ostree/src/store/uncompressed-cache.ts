import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { errnoError, prefixError } from '@coppice/base';
import { isRegular } from '../codec/mode-bits.ts';
import type { Repo } from '../repo.ts';
import type { ContentReader } from './content-reader.ts';

/**
 * Path of an uncompressed copy of an archive repository's object in `uncompressed-objects-cache/`, made when missing, for
 * hard-linking user checkouts. Undefined for symbolic links, empty files, and where the cache cannot be written.
 */
export function uncompressedObject(repo: Repo, checksum: string, reader: ContentReader): string | undefined {
  const { fs } = repo;
  const base = `${repo.path}/uncompressed-objects-cache`;
  const path = `${base}/${checksum.slice(0, 2)}/${checksum.slice(2)}.file`;
  try {
    if (fs.lstat(path) !== undefined) return path;
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw errnoError(error, 'fstatat');
  }
  const file = repo.loadFile(checksum);
  if (!isRegular(file.header.mode) || file.size === 0 || (file.header.mode & 0o400) === 0) return undefined;
  try {
    for (const directory of [base, `${base}/${checksum.slice(0, 2)}`]) {
      if (fs.lstat(directory) === undefined) fs.mkdir(directory, 0o775);
    }
  } catch (error) {
    if (isDenied(error)) return undefined;
    if ((error as { code?: string }).code !== 'EEXIST')
      throw prefixError(errnoError(error, 'mkdirat'), unpacking(checksum));
  }
  const temporary = `${base}/${checksum.slice(0, 2)}/.tmp-${randomBytes(6).toString('hex')}`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  let fd: number;
  try {
    fd = fs.open(temporary, flags, 0o600);
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw prefixError(errnoError(error, 'openat'), unpacking(checksum));
  }
  try {
    try {
      reader.copy(file, (bytes) => fs.write(fd, bytes, 0, bytes.length, null));
      fs.fchmod(fd, file.header.mode & 0o1777);
    } finally {
      fs.close(fd);
    }
    fs.rename(temporary, path);
  } catch (error) {
    if (fs.lstat(temporary) !== undefined) fs.unlink(temporary);
    throw prefixError(errnoError(error, 'Error writing to file descriptor'), unpacking(checksum));
  }
  return path;
}

function isDenied(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'EACCES' || code === 'EROFS' || code === 'EPERM';
}

function unpacking(checksum: string): string {
  return `Unpacking loose object ${checksum}`;
}
