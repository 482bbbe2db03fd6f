import { CoppiceError } from '@coppice/base';
import { checkEntryName } from './codec/dirtree.ts';
import type { Repo } from './repo.ts';

/** Checksums of what was put into a tree and of what it was stored as, for `commitSizes`. */
export class TreeRecord {
  readonly files = new Set<string>();
  readonly metas = new Set<string>();
  readonly trees = new Set<string>();

  /** The original forgets what other sources brought when it turns to the next one. */
  startSource(): void {
    this.files.clear();
    this.metas.clear();
    this.trees.clear();
  }
}

/**
 * A directory tree being put together for a commit: names to content checksums and to further trees. Subtrees that come
 * from a commit are loaded only when something below them changes.
 */
export class MutableTree {
  #files = new Map<string, string>();
  #dirs = new Map<string, MutableTree>();
  #meta: string | undefined;
  /** Stored form of this tree while nothing has changed. */
  #tree: string | undefined;
  #lazy: Repo | undefined;
  readonly record: TreeRecord | undefined;

  constructor(record?: TreeRecord) {
    this.record = record;
  }

  static fromChecksums(repo: Repo, tree: string, meta: string, record?: TreeRecord): MutableTree {
    const out = new MutableTree(record);
    out.#lazy = repo;
    out.#tree = tree;
    out.#meta = meta;
    return out;
  }

  static fromCommit(repo: Repo, commit: string, record?: TreeRecord): MutableTree {
    const { tree, meta } = repo.loadCommit(commit);
    return MutableTree.fromChecksums(repo, tree, meta, record);
  }

  #load(): void {
    if (this.#lazy === undefined) return;
    const repo = this.#lazy;
    const { files, dirs } = repo.loadDirTree(this.#tree!);
    this.#lazy = undefined;
    for (const { name, checksum } of files) this.#files.set(name, checksum);
    for (const { name, tree, meta } of dirs)
      this.#dirs.set(name, MutableTree.fromChecksums(repo, tree, meta, this.record));
  }

  get files(): ReadonlyMap<string, string> {
    this.#load();
    return this.#files;
  }

  get dirs(): ReadonlyMap<string, MutableTree> {
    this.#load();
    return this.#dirs;
  }

  /** dirmeta checksum, undefined until it is set. */
  get meta(): string | undefined {
    return this.#meta;
  }

  setMeta(checksum: string): void {
    this.record?.metas.add(checksum);
    this.#meta = checksum;
  }

  /** The stored dirtree this is equal to, undefined when it may differ from any. Knows nothing unwritten. */
  get unchangedTree(): string | undefined {
    if (this.#tree === undefined || this.#lazy !== undefined) return this.#tree;
    // The original stores and records again all that was looked into.
    if (this.record !== undefined) return undefined;
    for (const dir of this.#dirs.values()) if (dir.changed()) return undefined;
    return this.#tree;
  }

  private changed(): boolean {
    return this.unchangedTree === undefined;
  }

  /** For the writer: what this was just stored as. */
  setWritten(tree: string): void {
    this.record?.trees.add(tree);
    this.#tree = tree;
  }

  /** The directory `name`, made if missing. Throws `Exists` when a file has the name. */
  ensureDir(name: string): MutableTree {
    checkEntryName(name);
    this.#load();
    if (this.#files.has(name)) throw new CoppiceError('Exists', `Can't replace file with directory: ${name}`);
    let dir = this.#dirs.get(name);
    if (dir === undefined) {
      dir = new MutableTree(this.record);
      this.#dirs.set(name, dir);
      this.#tree = undefined;
    }
    return dir;
  }

  /** Puts a file. Throws `Exists` when a directory has the name. */
  replaceFile(name: string, checksum: string): void {
    checkEntryName(name);
    this.#load();
    if (this.#dirs.has(name)) throw new CoppiceError('Exists', `Can't replace directory with file: ${name}`);
    this.record?.files.add(checksum);
    if (this.#files.get(name) === checksum) return;
    this.#files.set(name, checksum);
    this.#tree = undefined;
  }

  /** Puts a directory as it is, in place of whatever has the name. */
  replaceDir(name: string, dir: MutableTree): void {
    checkEntryName(name);
    this.#load();
    this.#files.delete(name);
    this.#dirs.set(name, dir);
    this.#tree = undefined;
  }

  /** Removes a file or directory; false when there was none. */
  remove(name: string): boolean {
    this.#load();
    const had = this.#files.delete(name) || this.#dirs.delete(name);
    if (had) this.#tree = undefined;
    return had;
  }

  /** Removes everything in this directory. */
  clear(): void {
    this.#lazy = undefined;
    this.#files.clear();
    this.#dirs.clear();
    this.#tree = undefined;
  }

  /** Directory below this one by path components; undefined when something is missing. */
  lookupDir(parts: readonly string[]): MutableTree | undefined {
    let at: MutableTree | undefined = this;
    for (const part of parts) at = at?.dirs.get(part);
    return at;
  }

  /** Takes over what `other` has in place of nothing: an empty tree becomes it, lazily. Not where each object is recorded. */
  fillFromChecksums(repo: Repo, tree: string, meta: string): boolean {
    if (this.record !== undefined) return false;
    if (this.#lazy !== undefined) {
      if (this.#tree !== tree) return false;
    } else if (this.#files.size > 0 || this.#dirs.size > 0) return false;
    this.#lazy = repo;
    this.#tree = tree;
    this.#meta = meta;
    return true;
  }
}
