// The default FileSystem: the machine's own. node:fs for what Node has, libc for the rest.

import { isUtf8 } from 'node:buffer';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  type Stats,
  statfsSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { CoppiceError } from '@coppice/base';
import type { FileStat, FileSystem, FsUsage } from '@coppice/base/fs';
import { lastErrno, libc, systemError } from './libc.ts';

const AT_FDCWD = -100;
const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FICLONE = 0x40049409;
const FS_IOC_ENABLE_VERITY = 0x40806685;
const FS_IOC_MEASURE_VERITY = 0xc0046686;
const FS_VERITY_HASH_ALG_SHA256 = 1;
const F_OFD_SETLK = 37;
const noThrow = { throwIfNoEntry: false } as const;
const lockTypes = { shared: 0, exclusive: 1, unlock: 2 } as const;

/** Runs `body` on a descriptor of `path` (a directory or file); `extra` is O_NOFOLLOW or O_DIRECTORY. */
function withFd<T>(path: string, extra: number, body: (fd: number) => T): T {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | extra);
  try {
    return body(fd);
  } finally {
    closeSync(fd);
  }
}

// throwIfNoEntry covers ENOENT and saves building an Error object; ENOTDIR still throws.
function orUndefined(call: () => Stats | undefined): Stats | undefined {
  try {
    return call();
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

// Attribute values are at most 64 KiB on Linux, name lists too (XATTR_SIZE_MAX, XATTR_LIST_MAX). The kernel makes room for
// as much as it is offered, which takes a third of the time of such a call: a small buffer is tried first.
const smallBuffer = Buffer.allocUnsafeSlow(1024);
let largeBuffer: Buffer | undefined;

/** Calls with a buffer that is large enough: the bytes put there, which the next call overwrites, or the error's name. */
function readXattr(call: (buffer: Buffer) => number): Buffer | string {
  let n = call(smallBuffer);
  if (n >= 0) return smallBuffer.subarray(0, n);
  const errno = lastErrno();
  if (errno !== 'ERANGE') return errno;
  largeBuffer ??= Buffer.allocUnsafeSlow(65536);
  n = call(largeBuffer);
  if (n >= 0) return largeBuffer.subarray(0, n);
  return lastErrno();
}

function listed(result: Buffer | string, call: string, path?: string): string[] {
  if (typeof result !== 'string')
    return result.length === 0 ? [] : attributeNames(result.subarray(0, -1), path ?? 'an open file');
  if (result === 'ENOTSUP' || result === 'EOPNOTSUPP') return [];
  throw systemError(result, call, path);
}

function rename2(from: string, to: string, flags: number): void {
  if (libc().renameat2(AT_FDCWD, from, AT_FDCWD, to, flags) !== 0) throw systemError(lastErrno(), 'renameat2', to);
}

/** Names are any bytes to the kernel; ones that are not UTF-8 would be lost on the way, so they are refused. */
function attributeNames(bytes: Buffer, path: string): string[] {
  if (!isUtf8(bytes))
    throw new CoppiceError('Unsupported', `Invalid UTF-8 in a name of an extended attribute of ${path}`);
  return bytes.toString('utf8').split('\0');
}

/**
 * What was opened before a flush began, by path: the system tells of a failed write once to each that was open then, and
 * `syncfs` has to hear of what failed in flushes before it.
 */
const flushed = new Map<string, number>();

export const hostFs: FileSystem = {
  open: (path, flags, mode = 0o666) => openSync(path, flags, mode),
  close: closeSync,
  read: (fd, buffer, offset, length, position) => readSync(fd, buffer, offset, length, position),
  write(fd, buffer, offset, length, position) {
    let at = 0;
    while (at < length) {
      at += writeSync(fd, buffer, offset + at, length - at, position === null ? null : position + at);
    }
  },
  ftruncate: ftruncateSync,
  fstat: (fd): FileStat => fstatSync(fd),
  fchmod: fchmodSync,
  fchown: fchownSync,
  futimes: futimesSync,

  fsync: fsyncSync,
  fdatasync: fdatasyncSync,
  syncfs(path) {
    const fd = flushed.get(path) ?? openSync(path, constants.O_RDONLY);
    flushed.delete(path);
    try {
      if (libc().syncfs(fd) !== 0) throw systemError(lastErrno(), 'syncfs', path);
    } finally {
      closeSync(fd);
    }
  },
  beginSyncfs(path, done) {
    if (!flushed.has(path)) flushed.set(path, openSync(path, constants.O_RDONLY));
    const fd = openSync(path, constants.O_RDONLY);
    libc().syncfs.async(fd, () => {
      closeSync(fd);
      done();
    });
  },
  syncDir(path) {
    // A link is followed: /ostree is one on a running system, and flushing has no other effect.
    withFd(path, constants.O_DIRECTORY, fsyncSync);
  },

  lstat: (path) => orUndefined(() => lstatSync(path, noThrow)),
  stat: (path) => orUndefined(() => statSync(path, noThrow)),
  readdir: (path) => readdirSync(path),
  readdirRaw: (path) => readdirSync(path, { encoding: 'buffer' }),
  readlink: (path) => readlinkSync(path),
  mkdir(path, mode = 0o777) {
    mkdirSync(path, { mode });
  },
  rmdir: rmdirSync,
  symlink: (target, path) => symlinkSync(target, path),
  link: linkSync,
  rename: renameSync,
  renameNoReplace: (from, to) => rename2(from, to, RENAME_NOREPLACE),
  renameExchange: (a, b) => rename2(a, b, RENAME_EXCHANGE),
  unlink: unlinkSync,
  chmod: chmodSync,
  lchown: lchownSync,
  lutimes: lutimesSync,
  mknod(path, mode, rdev) {
    if (libc().mknod(path, mode, BigInt(rdev)) !== 0) throw systemError(lastErrno(), 'mknod', path);
  },

  listxattr(path) {
    if (process.platform !== 'linux') return [];
    const { llistxattr } = libc();
    return listed(
      readXattr((buffer) => llistxattr(path, buffer, buffer.length)),
      'llistxattr',
      path,
    );
  },
  flistxattr(fd) {
    if (process.platform !== 'linux') return [];
    const { flistxattr } = libc();
    return listed(
      readXattr((buffer) => flistxattr(fd, buffer, buffer.length)),
      'flistxattr',
    );
  },
  getxattr(path, name) {
    if (process.platform !== 'linux') return undefined;
    const { lgetxattr } = libc();
    const result = readXattr((buffer) => lgetxattr(path, name, buffer, buffer.length));
    if (typeof result !== 'string') return Buffer.from(result);
    if (result === 'ENODATA' || result === 'ENOTSUP' || result === 'EOPNOTSUPP') return undefined;
    throw systemError(result, 'lgetxattr', path);
  },
  setxattr(path, name, value) {
    if (libc().lsetxattr(path, name, value, value.length, 0) !== 0) throw systemError(lastErrno(), 'lsetxattr', path);
  },
  removexattr(path, name) {
    if (libc().lremovexattr(path, name) !== 0) throw systemError(lastErrno(), 'lremovexattr', path);
  },
  fsetxattr(fd, name, value) {
    if (libc().fsetxattr(fd, name, value, value.length, 0) !== 0) throw systemError(lastErrno(), 'fsetxattr');
  },

  getFlags(path) {
    return withFd(path, constants.O_NOFOLLOW, (fd) => {
      const argument = Buffer.alloc(8);
      if (libc().ioctl(fd, FS_IOC_GETFLAGS, argument) !== 0) return undefined;
      return argument.readUInt32LE(0);
    });
  },
  setFlags(path, flags) {
    return withFd(path, constants.O_NOFOLLOW, (fd) => {
      const argument = Buffer.alloc(8);
      argument.writeUInt32LE(flags >>> 0, 0);
      return libc().ioctl(fd, FS_IOC_SETFLAGS, argument) === 0;
    });
  },
  enableVerity(path) {
    return withFd(path, constants.O_NOFOLLOW, (fd) => {
      // struct fsverity_enable_arg: version, hash_algorithm, block_size, salt_size (u32), then salt and signature, none here.
      const argument = Buffer.alloc(128);
      for (const [i, value] of [1, FS_VERITY_HASH_ALG_SHA256, 4096].entries()) argument.writeUInt32LE(value, i * 4);
      if (libc().ioctl(fd, FS_IOC_ENABLE_VERITY, argument) === 0) return true;
      const errno = lastErrno();
      if (errno === 'ENOTTY' || errno === 'ENOTSUP' || errno === 'EOPNOTSUPP') return false;
      throw systemError(errno, 'ioctl', path);
    });
  },
  measureVerity(path) {
    return withFd(path, constants.O_NOFOLLOW, (fd) => {
      // struct fsverity_digest: digest_algorithm, digest_size (u16; room, then length), digest.
      const argument = Buffer.alloc(4 + 32);
      argument.writeUInt16LE(32, 2);
      if (libc().ioctl(fd, FS_IOC_MEASURE_VERITY, argument) !== 0) {
        const errno = lastErrno();
        if (['ENOTTY', 'ENOTSUP', 'EOPNOTSUPP'].includes(errno)) throw systemError('ENOTSUP', 'ioctl', path);
        return undefined;
      }
      const sha256 = argument.readUInt16LE(0) === FS_VERITY_HASH_ALG_SHA256 && argument.readUInt16LE(2) === 32;
      return sha256 ? argument.subarray(4) : undefined;
    });
  },
  // FICLONE takes the source descriptor itself, not a pointer to it.
  reflink: (fromFd, toFd) => libc().ioctlInt(toFd, FICLONE, fromFd) === 0,
  writable(path) {
    try {
      accessSync(path, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  },
  usage(path): FsUsage {
    const { type, bsize, blocks, bfree, bavail } = statfsSync(path);
    return { blockSize: bsize, total: blocks * bsize, free: bfree * bsize, available: bavail * bsize, type };
  },
  tryLock(fd, kind) {
    // struct flock on 64-bit Linux: l_type s16, l_whence s16, pad, l_start s64, l_len s64 (0 = to the end), l_pid s32, pad.
    const lock = Buffer.alloc(32);
    lock.writeInt16LE(lockTypes[kind], 0);
    if (libc().fcntl(fd, F_OFD_SETLK, lock) === 0) return true;
    const errno = lastErrno();
    if (errno === 'EAGAIN' || errno === 'EACCES') return false;
    throw systemError(errno, 'fcntl');
  },
};
