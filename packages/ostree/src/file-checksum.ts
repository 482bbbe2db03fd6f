import { constants } from 'node:fs';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, pieceDigest } from '@coppice/linux';
import { sha256 } from './codec/checksum.ts';
import { encodeDirMeta } from './codec/dirmeta.ts';
import { encodeFileHeader, type FileHeader } from './codec/file-header.ts';
import { isDirectory, isRegular, isSymlink, S_IFMT } from './codec/mode-bits.ts';
import { readXattrs } from './store/load-file.ts';

export interface FileChecksumOptions {
  readonly fs?: FileSystem;
  readonly ignoreXattrs?: boolean;
  /** Owner 0:0 and canonical modes, as a bare-user-only repository would store it. */
  readonly canonicalPermissions?: boolean;
  /** Owner instead of the file's own. */
  readonly ownerUid?: number;
  readonly ownerGid?: number;
}

/** The checksum that a path on disk has as an object: a file, a symbolic link, or a directory's metadata. */
export function fileChecksum(path: string, options: FileChecksumOptions = {}): string {
  const { fs = hostFs, canonicalPermissions = false } = options;
  const stat = fs.lstat(path);
  if (stat === undefined) throw new CoppiceError('NotFound', `fstatat(${path}): No such file or directory`);
  const xattrs = options.ignoreXattrs === true || canonicalPermissions ? [] : readXattrs(fs, path);
  const uid = options.ownerUid ?? (canonicalPermissions ? 0 : stat.uid);
  const gid = options.ownerGid ?? (canonicalPermissions ? 0 : stat.gid);
  const mode = canonicalPermissions && !isSymlink(stat.mode) ? stat.mode & (S_IFMT | 0o755) : stat.mode;
  if (isDirectory(stat.mode)) return sha256(encodeDirMeta({ uid, gid, mode, xattrs }));
  const link = isSymlink(stat.mode);
  if (!link && !isRegular(stat.mode))
    throw new CoppiceError('Unsupported', `Unsupported file type for file: '${path}'`);
  const header: FileHeader = { uid, gid, mode, symlinkTarget: link ? fs.readlink(path) : '', xattrs };
  return link ? sha256(encodeFileHeader(header)) : hashFile(fs, path, encodeFileHeader(header), stat.size);
}

/** As much as the processor keeps at hand while it hashes what was just read. */
const pieceSize = 512 * 1024;
let buffer: Buffer | undefined;

/** Hex SHA-256 of `head` and a file's bytes, in one reused buffer. */
export function hashFile(fs: FileSystem, path: string, head: Uint8Array, expectedSize: number): string {
  if (expectedSize === 0) return sha256(head);
  let fd: number;
  try {
    fd = fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    throw errnoError(error, `openat(${path})`);
  }
  try {
    return hashOpenFile(fs, fd, head, expectedSize);
  } finally {
    fs.close(fd);
  }
}

/** As `hashFile`, of a file that was just opened. */
export function hashOpenFile(fs: FileSystem, fd: number, head: Uint8Array, expectedSize: number): string {
  if (expectedSize === 0) return sha256(head);
  buffer ??= Buffer.allocUnsafeSlow(pieceSize);
  // One call hashes a file that fits beside its header.
  if (head.length + expectedSize < pieceSize) {
    buffer.set(head, 0);
    let at = head.length;
    for (;;) {
      const n = fs.read(fd, buffer, at, pieceSize - at, null);
      at += n;
      if (n === 0 || at === head.length + expectedSize) return sha256(buffer.subarray(0, at));
      if (at === pieceSize) break;
    }
  }
  const digest = pieceDigest('sha256');
  digest.update(head);
  let at = 0;
  for (;;) {
    const n = fs.read(fd, buffer, 0, pieceSize, at);
    if (n === 0) return digest.hex();
    digest.update(buffer.subarray(0, n));
    at += n;
  }
}
