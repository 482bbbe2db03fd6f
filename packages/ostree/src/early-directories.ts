import { umask } from 'node:process';
import type { FileSystem } from '@coppice/base/fs';
import type { Xattr } from './codec/xattrs.ts';

/** What a directory is given; without an owner it stays the caller's. */
export interface WantedDirectory {
  /** Permission bits. */
  readonly mode: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly xattrs?: readonly Xattr[];
}

/** What mkdir gives to directories below one that nobody else can get into yet. */
export class EarlyDirectories {
  readonly #uid: number;
  readonly #gid: number;
  readonly #mask = umask();

  private constructor(uid: number, gid: number) {
    this.#uid = uid;
    this.#gid = gid;
  }

  /** For a fresh directory of mode 0700; undefined where more than the umask has a say in what is made below it. */
  static below(fs: FileSystem, path: string): EarlyDirectories | undefined {
    const { mode, uid, gid } = fs.lstat(path)!;
    // The bit of a parent that hands down its group, or a default list of who may do what.
    const handedDown = (mode & 0o7777) !== 0o700 || fs.listxattr(path).includes('system.posix_acl_default');
    return handedDown ? undefined : new EarlyDirectories(uid, gid);
  }

  /** Whether mkdir makes it with owner and mode as they should be, and files can be put into it then. */
  canMake({ mode, owner, xattrs = [] }: WantedDirectory): boolean {
    if ((mode & 0o7000) !== 0 || (mode & 0o700) !== 0o700 || (mode & this.#mask) !== 0) return false;
    return xattrs.length === 0 && (owner === undefined || (owner.uid === this.#uid && owner.gid === this.#gid));
  }
}
