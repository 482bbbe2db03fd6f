// A file system on top of another in which everything seems to belong to root: owners, modes, extended attributes, flags
// and device nodes are kept in memory, the real files stay those of the caller. What mke2fs copies from the real files is
// then corrected in the image (`inodeCommands`). Barriers do nothing, since the tree is only a step on the way.

import type { FileStat, FileSystem, FsUsage } from '@coppice/base/fs';

/** What differs from the real inode. */
export interface VirtualInode {
  uid: number;
  gid: number;
  /** With the file type. */
  mode: number;
  rdev: number;
  flags: number;
  readonly xattrs: Map<string, Buffer>;
}

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;
const O_CREAT = 0o100;
const umask = 0o022;
/** As many names a file can have on ext4. */
const ext4Links = 65000;

export class VirtualFs implements FileSystem {
  readonly #base: FileSystem;
  readonly #self: number;
  readonly #inodes = new Map<string, VirtualInode>();

  /** `self` is the user that the real files belong to. */
  constructor(base: FileSystem, self: number) {
    this.#base = base;
    this.#self = self;
  }

  #key(stat: FileStat): string {
    return `${stat.dev}:${stat.ino}`;
  }

  /** What is known of an inode; undefined when it is as it is on disk (files of the caller count as root's). */
  known(stat: FileStat): VirtualInode | undefined {
    return this.#inodes.get(this.#key(stat));
  }

  #plain(stat: FileStat): VirtualInode {
    const mine = stat.uid === this.#self;
    return {
      uid: mine ? 0 : stat.uid,
      gid: mine ? 0 : stat.gid,
      mode: stat.mode,
      rdev: stat.rdev,
      flags: 0,
      xattrs: new Map(),
    };
  }

  #of(stat: FileStat): VirtualInode {
    let inode = this.known(stat);
    if (inode === undefined) {
      inode = this.#plain(stat);
      this.#inodes.set(this.#key(stat), inode);
    }
    return inode;
  }

  #need(path: string): FileStat {
    const stat = this.#base.lstat(path);
    if (stat === undefined)
      throw Object.assign(new Error(`ENOENT: no such file or directory '${path}'`), { code: 'ENOENT' });
    return stat;
  }

  #show(stat: FileStat | undefined): FileStat | undefined {
    if (stat === undefined) return undefined;
    const { uid, gid, mode, rdev } = this.known(stat) ?? this.#plain(stat);
    const device = (mode & S_IFMT) !== (stat.mode & S_IFMT);
    return { ...stat, uid, gid, mode, rdev, size: device ? 0 : stat.size };
  }

  /** Forgets an inode that is about to lose its last name, since its number will be used again. */
  #forget(path: string): void {
    const stat = this.#base.lstat(path);
    if (stat !== undefined && (stat.nlink <= 1 || (stat.mode & S_IFMT) === S_IFDIR))
      this.#inodes.delete(this.#key(stat));
  }

  #born(path: string, mode: number): void {
    const stat = this.#need(path);
    this.#inodes.set(this.#key(stat), { ...this.#plain(stat), uid: 0, gid: 0, mode });
  }

  open(path: string, flags: number, mode = 0o666): number {
    const fresh = (flags & O_CREAT) !== 0 && this.#base.lstat(path) === undefined;
    // The caller must be able to read it again whatever mode it gets.
    const fd = this.#base.open(path, flags, fresh ? 0o600 : mode);
    if (fresh) this.#born(path, S_IFREG | (mode & ~umask & 0o7777));
    return fd;
  }
  close(fd: number): void {
    this.#base.close(fd);
  }
  read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number | null): number {
    return this.#base.read(fd, buffer, offset, length, position);
  }
  write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number | null): void {
    this.#base.write(fd, buffer, offset, length, position);
  }
  ftruncate(fd: number, length: number): void {
    this.#base.ftruncate(fd, length);
  }
  fstat(fd: number): FileStat {
    return this.#show(this.#base.fstat(fd))!;
  }
  fchmod(fd: number, mode: number): void {
    const inode = this.#of(this.#base.fstat(fd));
    inode.mode = (inode.mode & S_IFMT) | (mode & 0o7777);
  }
  fchown(fd: number, uid: number, gid: number): void {
    Object.assign(this.#of(this.#base.fstat(fd)), { uid, gid });
  }
  futimes(fd: number, atime: number, mtime: number): void {
    this.#base.futimes(fd, atime, mtime);
  }
  fsync(_fd: number): void {}
  fdatasync(_fd: number): void {}
  syncfs(_path: string): void {}
  syncDir(_path: string): void {}
  lstat(path: string): FileStat | undefined {
    return this.#show(this.#base.lstat(path));
  }
  stat(path: string): FileStat | undefined {
    return this.#show(this.#base.stat(path));
  }
  readdir(path: string): string[] {
    return this.#base.readdir(path);
  }
  readdirRaw(path: string): Buffer[] {
    return this.#base.readdirRaw(path);
  }
  readlink(path: string): string {
    return this.#base.readlink(path);
  }
  mkdir(path: string, mode = 0o777): void {
    this.#base.mkdir(path, 0o700);
    this.#born(path, S_IFDIR | (mode & ~umask & 0o7777));
  }
  rmdir(path: string): void {
    const stat = this.#base.lstat(path);
    this.#base.rmdir(path);
    if (stat !== undefined) this.#inodes.delete(this.#key(stat));
  }
  symlink(target: string, path: string): void {
    this.#base.symlink(target, path);
    this.#born(path, S_IFLNK | 0o777);
  }
  link(from: string, to: string): void {
    // The image is ext4, whatever the folder lies on.
    if (this.#need(from).nlink >= ext4Links)
      throw Object.assign(new Error(`EMLINK: too many links '${from}'`), { code: 'EMLINK' });
    this.#base.link(from, to);
  }
  rename(from: string, to: string): void {
    const [source, target] = [this.#base.lstat(from), this.#base.lstat(to)];
    if (source !== undefined && target !== undefined && this.#key(source) !== this.#key(target)) this.#forget(to);
    this.#base.rename(from, to);
  }
  renameNoReplace(from: string, to: string): void {
    this.#base.renameNoReplace(from, to);
  }
  renameExchange(a: string, b: string): void {
    this.#base.renameExchange(a, b);
  }
  unlink(path: string): void {
    this.#forget(path);
    this.#base.unlink(path);
  }
  chmod(path: string, mode: number): void {
    const inode = this.#of(this.#need(path));
    inode.mode = (inode.mode & S_IFMT) | (mode & 0o7777);
  }
  lchown(path: string, uid: number, gid: number): void {
    Object.assign(this.#of(this.#need(path)), { uid, gid });
  }
  lutimes(path: string, atime: number, mtime: number): void {
    this.#base.lutimes(path, atime, mtime);
  }
  mknod(path: string, mode: number, rdev: number): void {
    this.#base.mknod(path, S_IFREG | 0o600, 0);
    this.#born(path, mode);
    this.#of(this.#need(path)).rdev = rdev;
  }
  listxattr(path: string): string[] {
    // What was not made here, such as the repository that is read from, is as it is.
    const inode = this.known(this.#need(path));
    return inode === undefined ? this.#base.listxattr(path) : [...inode.xattrs.keys()];
  }
  getxattr(path: string, name: string): Buffer | undefined {
    const inode = this.known(this.#need(path));
    return inode === undefined ? this.#base.getxattr(path, name) : inode.xattrs.get(name);
  }
  setxattr(path: string, name: string, value: Uint8Array): void {
    this.#of(this.#need(path)).xattrs.set(name, Buffer.from(value));
  }
  removexattr(path: string, name: string): void {
    this.#of(this.#need(path)).xattrs.delete(name);
  }
  fsetxattr(fd: number, name: string, value: Uint8Array): void {
    this.#of(this.#base.fstat(fd)).xattrs.set(name, Buffer.from(value));
  }
  getFlags(path: string): number | undefined {
    return this.known(this.#need(path))?.flags ?? 0;
  }
  setFlags(path: string, flags: number): boolean {
    this.#of(this.#need(path)).flags = flags;
    return true;
  }
  enableVerity(_path: string): boolean {
    return false;
  }
  measureVerity(_path: string): Buffer | undefined {
    return undefined;
  }
  reflink(fromFd: number, toFd: number): boolean {
    return this.#base.reflink(fromFd, toFd);
  }
  writable(path: string): boolean {
    return this.#base.writable(path);
  }
  usage(path: string): FsUsage {
    return this.#base.usage(path);
  }
  tryLock(fd: number, kind: 'shared' | 'exclusive' | 'unlock'): boolean {
    return this.#base.tryLock(fd, kind);
  }
}
