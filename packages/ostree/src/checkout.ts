import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, removeTree } from '@coppice/linux';
import { CheckoutBatch, canBatch } from './checkout-batch.ts';
import { FileCheckout } from './checkout-file.ts';
import type { DirMeta } from './codec/dirmeta.ts';
import { decodeDirTree } from './codec/dirtree.ts';
import { isDirectory } from './codec/mode-bits.ts';
import type { Xattr } from './codec/xattrs.ts';
import { withLabel } from './commit-directory.ts';
import { EarlyDirectories, type WantedDirectory } from './early-directories.ts';
import type { DevInoCache } from './modifier.ts';
import { PathAnchors } from './path-anchors.ts';
import type { Repo } from './repo.ts';
import { staysBelow } from './stays-below.ts';
import type { HelperThread } from './thread/helper-thread.ts';
import { findInTree, maxTreeDepth } from './tree.ts';

/** What happens to files that are there already. `none` refuses, also a destination that exists. */
export type OverwriteMode = 'none' | 'union' | 'add' | 'identical';

export interface CheckoutOptions {
  /** Checksum of the commit. */
  readonly commit: string;
  /** Absolute path inside the commit; a file's is checked out into the directory `dest`. */
  readonly subpath?: string;
  readonly dest: string;
  /** `user`: owner and attributes are not set, set-id bits are dropped. */
  readonly mode?: 'none' | 'user';
  readonly overwrite?: OverwriteMode;
  /** Fail where no hard link can be made (empty files and bare-user symbolic links excepted). */
  readonly noCopyFallback?: boolean;
  /** Never hard-link. */
  readonly forceCopy?: boolean;
  /** Copy empty files, so that they are not shared. On unless set to false. */
  readonly copyEmptyFiles?: boolean;
  /** Directory modes as a bare-user-only repository has them (`mode & 0775`). */
  readonly bareUserOnlyDirs?: boolean;
  /** `.wh.NAME` removes NAME; `.wh..wh..opq` empties its directory first. */
  readonly whiteouts?: boolean;
  /** `.ostree-wh.NAME` becomes the character device 0:0 that overlayfs takes for a whiteout. */
  readonly passthroughWhiteouts?: boolean;
  /** Called with the absolute path in the destination. */
  readonly filter?: (path: string, type: 'file' | 'directory') => 'allow' | 'skip';
  /** Filled with the files that are hard-linked. */
  readonly devino?: DevInoCache;
  /** SELinux context for a path, without NUL. With a label files are copied, not linked. */
  readonly label?: (path: string, mode: number) => string | undefined;
  /** Keep uncompressed copies of an archive repository's objects, to hard-link in user mode. Default: no. */
  readonly uncompressedCache?: boolean;
  /** Sync files and directories; default: no. */
  readonly fsync?: boolean;
  /** A second thread that helps to copy, where both sides are the machine's own files. The caller closes it. */
  readonly helper?: HelperThread;
  /** It also makes hard links. */
  readonly helperLinks?: boolean;
  /** Where to write; default: the repository's file system. */
  readonly fs?: FileSystem;
}

/** Writes a commit's tree (or one directory or file of it) below a directory. Throws `NotFound`, `Exists`, or what a system call says. */
export function checkout(repo: Repo, options: CheckoutOptions): void {
  const subpath = options.subpath ?? '/';
  const entry = findInTree(repo, options.commit, subpath);
  if (entry === undefined) throw new CoppiceError('NotFound', `No such file or directory: ${subpath}`);
  const fs = options.fs ?? repo.fs ?? hostFs;
  const files = new FileCheckout(repo, fs, options);
  if (entry.type === 'file') {
    if (options.dest !== '.') {
      try {
        fs.mkdir(options.dest, 0o700);
      } catch (error) {
        if ((error as { code?: string }).code !== 'EEXIST') throw errnoError(error, 'mkdirat');
      }
    }
    if (options.noCopyFallback === true) checkDevice(repo, fs, options.dest);
    const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
    files.file(entry.checksum, options.dest, name, `/${name}`);
    return;
  }
  new TreeCheckout(repo, fs, options, files).run(entry.checksum, entry.meta);
}

/** Hard links stay on one device. */
function checkDevice(repo: Repo, fs: FileSystem, dest: string): void {
  const [from, to] = [repo.fs.stat(repo.path)?.dev, fs.stat(dest)?.dev];
  if (from !== to)
    throw new CoppiceError(
      'Unsupported',
      `Unable to do hardlink checkout across devices (src=${from} destination=${to})`,
    );
}

/** A directory that was there, one that still has mode 0700 and the caller's owner, or one that has its own from the start. */
type Made = 'before' | 'now' | 'whole';

class TreeCheckout {
  readonly #repo: Repo;
  readonly #fs: FileSystem;
  readonly #options: CheckoutOptions;
  readonly #files: FileCheckout;
  readonly #root: string;
  readonly #anchors: PathAnchors;
  readonly #canonicalDirs: boolean;
  readonly #user: boolean;
  readonly #batch: CheckoutBatch | undefined;
  /** Most directories share few of them. */
  readonly #metas = new Map<string, DirMeta>();
  /** Directories to be finished once their files are there. */
  readonly #open: { readonly path: string; readonly meta: DirMeta; readonly made: Made }[] = [];
  #early: EarlyDirectories | undefined;

  constructor(repo: Repo, fs: FileSystem, options: CheckoutOptions, files: FileCheckout) {
    this.#repo = repo;
    this.#fs = fs;
    this.#options = options;
    this.#files = files;
    this.#user = options.mode === 'user' || repo.mode === 'bare-user-only';
    this.#root = options.dest;
    this.#anchors = new PathAnchors(fs);
    this.#canonicalDirs = options.bareUserOnlyDirs === true || repo.mode === 'bare-user-only';
    const { helper } = options;
    const own = fs === hostFs && repo.fs === hostFs && repo.currentTransaction === undefined;
    // Who cannot give files away fails at the first one, before there are other directories.
    const mayOwn = this.#user || process.getuid?.() === 0;
    if (helper !== undefined && own && mayOwn && canBatch(repo, options)) {
      this.#batch = new CheckoutBatch(repo, options, files, helper);
    }
  }

  run(tree: string, meta: string): void {
    try {
      this.#directory(this.#root, '/', tree, meta, 0);
      this.#batch?.write();
      // The root last: until then nobody else gets at what is below.
      for (const { path, meta: own, made } of this.#open.reverse()) this.#finish(path, own, made);
    } finally {
      this.#batch?.stop();
      this.#anchors.close();
    }
  }

  #directory(path: string, inDest: string, tree: string, meta: string, depth: number): void {
    if (depth > maxTreeDepth) throw new CoppiceError('Limit', `Tree deeper than ${maxTreeDepth} directories`);
    const options = this.#options;
    if (options.filter?.(inDest, 'directory') === 'skip') return;
    const fs = this.#fs;
    const own = this.#metas.get(meta) ?? this.#repo.loadDirMeta(meta);
    if (this.#metas.size < 1000) this.#metas.set(meta, own);
    const { files, dirs } = decodeDirTree(this.#repo.peekMetadata('dirtree', tree));
    const early = this.#early?.canMake(this.#wanted(own)) === true;
    const existed = !this.#make(path, early ? this.#wanted(own).mode : 0o700);
    if (depth === 0 && !existed && this.#batch !== undefined) this.#early = EarlyDirectories.below(fs, path);
    if (depth === 0 && options.noCopyFallback === true) checkDevice(this.#repo, fs, path);
    if (existed && options.whiteouts === true && files.some(({ name }) => name === '.wh..wh..opq')) {
      for (const name of fs.readdir(path)) removeTree(`${path}/${name}`, fs);
    }
    if (!existed && !this.#user) this.#setXattrs(path, inDest, own.mode, own.xattrs);
    const lead = inDest === '/' ? '' : inDest;
    const base = this.#anchors.of(path);
    if (this.#batch !== undefined) this.#batch.add(base, files);
    else for (const { name, checksum } of files) this.#files.file(checksum, base, name, `${lead}/${name}`);
    for (const dir of dirs) {
      this.#directory(`${base}/${dir.name}`, `${lead}/${dir.name}`, dir.tree, dir.meta, depth + 1);
    }
    if (this.#batch === undefined) this.#finish(path, own, existed ? 'before' : 'now');
    else this.#open.push({ path, meta: own, made: existed ? 'before' : early ? 'whole' : 'now' });
  }

  /** What a directory is given. */
  #wanted({ uid, gid, mode, xattrs }: DirMeta): WantedDirectory {
    const bits = (this.#canonicalDirs ? mode & 0o775 : mode) & 0o7777;
    return this.#user ? { mode: bits } : { mode: bits, owner: { uid, gid }, xattrs };
  }

  #finish(path: string, own: DirMeta, made: Made): void {
    const fs = this.#fs;
    if (made !== 'before') {
      // Owner and mode last: until then nobody else can get into a half-made directory.
      const { mode, owner } = this.#wanted(own);
      if (made === 'now' && owner !== undefined) fs.lchown(path, owner.uid, owner.gid);
      if (made === 'now') fs.chmod(path, mode);
      if (this.#options.forceCopy !== true) fs.lutimes(path, 0, 0);
    }
    if (this.#options.fsync === true) fs.syncDir(path);
  }

  /** False when the directory was there and may be used. */
  #make(path: string, mode: number): boolean {
    const { overwrite = 'none' } = this.#options;
    try {
      this.#fs.mkdir(path, mode);
      return true;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST' || overwrite === 'none') throw errnoError(error, 'mkdirat');
      const stat = this.#fs.lstat(path);
      if (stat !== undefined && isDirectory(stat.mode)) return false;
      const replace = this.#options.whiteouts === true && overwrite === 'union' && path !== this.#root;
      if (replace && this.#repo.compat.layersReplaceFiles) {
        this.#fs.unlink(path);
        this.#fs.mkdir(path, 0o700);
        return true;
      }
      // A link to a directory is followed (as /lib to usr/lib), but not out of the destination.
      if (stat !== undefined && path !== this.#root && staysBelow(this.#fs, this.#root, path)) return false;
      const shown = path === this.#root ? path : path.slice(path.lastIndexOf('/') + 1);
      throw errnoError({ code: 'ENOTDIR' }, `opendir(${shown})`);
    }
  }

  #setXattrs(path: string, inDest: string, mode: number, xattrs: readonly Xattr[]): void {
    const { label } = this.#options;
    const wanted = label === undefined ? xattrs : withLabel({ label }, xattrs, inDest, mode);
    for (const { name, value } of wanted) {
      try {
        this.#fs.setxattr(path, name, value);
      } catch (error) {
        throw errnoError(error, 'fsetxattr');
      }
    }
  }
}
