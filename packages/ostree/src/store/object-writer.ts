import { constants } from 'node:fs';
import { errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import type { RepoMode } from '../codec/object-type.ts';
import type { Repo } from '../repo.ts';
import { copyObjectFile } from './copy-object.ts';
import { KnownNames } from './known-names.ts';
import { randomHex } from './random-name.ts';
import type { VeritySealer } from './verity.ts';

/** Before the two letters of a directory that holds unfinished files too. */
const newPrefix = 'new-';

/** More finished files than this are not kept under temporary names, so that the list of them stays small. */
const pendingLimit = 65536;

/** Begins to remove trees beside what else is done, where it can; the result helps and waits for the end of that. */
export type RemoveBeside = (paths: readonly string[]) => (() => void) | undefined;

/** So many directories are removed while as many are emptied. */
const emptiedAtOnce = 64;

/**
 * Gives complete files their place: below the staging directory, or straight below `objects/`. Staged files keep their
 * temporary name until the end, which saves a rename each; with `resumable` they get their object's name at once, and a
 * later transaction of the same boot finds them even when this process is killed.
 */
export class ObjectWriter {
  /** Directory for files not yet complete. */
  readonly temporary: string;
  /** Whether each file must be synced by its writer before it is placed. */
  readonly syncFiles: boolean;
  readonly #fs: FileSystem;
  readonly #objects: string;
  /** Where `XX/` directories are filled. */
  readonly #base: string;
  readonly #staged: boolean;
  readonly #resumable: boolean;
  readonly #removeBeside: RemoveBeside | undefined;
  readonly #made = new Set<string>();
  /** Object name -> path of the complete file. */
  readonly #pending = new Map<string, string>();
  /** `XX` directories of the staging area that hold files. */
  readonly #filled = new Set<string>();
  /** Directories of `objects/`. */
  readonly #known = new Set<string>();
  /** Directories of `objects/` to be, being filled under another name. */
  readonly #direct = new Set<string>();
  readonly #names: KnownNames;
  readonly #verity: VeritySealer | undefined;
  readonly #stem = randomHex(6);
  #counter = 0;

  constructor(
    repo: Repo,
    staging: string | undefined,
    options: { syncFiles: boolean; resumable: boolean; removeBeside?: RemoveBeside | undefined },
  ) {
    this.#fs = repo.fs;
    this.#objects = `${repo.path}/objects`;
    this.#staged = staging !== undefined;
    this.#base = staging ?? this.#objects;
    this.temporary = staging ?? `${repo.path}/tmp`;
    this.syncFiles = options.syncFiles;
    this.#resumable = options.resumable;
    this.#removeBeside = options.removeBeside;
    this.#names = new KnownNames(this.#fs, this.#objects);
    this.#verity = repo.verity.wanted === 'no' ? undefined : repo.verity;
    if (!this.#staged) return;
    for (const head of this.#fs.readdir(this.#base)) {
      this.#filled.add(head);
      for (const rest of this.#fs.readdir(`${this.#base}/${head}`)) this.#names.add(`${head}/${rest}`);
    }
    for (const head of this.#fs.readdir(this.#objects)) this.#known.add(head);
  }

  /**
   * A free path for the file of an object that is neither staged nor stored; `place` follows. Where `objects/` has no
   * directory for it, files get their last name at once, in a staging directory that becomes that of `objects/` with
   * one rename; it has a name of its own, as a later transaction believes what it finds in two-letter directories.
   */
  pathFor(name: string): string {
    const head = name.slice(0, 2);
    if (this.#resumable || !this.isNew(head)) return `${this.temporary}/tmp-${this.#stem}c${this.#counter++}`;
    this.#ensureDir(this.#base, `${newPrefix}${head}`);
    this.#direct.add(head);
    return `${this.#base}/${newPrefix}${name}`;
  }

  /** Path to write an object to that is complete once it is there; undefined where files have temporary names first. */
  targetOf(name: string): string | undefined {
    if (this.#verity !== undefined || (this.#staged && !this.#resumable)) return undefined;
    const head = name.slice(0, 2);
    this.#ensureDir(this.#base, head);
    this.#filled.add(head);
    return `${this.#base}/${name}`;
  }

  /** Directory below which `link` makes names; the one for `name` is there then. */
  linkBase(name: string): string {
    const head = name.slice(0, 2);
    this.#ensureDir(this.#base, head);
    this.#filled.add(head);
    return this.#base;
  }

  /** An object was written to its `targetOf`, or linked below `linkBase`. */
  arrived(name: string): void {
    this.#names.add(name);
  }

  /** Path of a staged object, undefined when it certainly is not staged. */
  find(name: string): string | undefined {
    if (!this.#staged) return undefined;
    const pending = this.#pending.get(name);
    if (pending !== undefined || this.#names.isPlaced(name) === false) return pending;
    if (this.#direct.has(name.slice(0, 2))) {
      const path = `${this.#base}/${newPrefix}${name}`;
      if (this.#fs.lstat(path) !== undefined) return path;
    }
    return this.#filled.has(name.slice(0, 2)) ? `${this.#base}/${name}` : undefined;
  }

  /** Whether there is an object of this name, staged or stored; undefined when that has to be looked at. */
  has(name: string): boolean | undefined {
    if (!this.#staged) return undefined;
    const placed = this.#names.isPlaced(name);
    if (placed !== false) return placed;
    return this.isNew(name.slice(0, 2)) ? false : this.#names.isStored(name);
  }

  /** True when `objects/HEAD` was missing when the transaction began and nothing has been put there since. */
  isNew(head: string): boolean {
    return this.#staged && !this.#known.has(head);
  }

  /**
   * Moves a complete file to its name; one that is there already is replaced by its equal. It is sealed first when the
   * repository wants that, unless it was `adopted` from elsewhere or may change.
   */
  place(temporary: string, name: string, adopted = false): void {
    if (!adopted && !name.endsWith('.commitmeta')) this.#verity?.seal(temporary);
    this.#names.add(name);
    if (temporary.endsWith(name) && temporary === `${this.#base}/${newPrefix}${name}`) return;
    if (!this.#staged || this.#resumable) {
      this.#place(temporary, name);
      return;
    }
    const before = this.#pending.get(name);
    if (before !== undefined) this.#fs.unlink(before);
    this.#pending.set(name, temporary);
    if (this.#pending.size >= pendingLimit) this.settle();
  }

  #place(temporary: string, name: string): void {
    const head = name.slice(0, 2);
    this.#ensureDir(this.#base, head);
    this.#filled.add(head);
    this.#fs.rename(temporary, `${this.#base}/${name}`);
  }

  /** Gives every staged file its object's name in the staging directory. */
  settle(): void {
    for (const head of this.#direct) {
      if (this.#filled.has(head)) {
        for (const rest of this.#fs.readdir(`${this.#base}/${newPrefix}${head}`))
          this.#place(`${this.#base}/${newPrefix}${head}/${rest}`, `${head}/${rest}`);
      } else {
        this.#fs.rename(`${this.#base}/${newPrefix}${head}`, `${this.#base}/${head}`);
        this.#filled.add(head);
        this.#made.add(`${this.#base}/${head}`);
      }
      this.#made.delete(`${this.#base}/${newPrefix}${head}`);
    }
    this.#direct.clear();
    for (const [name, temporary] of this.#pending) this.#place(temporary, name);
    this.#pending.clear();
  }

  /** Makes `name` a hard link of a complete file elsewhere; false when that is not possible. */
  link(from: string, name: string): boolean {
    this.#ensureDir(this.#base, name.slice(0, 2));
    this.#filled.add(name.slice(0, 2));
    try {
      this.#fs.link(from, `${this.#base}/${name}`);
      this.#names.add(name);
      return true;
    } catch (error) {
      const code = (error as { code?: string }).code ?? '';
      if (code === 'EEXIST') {
        this.#names.add(name);
        return true;
      }
      if (['EXDEV', 'EMLINK', 'EPERM', 'EACCES', 'ENOTSUP'].includes(code)) return false;
      throw errnoError(error, 'linkat');
    }
  }

  /** Makes `name` a copy of a complete file elsewhere; gives its size, undefined for what is no regular file. */
  copy(from: string, name: string, mode: RepoMode): number | undefined {
    const temporary = this.pathFor(name);
    const xattrs = name.endsWith('.file') && (mode === 'bare' || mode === 'bare-user');
    const size = copyObjectFile(this.#fs, from, temporary, { mode, xattrs, sync: this.syncFiles });
    if (size !== undefined) this.place(temporary, name);
    return size;
  }

  /** Writes a small object whole. */
  writeBytes(name: string, bytes: Uint8Array): void {
    const temporary = `${this.temporary}/tmp-${this.#stem}m${this.#counter++}`;
    try {
      const fd = this.#fs.open(
        temporary,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        0o644,
      );
      try {
        this.#fs.write(fd, bytes, 0, bytes.length, null);
        this.#fs.fchmod(fd, 0o644);
        if (this.syncFiles) this.#fs.fsync(fd);
      } finally {
        this.#fs.close(fd);
      }
      this.place(temporary, name);
    } catch (error) {
      try {
        this.#fs.unlink(temporary);
      } catch {
        // Not made, or already in place.
      }
      throw errnoError(error, 'Writing metadata object');
    }
  }

  #ensureDir(base: string, head: string): void {
    const path = `${base}/${head}`;
    if (this.#made.has(path)) return;
    // Nearly always there, and an error of the system for each takes longer than a look.
    if (base === this.#objects && this.#known.has(head) && this.#fs.lstat(path) !== undefined) {
      this.#made.add(path);
      return;
    }
    try {
      this.#fs.mkdir(path, 0o777);
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw errnoError(error, `mkdirat(${head})`);
    }
    this.#made.add(path);
  }

  /** Renames staged files into `objects/`. The data was synced before. */
  publish(): void {
    if (!this.#staged) return;
    for (const head of this.#direct) this.#publishDir(`${newPrefix}${head}`, head);
    this.#direct.clear();
    for (const [name, temporary] of this.#pending) {
      this.#ensureDir(this.#objects, name.slice(0, 2));
      this.#publishOne(temporary, `${this.#objects}/${name}`);
    }
    this.#pending.clear();
    const heads = [...this.#filled].filter((head) => head.length === 2);
    const removals: ((() => void) | undefined)[] = [];
    for (let at = 0; at < heads.length; at += emptiedAtOnce) {
      const some = heads.slice(at, at + emptiedAtOnce);
      for (const head of some) this.#publishDir(head, head);
      removals.push(this.#removeBeside?.(some.map((head) => `${this.#base}/${head}`)));
    }
    for (const finish of removals) finish?.();
  }

  /** Makes the names in `objects/` durable. One flush of the file system could do that too, but it is not what the original does. */
  syncNames(): void {
    const fs = this.#fs;
    for (const path of this.#made) if (path.startsWith(this.#objects)) fs.syncDir(path);
    fs.syncDir(this.#objects);
  }

  /**
   * Moves the files of a staging directory. Where `objects/` has none of that name the whole directory moves: one rename
   * instead of one for each file; its entries are on disk since the barrier.
   */
  #publishDir(staged: string, head: string): void {
    const from = `${this.#base}/${staged}`;
    const to = `${this.#objects}/${head}`;
    if (!this.#known.has(head) && !this.#made.has(to)) {
      try {
        this.#fs.renameNoReplace(from, to);
        this.#made.add(to);
        return;
      } catch {
        // Someone made it meanwhile, or this file system has no such call.
      }
    }
    const names = this.#fs.readdir(from);
    if (names.length === 0) return;
    this.#ensureDir(this.#objects, head);
    for (const name of names) this.#publishOne(`${from}/${name}`, `${to}/${name}`);
  }

  #publishOne(from: string, to: string): void {
    if (to.endsWith('.commitmeta') || to.endsWith('.payload-link')) {
      this.#fs.rename(from, to);
      return;
    }
    try {
      this.#fs.renameNoReplace(from, to);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === 'EEXIST') this.#fs.unlink(from);
      else if (code === 'EINVAL' || code === 'ENOSYS') this.#fs.rename(from, to);
      else throw errnoError(error, 'renameat');
    }
  }
}
