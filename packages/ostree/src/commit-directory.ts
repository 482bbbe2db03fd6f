import { CoppiceError, errnoError } from '@coppice/base';
import type { FileStat } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import type { FileHeader } from './codec/file-header.ts';
import { isDirectory, isRegular, isSymlink, S_IFMT } from './codec/mode-bits.ts';
import { sortXattrs, type Xattr } from './codec/xattrs.ts';
import { type CommitModifier, devInoKey, type EntryOwnership } from './modifier.ts';
import type { MutableTree } from './mutable-tree.ts';
import { PathAnchors } from './path-anchors.ts';
import type { HashAhead } from './store/hash-ahead.ts';
import { readXattrs } from './store/load-file.ts';
import type { Transaction, XattrOrder } from './store/transaction.ts';
import { maxTreeDepth } from './tree.ts';

const noXattrs: readonly Xattr[] = [];

/** See `Transaction.writeDirectory`. `path` is a directory on the repository's file system interface. */
export function commitDirectory(
  transaction: Transaction,
  path: string,
  tree: MutableTree,
  modifier: CommitModifier,
): void {
  const { fs } = transaction.repo;
  // A link to a directory is none.
  const stat = fs.lstat(path);
  if (stat === undefined) throw new CoppiceError('NotFound', `opendir(${path}): No such file or directory`);
  if (!isDirectory(stat.mode)) throw new CoppiceError('Invalid', `opendir(${path}): Not a directory`);
  const anchors = new PathAnchors(fs);
  const { ahead } = transaction.content;
  try {
    try {
      new DirectoryWriter(transaction, modifier, anchors).directory(path, '/', stat, tree, 0);
    } finally {
      // Where something failed, what was wrong before it counts.
      ahead?.settle(true);
    }
  } finally {
    anchors.close();
  }
}

class DirectoryWriter {
  readonly #anchors: PathAnchors;
  readonly #transaction: Transaction;
  readonly #modifier: CommitModifier;
  readonly #readXattrs: boolean;
  readonly #order: XattrOrder;
  readonly #ahead: HashAhead | undefined;
  /** The file just committed was moved away. */
  #gone = false;

  constructor(transaction: Transaction, modifier: CommitModifier, anchors: PathAnchors) {
    this.#anchors = anchors;
    const { repo } = transaction;
    this.#transaction = transaction;
    this.#modifier = modifier;
    // What is consumed is moved or removed at once; a bare-user-only repository hashes another header.
    const plain = modifier.consume !== true && repo.mode !== 'bare-user-only' && repo.fs === hostFs;
    this.#ahead = plain ? transaction.content.ahead : undefined;
    this.#order = modifier.label === undefined || repo.compat.sortsXattrs ? 'sorted' : 'given';
    this.#readXattrs =
      modifier.skipXattrs !== true &&
      modifier.canonicalPermissions !== true &&
      repo.mode !== 'bare-user-only' &&
      !repo.settings.disableXattrs;
  }

  /** False when the filter left the directory out. */
  directory(path: string, inTree: string, stat: FileStat, tree: MutableTree, depth: number): void {
    if (depth > maxTreeDepth) throw new CoppiceError('Limit', `Tree deeper than ${maxTreeDepth} directories`);
    const entry = applyModifier(this.#modifier, inTree, stat);
    if (entry === 'skip') return;
    const xattrs = this.#xattrs(path, inTree, entry);
    tree.setMeta(
      this.#transaction.writeDirMeta({ uid: entry.uid, gid: entry.gid, mode: entry.mode, xattrs }, this.#order),
    );
    const base = this.#anchors.of(path);
    for (const name of this.#names(base, depth === 0 ? path : path.slice(path.lastIndexOf('/') + 1)))
      this.#entry(base, inTree, name, tree, depth);
    this.#ahead?.settle(false);
    if (this.#modifier.consume === true) this.#removeDir(path);
  }

  /** `shown` is what a message calls the directory. */
  #names(path: string, shown: string): string[] {
    const { fs } = this.#transaction.repo;
    let names: string[];
    try {
      names = fs.readdir(path);
    } catch (error) {
      throw errnoError(error, `opendir(${shown})`);
    }
    // Node puts U+FFFD for what is not UTF-8; then the bytes decide.
    if (names.some((name) => name.includes('\ufffd'))) {
      for (const raw of fs.readdirRaw(path)) {
        if (!Buffer.from(raw.toString('utf8')).equals(raw)) {
          throw new CoppiceError('Invalid', `Invalid UTF-8 in filename ${raw.toString('latin1')}`);
        }
      }
    }
    return names;
  }

  #entry(parent: string, parentInTree: string, name: string, tree: MutableTree, depth: number): void {
    const { fs } = this.#transaction.repo;
    const path = `${parent}/${name}`;
    const inTree = parentInTree === '/' ? `/${name}` : `${parentInTree}/${name}`;
    const stat = fs.lstat(path);
    if (stat === undefined) throw new CoppiceError('NotFound', `fstatat(${name}): No such file or directory`);
    if (isDirectory(stat.mode)) {
      if (applyModifier(this.#modifier, inTree, stat) === 'skip') return;
      this.directory(path, inTree, stat, tree.ensureDir(name), depth + 1);
      return;
    }
    if (!isRegular(stat.mode) && !isSymlink(stat.mode)) {
      if (applyModifier(this.#modifier, inTree, stat) === 'skip') return;
      throw new CoppiceError('Unsupported', `Not a regular file or symlink: ${name}`);
    }
    const checksum = this.#file(path, inTree, stat, (later) => tree.replaceFile(name, later));
    if (checksum === undefined) return;
    tree.replaceFile(name, checksum);
    if (this.#modifier.consume === true && !this.#gone) fs.unlink(path);
    this.#gone = false;
  }

  /** Undefined when the filter left the file out, or it is another thread's turn; then `put` gets the checksum. */
  #file(path: string, inTree: string, stat: FileStat, put: (checksum: string) => void): string | undefined {
    const { devino, devinoCanonical } = this.#modifier;
    const known = devino?.get(devInoKey(stat.dev, stat.ino));
    if (known !== undefined && devinoCanonical === true) return this.#hit(known);
    const source = this.#source(known, stat);
    const entry = applyModifier(this.#modifier, inTree, source);
    if (entry === 'skip') return undefined;
    const changed = entry.mode !== source.mode || entry.uid !== source.uid || entry.gid !== source.gid;
    // Where attributes are left out the stored file may have some.
    const same = !changed && this.#readXattrs;
    if (known !== undefined && same && this.#modifier.label === undefined && this.#modifier.xattrs === undefined) {
      return this.#hit(known);
    }
    const link = isSymlink(stat.mode);
    const header = {
      uid: entry.uid,
      gid: entry.gid,
      mode: entry.mode,
      symlinkTarget: link ? this.#transaction.repo.fs.readlink(path) : '',
      xattrs: this.#xattrs(path, inTree, entry, source.xattrs),
    };
    if (!link && this.#adoptable(changed)) {
      const { mode } = this.#transaction.repo;
      const own = { ...header, uid: 0, gid: 0, mode: entry.mode & (S_IFMT | 0o755), xattrs: noXattrs };
      const adopted = this.#transaction.adoptFile(path, mode === 'bare' ? header : own, stat.size);
      if (adopted !== undefined) {
        this.#gone = true;
        return adopted;
      }
    }
    const write = (): string =>
      this.#transaction.writeContent(header, { path, size: stat.size }, undefined, this.#order);
    if (!link && this.#giveAhead(header, path, stat.size, put, write)) return undefined;
    return write();
  }

  #giveAhead(
    header: FileHeader,
    path: string,
    size: number,
    put: (checksum: string) => void,
    write: () => string,
  ): boolean {
    // More than one may have to be sorted first.
    if (this.#ahead === undefined || header.xattrs.length > 1) return false;
    const known = (checksum: string): void => {
      this.#transaction.stats.contentTotal++;
      put(checksum);
    };
    const order = { path, head: this.#transaction.content.headerBytes(header), size };
    return this.#ahead.give(order, known, () => put(write()));
  }

  /** What a file is taken to be: a known one of a bare-user repository is what was stored, whatever it is on disk. */
  #source(known: string | undefined, stat: FileStat): EntryOwnership & { readonly xattrs?: readonly Xattr[] } {
    const { repo } = this.#transaction;
    const { filter, canonicalPermissions, skipXattrs } = this.#modifier;
    const { disableXattrs } = repo.settings;
    const mayChange = filter !== undefined || canonicalPermissions === true || skipXattrs === true || disableXattrs;
    if (known === undefined || repo.mode !== 'bare-user' || !mayChange) return stat;
    return repo.loadFile(known).header;
  }

  /** True when a consumed file is already what its object would be, or needs only other permission bits. */
  #adoptable(changed: boolean): boolean {
    const { consume, xattrs, label, skipXattrs, canonicalPermissions } = this.#modifier;
    if (consume !== true || xattrs !== undefined || label !== undefined) return false;
    const repoMode = this.#transaction.repo.mode;
    if (repoMode === 'bare') return !changed && skipXattrs !== true && canonicalPermissions !== true;
    return repoMode === 'bare-user-only';
  }

  #hit(checksum: string): string {
    this.#transaction.stats.devinoCacheHits++;
    return checksum;
  }

  #xattrs(path: string, inTree: string, entry: EntryOwnership, stored?: readonly Xattr[]): readonly Xattr[] {
    const { xattrs, label } = this.#modifier;
    let out = noXattrs;
    if (xattrs !== undefined) out = sortXattrs(xattrs(inTree, entry));
    else if (this.#readXattrs) out = stored ?? readXattrs(this.#transaction.repo.fs, path);
    return label === undefined ? out : withLabel(this.#modifier, out, inTree, entry.mode, this.#order);
  }

  #removeDir(path: string): void {
    try {
      this.#transaction.repo.fs.rmdir(path);
    } catch (error) {
      // What the filter left out stays, and so does the current directory.
      const { code } = error as { code?: string };
      if (code !== 'ENOTEMPTY' && code !== 'EINVAL') throw errnoError(error, 'unlinkat');
    }
  }
}

/** The ownership an entry is committed with, or `skip`. */
export function applyModifier(modifier: CommitModifier, path: string, entry: EntryOwnership): 'skip' | EntryOwnership {
  let { uid, gid, mode } = entry;
  if (modifier.filter !== undefined) {
    const result = modifier.filter(path, { uid, gid, mode });
    if (result === 'skip') return 'skip';
    if (result !== 'allow') {
      if ((result.mode & S_IFMT) !== (mode & S_IFMT)) {
        throw new CoppiceError('Usage', `The filter changed the file type of ${path}`);
      }
      ({ uid, gid, mode } = result);
    }
  }
  if (modifier.canonicalPermissions === true) {
    uid = 0;
    gid = 0;
    if (!isSymlink(mode)) mode = mode & (S_IFMT | 0o755);
  }
  return { uid, gid, mode };
}

/**
 * Attributes with `security.selinux` as the modifier's policy wants it, in place of any other label: sorted, or, in the given
 * order, last.
 */
export function withLabel(
  modifier: CommitModifier,
  xattrs: readonly Xattr[],
  path: string,
  mode: number,
  order: XattrOrder = 'sorted',
): readonly Xattr[] {
  const label = modifier.label?.(path, mode);
  if (label === undefined) {
    if (modifier.errorOnUnlabeled === true)
      throw new CoppiceError('Invalid', `Failed to look up SELinux label for '${path}'`);
    return xattrs;
  }
  const others = xattrs.filter(({ name }) => name !== 'security.selinux');
  const all = [...others, { name: 'security.selinux', value: Buffer.from(`${label}\0`) }];
  return order === 'given' ? all : sortXattrs(all);
}
