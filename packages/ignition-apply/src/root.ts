import { constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { CoppiceError, messageOf } from '@coppice/base';
import type { FileStat, FileSystem } from '@coppice/base/fs';
import { readFile, removeTree } from '@coppice/linux';

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const maxLinks = 255;

export const isDirectory = (stat: FileStat): boolean => (stat.mode & S_IFMT) === S_IFDIR;
export const isRegular = (stat: FileStat): boolean => (stat.mode & S_IFMT) === S_IFREG;
export const isLink = (stat: FileStat): boolean => (stat.mode & S_IFMT) === S_IFLNK;

/**
 * A tree that is written to as if it were the root directory: links in it are followed inside it, absolute ones from its
 * top, `..` no further than its top. Paths given to the methods are absolute within the tree.
 */
export class Root {
  readonly dir: string;
  readonly fs: FileSystem;
  /** Files can be given to others. */
  readonly owners: boolean;

  constructor(dir: string, fs: FileSystem, owners = true) {
    this.dir = dir;
    this.fs = owners ? fs : { ...fs, lchown() {}, fchown() {} };
    this.owners = owners;
  }

  /** Where `path` lies once the links of its parent directories are followed; missing components stay. No trailing slash. */
  resolve(path: string, followLast = false): string {
    let todo = path.split('/').filter((part) => part !== '' && part !== '.');
    let done: string[] = [];
    let links = 0;
    while (todo.length > 0) {
      const part = todo[0]!;
      todo = todo.slice(1);
      if (part === '..') {
        done.pop();
        continue;
      }
      if (part.includes('\0')) throw new CoppiceError('Invalid', `unsafe path ${JSON.stringify(path)}`);
      const here = `/${[...done, part].join('/')}`;
      const stat = todo.length > 0 || followLast ? this.fs.lstat(this.host(here)) : undefined;
      if (stat === undefined || !isLink(stat)) {
        done.push(part);
        continue;
      }
      if (++links > maxLinks) throw new CoppiceError('Invalid', `${path}: too many levels of symbolic links`);
      const target = this.fs.readlink(this.host(here));
      if (target.startsWith('/')) done = [];
      todo = [...target.split('/').filter((p) => p !== '' && p !== '.'), ...todo];
    }
    return `/${done.join('/')}`;
  }

  /** The path on the host of a resolved path. */
  host(resolved: string): string {
    return resolved === '/' ? this.dir : join(this.dir, resolved);
  }

  lstat(resolved: string): FileStat | undefined {
    return this.fs.lstat(this.host(resolved));
  }

  /** Creates the missing directories down to `resolved`; `made` is called with each. */
  makeDirectories(resolved: string, mode = 0o755, made?: (dir: string) => void): void {
    const stat = this.lstat(resolved);
    if (stat !== undefined) {
      if (!isDirectory(stat)) throw new CoppiceError('Conflict', `${resolved}: not a directory`);
      return;
    }
    this.makeDirectories(dirname(resolved), mode, made);
    this.fs.mkdir(this.host(resolved), mode);
    this.fs.chmod(this.host(resolved), mode);
    made?.(resolved);
  }

  /** Text of a file inside the tree, undefined when there is none. */
  readText(path: string): string | undefined {
    const resolved = this.resolve(path, true);
    const stat = this.lstat(resolved);
    if (stat === undefined || !isRegular(stat)) return undefined;
    return readFile(this.host(resolved), { fs: this.fs, limit: 64 * 1024 * 1024 }).toString();
  }

  /** Puts a regular file at a resolved path in one step: temporary name, mode, owner, attributes, sync, rename. */
  writeFile(
    resolved: string,
    bytes: Uint8Array,
    mode: number,
    uid = 0,
    gid = 0,
    attributes: readonly (readonly [string, Uint8Array])[] = [],
  ): void {
    const { fs } = this;
    const temporary = `${this.host(dirname(resolved))}/.coppice-${process.pid}-${counter++}`;
    const fd = fs.open(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      try {
        fs.write(fd, bytes, 0, bytes.length, null);
        this.chownFd(fd, uid, gid);
        for (const [name, value] of attributes) fs.fsetxattr(fd, name, value);
        fs.fchmod(fd, mode);
        fs.fsync(fd);
      } finally {
        fs.close(fd);
      }
      fs.rename(temporary, this.host(resolved));
    } catch (error) {
      if (fs.lstat(temporary) !== undefined) fs.unlink(temporary);
      throw error;
    }
  }

  /**
   * Gives the regular file at a resolved path other bytes as a write to it does: mode (without set-id bits), owner and
   * attributes (without capabilities) stay. All names of a file with several get the bytes; a file with one gets them in
   * one step.
   */
  rewriteFile(resolved: string, bytes: Uint8Array, stat: FileStat): void {
    const { fs } = this;
    const path = this.host(resolved);
    const mode = stat.mode & 0o1777;
    if (stat.nlink === 1) {
      const attributes = fs
        .listxattr(path)
        .filter((name) => name !== 'security.capability')
        .map((name) => [name, fs.getxattr(path, name) ?? new Uint8Array()] as const);
      this.writeFile(resolved, bytes, mode, stat.uid, stat.gid, attributes);
      return;
    }
    const fd = fs.open(path, constants.O_WRONLY | constants.O_NOFOLLOW);
    try {
      fs.write(fd, bytes, 0, bytes.length, 0);
      fs.ftruncate(fd, bytes.length);
      fs.fchmod(fd, mode);
      fs.fsync(fd);
    } finally {
      fs.close(fd);
    }
  }

  /** chown(2) of a file even when its owner stays, which takes set-id bits and capabilities away; then the mode, if given. */
  setOwner(resolved: string, uid: number, gid: number, mode: number | undefined): void {
    this.fs.lchown(this.host(resolved), uid, gid);
    if (mode !== undefined) this.fs.chmod(this.host(resolved), mode);
  }

  /** Changes the owner when it differs, so that trees of one's own can be written without privilege. */
  chownFd(fd: number, uid: number, gid: number): void {
    const stat = this.fs.fstat(fd);
    if (stat.uid !== uid || stat.gid !== gid) this.fs.fchown(fd, uid, gid);
  }

  chown(resolved: string, uid: number, gid: number): void {
    const stat = this.lstat(resolved);
    if (stat !== undefined && (stat.uid !== uid || stat.gid !== gid)) this.fs.lchown(this.host(resolved), uid, gid);
  }

  remove(resolved: string): void {
    removeTree(this.host(resolved), this.fs);
  }

  /** Makes directory entries durable. */
  syncDirectory(resolved: string): void {
    this.fs.syncDir(this.host(resolved));
  }
}

let counter = 0;

/** An error of one entry, with the original's `error creating PATH: ` before it. */
export function entryError(path: string, error: unknown): CoppiceError {
  const code = error instanceof CoppiceError ? error.code : 'Io';
  return new CoppiceError(code, `error creating ${path}: ${messageOf(error)}`, { cause: error, data: { path } });
}
