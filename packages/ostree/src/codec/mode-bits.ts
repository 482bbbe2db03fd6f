import { CoppiceError } from '@coppice/base';

/** File type bits of `st_mode`. */
export const S_IFMT = 0o170000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;
export const S_IFDIR = 0o040000;

export function isRegular(mode: number): boolean {
  return (mode & S_IFMT) === S_IFREG;
}
export function isSymlink(mode: number): boolean {
  return (mode & S_IFMT) === S_IFLNK;
}
export function isDirectory(mode: number): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}

/** A content object is a regular file or a symbolic link with permission bits only; throws `Corrupt`. */
export function checkFileMode(mode: number): void {
  if (!isRegular(mode) && !isSymlink(mode)) {
    throw new CoppiceError('Corrupt', `Invalid mode ${mode}; not a valid file type`);
  }
  checkPermissionBits(mode);
}

export function checkDirMode(mode: number): void {
  if (!isDirectory(mode)) throw new CoppiceError('Corrupt', `Invalid directory metadata mode ${mode}; not a directory`);
  checkPermissionBits(mode);
}

function checkPermissionBits(mode: number): void {
  const other = mode & ~S_IFMT & ~0o7777;
  if (other !== 0 || mode > 0xffff) throw new CoppiceError('Corrupt', `Invalid mode ${mode}; invalid bits in mode`);
}
