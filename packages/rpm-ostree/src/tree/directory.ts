// A directory of a tree in the making: read from the store on first touch, changed in memory, written once at the end.
import { CoppiceError } from '@coppice/base';
import { type DirMeta, encodeDirMeta, encodeDirTree, type Repo, type Transaction } from '@coppice/ostree';

export const plainDirMeta: DirMeta = { uid: 0, gid: 0, mode: 0o040755, xattrs: [] };

export class TreeDirectory {
  readonly #repo: Repo;
  /** Checksum of the unchanged dirtree object; undefined once something below changed. */
  #tree: string | undefined;
  #metaChecksum: string | undefined;
  #meta: DirMeta | undefined;
  #files: Map<string, string> | undefined;
  #dirs: Map<string, TreeDirectory> | undefined;

  private constructor(repo: Repo) {
    this.#repo = repo;
  }

  static stored(repo: Repo, tree: string, meta: string): TreeDirectory {
    const dir = new TreeDirectory(repo);
    dir.#tree = tree;
    dir.#metaChecksum = meta;
    return dir;
  }

  static fresh(repo: Repo, meta: DirMeta = plainDirMeta): TreeDirectory {
    const dir = new TreeDirectory(repo);
    dir.#meta = meta;
    dir.#files = new Map();
    dir.#dirs = new Map();
    return dir;
  }

  #load(): void {
    if (this.#files !== undefined) return;
    const { files, dirs } = this.#repo.loadDirTree(this.#tree!);
    this.#files = new Map(files.map((f) => [f.name, f.checksum]));
    this.#dirs = new Map(dirs.map((d) => [d.name, TreeDirectory.stored(this.#repo, d.tree, d.meta)]));
  }

  /** A directory with the same content that can be changed on its own. */
  copy(): TreeDirectory {
    const { stored } = this;
    if (stored !== undefined) return TreeDirectory.stored(this.#repo, stored.tree, stored.meta);
    const out = TreeDirectory.fresh(this.#repo, this.meta);
    for (const [name, checksum] of this.files) out.#files!.set(name, checksum);
    for (const [name, dir] of this.dirs) out.#dirs!.set(name, dir.copy());
    return out;
  }

  /** Content checksums of files and links by name. */
  get files(): ReadonlyMap<string, string> {
    this.#load();
    return this.#files!;
  }

  get dirs(): ReadonlyMap<string, TreeDirectory> {
    this.#load();
    return this.#dirs!;
  }

  get isEmpty(): boolean {
    return this.files.size === 0 && this.dirs.size === 0;
  }

  get meta(): DirMeta {
    this.#meta ??= this.#repo.loadDirMeta(this.#metaChecksum!);
    return this.#meta;
  }

  set meta(meta: DirMeta) {
    this.#meta = meta;
    this.#metaChecksum = undefined;
  }

  /** Checksums of the stored objects when nothing changed since they were read. */
  get stored(): { readonly tree: string; readonly meta: string } | undefined {
    if (this.#metaChecksum === undefined || !this.unchanged) return undefined;
    return { tree: this.#tree!, meta: this.#metaChecksum };
  }

  /** No entry at or below this directory changed; the directory's own metadata may have. */
  get unchanged(): boolean {
    if (this.#tree === undefined) return false;
    if (this.#dirs === undefined) return true;
    for (const dir of this.#dirs.values()) if (dir.#metaChecksum === undefined || !dir.unchanged) return false;
    return true;
  }

  setFile(name: string, checksum: string): void {
    this.#load();
    if (this.#dirs!.has(name)) throw new CoppiceError('Exists', `Can't replace directory with file: ${name}`);
    if (this.#files!.get(name) === checksum) return;
    this.#files!.set(name, checksum);
    this.#tree = undefined;
  }

  setDir(name: string, dir: TreeDirectory): void {
    this.#load();
    if (this.#files!.has(name)) throw new CoppiceError('Exists', `Can't replace file with directory: ${name}`);
    this.#dirs!.set(name, dir);
    this.#tree = undefined;
  }

  /** The child directory, made with `meta` when it is not there. */
  ensureDir(name: string, meta: DirMeta = plainDirMeta): TreeDirectory {
    const known = this.dirs.get(name);
    if (known !== undefined) return known;
    const dir = TreeDirectory.fresh(this.#repo, meta);
    this.setDir(name, dir);
    return dir;
  }

  /** Removes a file or a whole directory; false when there was none. */
  remove(name: string): boolean {
    this.#load();
    const gone = this.#files!.delete(name) || this.#dirs!.delete(name);
    if (gone) this.#tree = undefined;
    return gone;
  }

  /** Writes what changed and returns the checksums of dirtree and dirmeta. */
  write(txn: Transaction): { readonly tree: string; readonly meta: string } {
    const meta = this.#metaChecksum ?? txn.writeMetadata('dirmeta', encodeDirMeta(this.meta));
    this.#metaChecksum = meta;
    if (this.unchanged) return { tree: this.#tree!, meta };
    const dirs = [...this.dirs].map(([name, dir]) => ({ name, ...dir.write(txn) }));
    const files = [...this.files].map(([name, checksum]) => ({ name, checksum }));
    const tree = txn.writeMetadata('dirtree', encodeDirTree({ files, dirs }));
    this.#tree = tree;
    return { tree, meta };
  }
}
