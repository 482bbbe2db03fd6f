// The one file-system interface. Everything that stores data takes it as an argument, so that tests can record every
// call, cut it short (power loss) or fail it (full disk). All calls are synchronous: in hot loops that is two to three
// times faster than promises in Node, and network code overlaps with it at its own awaits.
// Paths are never followed at their last component unless the method says so. Failing calls throw Node's own error
// (with `code` such as ENOENT); callers add context with `errnoError`.

/** What `lstat` tells. Times are milliseconds since the epoch. */
export interface FileStat {
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** File-system totals in bytes; `free` is what root may use, `available` what others may. `blockSize` is f_bsize. */
export interface FsUsage {
  readonly blockSize: number;
  readonly total: number;
  readonly free: number;
  readonly available: number;
  /** Kind of file system, as `f_type` of statfs(2). */
  readonly type?: number;
}

export interface FileSystem {
  /** `flags` are `node:fs` constants (`O_*`). */
  open(path: string, flags: number, mode?: number): number;
  close(fd: number): void;
  /** `position` null reads at the file offset. Returns bytes read, 0 at the end. */
  read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number | null): number;
  /** Writes all `length` bytes. */
  write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number | null): void;
  ftruncate(fd: number, length: number): void;
  fstat(fd: number): FileStat;
  fchmod(fd: number, mode: number): void;
  fchown(fd: number, uid: number, gid: number): void;
  /** Seconds since the epoch. */
  futimes(fd: number, atime: number, mtime: number): void;

  // Barriers.
  fsync(fd: number): void;
  fdatasync(fd: number): void;
  /** Flushes the whole file system that holds `path`. */
  syncfs(path: string): void;
  /**
   * Begins to flush it and returns at once, so that `syncfs` has less to wait for: no barrier by itself. `done` is called
   * afterwards, also when it failed.
   */
  beginSyncfs?(path: string, done: () => void): void;
  /** fsync of a directory, by path. */
  syncDir(path: string): void;

  /** Undefined when there is nothing at `path` (ENOENT, ENOTDIR). Does not follow. */
  lstat(path: string): FileStat | undefined;
  /** As `lstat`, following symbolic links. */
  stat(path: string): FileStat | undefined;
  /** Entry names in directory order, without `.` and `..`; `raw` gives bytes (names that are not UTF-8). */
  readdir(path: string): string[];
  readdirRaw(path: string): Buffer[];
  readlink(path: string): string;
  mkdir(path: string, mode?: number): void;
  rmdir(path: string): void;
  symlink(target: string, path: string): void;
  link(from: string, to: string): void;
  /** Atomically replaces `to`. */
  rename(from: string, to: string): void;
  /** renameat2(RENAME_NOREPLACE): throws EEXIST when `to` exists. */
  renameNoReplace(from: string, to: string): void;
  /** renameat2(RENAME_EXCHANGE). */
  renameExchange(a: string, b: string): void;
  unlink(path: string): void;
  chmod(path: string, mode: number): void;
  lchown(path: string, uid: number, gid: number): void;
  lutimes(path: string, atime: number, mtime: number): void;
  /** `mode` includes the S_IF* type; `rdev` is 0 for FIFOs. */
  mknod(path: string, mode: number, rdev: number): void;

  // Extended attributes, never following links. Names are without NUL; values are raw bytes.
  listxattr(path: string): string[];
  /** As `listxattr`, of an open file; left out where only paths can be asked. */
  flistxattr?(fd: number): string[];
  getxattr(path: string, name: string): Buffer | undefined;
  setxattr(path: string, name: string, value: Uint8Array): void;
  removexattr(path: string, name: string): void;
  fsetxattr(fd: number, name: string, value: Uint8Array): void;

  /** FS_IOC_GETFLAGS / SETFLAGS (immutable is 0x10); false where the file system has none. */
  getFlags(path: string): number | undefined;
  setFlags(path: string, flags: number): boolean;
  /**
   * Seals a file with fs-verity (SHA-256, blocks of 4096 bytes): it can never be written again, and its content is checked when
   * it is read. False where the file system has no fs-verity; throws EEXIST for a file that is sealed already.
   */
  enableVerity(path: string): boolean;
  /** The fs-verity digest of a file sealed so, by the kernel; undefined for any other. Throws ENOTSUP where there is no fs-verity. */
  measureVerity(path: string): Buffer | undefined;
  /** FICLONE; false where the file system cannot. */
  reflink(fromFd: number, toFd: number): boolean;
  /** Whether this process may write `path`, as access(2) with the effective ids; false when it is not there. */
  writable(path: string): boolean;
  usage(path: string): FsUsage;
  /** Open-file-description lock (F_OFD_SETLK). False when someone else holds a conflicting lock. */
  tryLock(fd: number, kind: 'shared' | 'exclusive' | 'unlock'): boolean;
}
