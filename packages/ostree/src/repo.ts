import { isUtf8 } from 'node:buffer';
import { constants } from 'node:fs';
import { resolve } from 'node:path';
import { type Clock, CoppiceError, errnoError, prefixError, strerror, systemClock } from '@coppice/base';
import type { FileStat, FileSystem } from '@coppice/base/fs';
import { type Variant, VariantDict } from '@coppice/gvariant';
import { KeyFile } from '@coppice/keyfile';
import { hostFs, readFile } from '@coppice/linux';
import { isChecksum } from './codec/checksum.ts';
import { type Commit, encodeDict, parseCommit } from './codec/commit.ts';
import { type DirMeta, decodeDirMeta } from './codec/dirmeta.ts';
import { type DirTree, decodeDirTree } from './codec/dirtree.ts';
import { isDirectory } from './codec/mode-bits.ts';
import { looseName, type ObjectType, objectName, type RepoMode } from './codec/object-type.ts';
import { defaultLevel, type OstreeCompat, type OstreeLevel, ostreeCompat } from './compat.ts';
import { createRepo } from './store/create.ts';
import { type ContentPlace, type LoadedFile, loadFile } from './store/load-file.ts';
import { RepoLock } from './store/lock.ts';
import { type LooseObject, looseObjects } from './store/objects.ts';
import { hasNoPartialMark, markPartial, partialReason, unmarkPartial } from './store/partial.ts';
import { isRefFolder, type ListRefsOptions, listRefs, resolveInRepo } from './store/ref-list.ts';
import { checkNotChecksum, parseRefspec } from './store/ref-name.ts';
import { refPath, writeAliasFile, writeBeside, writeRefFile } from './store/refs.ts';
import { type RepoSettings, readSettings } from './store/settings.ts';
import { Transaction, type TransactionOptions } from './store/transaction.ts';
import { VeritySealer } from './store/verity.ts';
import { updateSummary } from './summary/update.ts';
import { readFileBytes, readTree, type TreeEntry } from './tree.ts';

/** Surroundings of a repository; each has one default. */
export interface RepoOptions {
  readonly fs?: FileSystem;
  /** Release of the original to behave like, where releases differ. */
  readonly compat?: OstreeLevel;
  readonly clock?: Clock;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface RepoCreateOptions extends RepoOptions {
  readonly mode: RepoMode;
  readonly collectionId?: string;
}

/** Where a loose object lies. */
export interface FoundObject {
  /** The repository that has it, this one or a parent. */
  readonly repo: Repo;
  readonly path: string;
  readonly stat: FileStat;
}

/** For reading a content object that was found. */
export function contentPlace({ repo, path, stat }: FoundObject): ContentPlace {
  const { disableXattrs } = repo.settings;
  return { fs: repo.fs, repo: repo.path, path, mode: repo.mode, disableXattrs, stat };
}

/** Metadata objects over this many bytes are refused, as libostree does. */
export const maxMetadataSize = 128 * 1024 * 1024;

/** An object store: commits, trees and files by SHA-256, and refs that name commits. The format is libostree's. */
export class Repo {
  readonly path: string;
  readonly fs: FileSystem;
  readonly config: KeyFile;
  #settings: RepoSettings;
  #verity: VeritySealer | undefined;
  readonly compat: OstreeCompat;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The repository that missing objects and refs are looked up in (`core.parent`). */
  readonly parent: Repo | undefined;
  readonly lock: RepoLock | undefined;
  #transaction: Transaction | undefined;

  private constructor(path: string, config: KeyFile, options: RepoOptions, depth: number) {
    this.path = path;
    this.config = config;
    this.fs = options.fs ?? hostFs;
    this.clock = options.clock ?? systemClock;
    this.env = options.env ?? process.env;
    this.compat = ostreeCompat(options.compat ?? defaultLevel);
    this.#settings = readSettings(config, this.compat);
    if (this.settings.parent !== undefined) {
      if (depth > 16) throw new CoppiceError('Limit', 'Too many parent repositories');
      const parent = resolve(this.settings.parent);
      try {
        this.parent = openAt(parent, options, depth + 1);
      } catch (error) {
        throw prefixError(error, `While checking parent repository '${parent}': opening repo`);
      }
    }
    this.lock = this.settings.locking
      ? new RepoLock(this.fs, `${path}/.lock`, this.settings.lockTimeoutSeconds)
      : undefined;
  }

  /** Makes an empty repository; one that exists already is opened as it is. */
  static create(path: string, options: RepoCreateOptions): Repo {
    createRepo(options.fs ?? hostFs, path, options.mode, options.collectionId);
    return Repo.open(path, options);
  }

  /** Opens a repository. Throws `NotFound` when there is none, `Invalid` for a config that libostree refuses. */
  static open(path: string, options: RepoOptions = {}): Repo {
    return openAt(path, options, 0);
  }

  /** For `open` only. */
  static fromConfig(path: string, config: KeyFile, options: RepoOptions, depth: number): Repo {
    return new Repo(path, config, options, depth);
  }

  /** What `config` says about local work, as of opening or the last `writeConfig`. */
  get settings(): RepoSettings {
    return this.#settings;
  }

  get mode(): RepoMode {
    return this.#settings.mode;
  }

  /** Seals files with fs-verity when `config` asks for it. */
  get verity(): VeritySealer {
    this.#verity ??= new VeritySealer(this.fs, this.#settings.verity);
    return this.#verity;
  }

  /**
   * Writes `config` back, atomically. Throws `Invalid`, and writes nothing, when it could not be opened again; `unchecked`
   * writes it all the same.
   */
  writeConfig(options: { readonly unchecked?: boolean } = {}): void {
    if (options.unchecked !== true) this.#settings = readSettings(this.config, this.compat);
    this.#verity = undefined;
    writeBeside(this.fs, `${this.path}/config`, Buffer.from(this.config.toString()), this.settings.fsync);
  }

  // Refs.

  /** Refs of heads and remotes as refspec -> checksum, in directory order; with `prefix`, those at or below it. */
  listRefs(prefix?: string, options: ListRefsOptions = {}): Map<string, string> {
    return listRefs(this, prefix, options);
  }

  /** Checksum of a refspec, checksum, unique checksum prefix, each with any number of `^`. Throws `NotFound`. */
  resolveRev(refspec: string): string {
    const found = this.tryResolveRev(refspec);
    if (found !== undefined) return found;
    if (isRefFolder(this, refspec)) throw errnoError({ code: 'EISDIR' }, `Couldn't open ref '${refspec}'`);
    throw new CoppiceError('NotFound', `Refspec '${refspec}' not found`);
  }

  tryResolveRev(refspec: string): string | undefined {
    return resolveInRepo(this, refspec);
  }

  /** Writes (or with null deletes) a ref at once. Throws `Invalid` for bad names, `Exists` for a directory in the way. */
  setRef(refspec: string, checksum: string | null): void {
    const { remote, ref } = parseRefspec(refspec);
    this.writeRefIn(remote === undefined ? 'refs/heads' : `refs/remotes/${remote}`, ref, checksum);
    if (this.settings.autoUpdateSummary) updateSummary(this);
  }

  /** Makes `alias` a symbolic link to the ref `target`; both local. */
  setRefAlias(alias: string, target: string): void {
    checkNotChecksum(alias);
    writeAliasFile(this.fs, this.path, 'refs/heads', alias, target);
    this.touch();
  }

  /** Writes or deletes a ref below `directory` (`refs/heads`, `refs/remotes/R`, `refs/mirrors/COLLECTION`). */
  writeRefIn(directory: string, ref: string, checksum: string | null): void {
    writeRefFile(this.fs, this.path, directory, ref, checksum, { durable: this.settings.fsync });
    this.touch();
  }

  /** Marks the repository as changed for watchers: its directory's mtime. */
  touch(): void {
    const seconds = this.clock.now() / 1000;
    this.fs.lutimes(this.path, seconds, seconds);
  }

  /** Path of a ref's file relative to the repository. */
  refFile(refspec: string): string {
    return refPath(parseRefspec(refspec));
  }

  // Objects.

  /** Where a loose object lies: staged, here, or in a parent; undefined when nowhere. */
  findObject(type: ObjectType, checksum: string): FoundObject | undefined {
    const name = looseName(checksum, type, this.mode);
    const staged = this.#transaction?.stagedPath(name);
    if (staged !== undefined) {
      const stat = this.fs.lstat(staged);
      if (stat !== undefined) return { repo: this, path: staged, stat };
    }
    if (!this.#transaction?.isNew(name)) {
      const path = `${this.path}/objects/${name}`;
      const stat = this.fs.lstat(path);
      if (stat !== undefined) return { repo: this, path, stat };
    }
    return this.parent?.findObject(type, checksum);
  }

  hasObject(type: ObjectType, checksum: string): boolean {
    if (!isChecksum(checksum)) return false;
    const known = this.#transaction?.has(looseName(checksum, type, this.mode));
    if (known === undefined) return this.findObject(type, checksum) !== undefined;
    return known || this.parent?.hasObject(type, checksum) === true;
  }

  /** As `hasObject`, parents left out: what is written is written although a parent has it. */
  hasOwnObject(type: ObjectType, checksum: string): boolean {
    if (this.parent === undefined) return this.hasObject(type, checksum);
    const known = this.#transaction?.has(looseName(checksum, type, this.mode));
    return known ?? this.findObject(type, checksum)?.repo === this;
  }

  /** Loose objects of this repository (not of parents), in directory order; `prefix` limits to checksums starting so. */
  objects(prefix = ''): Iterable<LooseObject> {
    return looseObjects(this.fs, this.path, this.mode, prefix);
  }

  /** Bytes of a metadata object, undefined when it is missing. Throws `Limit` over 128 MiB. */
  tryLoadMetadata(type: ObjectType, checksum: string): Buffer | undefined {
    const name = looseName(checksum, type, this.mode);
    const staged = this.#transaction?.stagedPath(name);
    for (const path of staged === undefined
      ? [`${this.path}/objects/${name}`]
      : [staged, `${this.path}/objects/${name}`]) {
      try {
        return readFile(path, { fs: this.fs, limit: maxMetadataSize });
      } catch (error) {
        const { code } = error as { code?: string };
        // A directory can be opened, but not read.
        if (code === 'EISDIR') throw new CoppiceError('Corrupt', strerror(code));
        if (code !== 'ENOENT') throw errnoError(error, `openat(${name})`);
      }
    }
    return this.parent?.tryLoadMetadata(type, checksum);
  }

  /** Bytes of a metadata object; throws `NotFound` with libostree's words. */
  loadMetadata(type: ObjectType, checksum: string): Buffer {
    const bytes = this.tryLoadMetadata(type, checksum);
    if (bytes === undefined) {
      throw new CoppiceError('NotFound', `No such metadata object ${objectName(checksum, type)}`, {
        data: { type, checksum },
      });
    }
    return bytes;
  }

  /** As `loadMetadata`, but the bytes are valid only until the next call of this function on any repository. */
  peekMetadata(type: ObjectType, checksum: string): Buffer {
    const plain = this.#transaction === undefined;
    const name = looseName(checksum, type, this.mode);
    return (plain ? peekFile(this.fs, `${this.path}/objects/${name}`) : undefined) ?? this.loadMetadata(type, checksum);
  }

  loadCommitBytes(checksum: string): Buffer {
    return this.loadMetadata('commit', checksum);
  }

  loadCommit(checksum: string): Commit {
    const bytes = this.loadCommitBytes(checksum);
    try {
      return parseCommit(bytes);
    } catch (error) {
      throw prefixError(error, `Corrupted commit '${checksum}'`);
    }
  }

  loadDirTree(checksum: string): DirTree {
    return decodeDirTree(this.loadMetadata('dirtree', checksum));
  }

  loadDirMeta(checksum: string): DirMeta {
    return decodeDirMeta(this.loadMetadata('dirmeta', checksum), 'any');
  }

  /** Signatures and other data kept beside a commit; undefined when there is none. */
  loadDetachedMetadata(checksum: string): VariantDict | undefined {
    const bytes = this.tryLoadMetadata('commitmeta', checksum);
    return bytes === undefined ? undefined : VariantDict.decode(bytes);
  }

  /** Replaces the detached metadata at once; undefined empties the file, as libostree does. */
  writeDetachedMetadata(checksum: string, dict: ReadonlyMap<string, Variant> | undefined): void {
    const name = looseName(checksum, 'commitmeta', this.mode);
    const directory = `${this.path}/objects/${checksum.slice(0, 2)}`;
    if (this.fs.lstat(directory) === undefined) this.fs.mkdir(directory, 0o777);
    const bytes = dict === undefined ? Buffer.alloc(0) : encodeDict(dict);
    writeBeside(this.fs, `${this.path}/objects/${name}`, bytes, this.settings.fsync);
  }

  /** Opens a content object: header, size and bytes. Throws `NotFound`, or `Corrupt` for a damaged object. */
  loadFile(checksum: string): LoadedFile {
    const place = this.findObject('file', checksum);
    if (place === undefined) {
      throw new CoppiceError('NotFound', `Couldn't find file object '${checksum}'`, {
        data: { type: 'file', checksum },
      });
    }
    return loadFile(contentPlace(place), checksum);
  }

  /** A regular file's bytes by absolute path inside a commit; undefined when there is none there. Follows no links. */
  readFileBytes(commit: string, path: string): Buffer | undefined {
    return readFileBytes(this, commit, path);
  }

  /** Everything at and below `path` of a commit, depth first, each directory's files before its directories. */
  readTree(commit: string, path = '/'): Iterable<TreeEntry> {
    return readTree(this, commit, path);
  }

  // Partial commits: `state/CHECKSUM.commitpartial`.

  /** Notes that a commit's tree is not complete. Content `f` says that fsck found it so. */
  markPartial(commit: string, byFsck = false): void {
    markPartial(this.fs, this.path, commit, byFsck);
  }
  unmarkPartial(commit: string): void {
    unmarkPartial(this.fs, this.path, commit);
  }
  isPartial(commit: string): boolean {
    return !hasNoPartialMark(this.fs, this.path, commit);
  }
  /** `pull` or `fsck` for partial commits. */
  partialReason(commit: string): 'pull' | 'fsck' | undefined {
    return partialReason(this.fs, this.path, commit);
  }

  // Transactions.

  /** The running transaction, if any. */
  get currentTransaction(): Transaction | undefined {
    return this.#transaction;
  }

  /** Starts a transaction that the caller must `commit` or `abort`. Throws `Conflict` when one is running. */
  beginTransaction(options: TransactionOptions = {}): Transaction {
    if (this.#transaction !== undefined) throw new CoppiceError('Conflict', 'A transaction is running already');
    const transaction = Transaction.begin(this, options, () => {
      this.#transaction = undefined;
    });
    this.#transaction = transaction;
    return transaction;
  }

  /** Runs `body` in a transaction: committed when it returns, aborted when it throws. */
  transaction<T>(body: (transaction: Transaction) => T, options?: TransactionOptions): T {
    const transaction = this.beginTransaction(options);
    try {
      const result = body(transaction);
      transaction.commit();
      return result;
    } catch (error) {
      transaction.abort();
      throw error;
    }
  }

  async transactionAsync<T>(body: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    const transaction = this.beginTransaction(options);
    try {
      const result = await body(transaction);
      transaction.commit();
      return result;
    } catch (error) {
      transaction.abort();
      throw error;
    }
  }
}

function openAt(path: string, options: RepoOptions, depth: number): Repo {
  const fs = options.fs ?? hostFs;
  let stat: FileStat | undefined;
  try {
    stat = fs.stat(path);
  } catch (error) {
    throw errnoError(error, `opendir(${path})`);
  }
  if (stat === undefined || !isDirectory(stat.mode)) {
    const why = stat === undefined ? 'No such file or directory' : 'Not a directory';
    throw new CoppiceError('NotFound', `opendir(${path}): ${why}`, { data: { path } });
  }
  let objects: FileStat | undefined;
  try {
    objects = fs.stat(`${path}/objects`);
  } catch (error) {
    throw errnoError(error, `opendir(${path})`);
  }
  if (objects === undefined) {
    throw new CoppiceError('NotFound', 'opendir(objects): No such file or directory', { data: { path } });
  }
  // Root may open anything.
  if (process.getuid?.() !== 0) {
    try {
      fs.close(fs.open(`${path}/objects`, constants.O_RDONLY | constants.O_DIRECTORY));
    } catch (error) {
      throw errnoError(error, 'opendir(objects)');
    }
  }
  let text: Buffer;
  try {
    text = readFile(`${path}/config`, { fs, limit: 16 * 1024 * 1024 });
  } catch (error) {
    throw errnoError(error, 'openat(config)');
  }
  if (!isUtf8(text)) throw new CoppiceError('Invalid', 'Invalid UTF-8', { data: { path } });
  let config: KeyFile;
  try {
    config = KeyFile.parse(text);
  } catch (error) {
    throw prefixError(error, "Couldn't parse config file");
  }
  const repo = Repo.fromConfig(path, config, options, depth);
  makeDirectory(fs, `${path}/tmp`);
  if (repo.env['OSTREE_SKIP_CACHE'] === undefined) makeDirectory(fs, `${path}/tmp/cache`);
  return repo;
}

let peeked: Buffer | undefined;

/** The bytes of a small file in a buffer that the next call uses again; undefined when it cannot be had so. */
function peekFile(fs: FileSystem, path: string): Buffer | undefined {
  peeked ??= Buffer.allocUnsafeSlow(64 * 1024);
  let fd: number;
  try {
    fd = fs.open(path, constants.O_RDONLY);
  } catch {
    return undefined;
  }
  try {
    // Objects are regular files, of which a read gives less only at their end.
    const n = fs.read(fd, peeked, 0, peeked.length, null);
    return n < peeked.length ? peeked.subarray(0, n) : undefined;
  } finally {
    fs.close(fd);
  }
}

/** Makes a directory that may be missing, where one may. */
function makeDirectory(fs: FileSystem, path: string): void {
  if (fs.lstat(path) !== undefined) return;
  try {
    fs.mkdir(path, 0o775);
  } catch (error) {
    const code = (error as { code?: string }).code;
    // A repository that may only be read has no cache.
    if (code !== 'EACCES' && code !== 'EROFS' && code !== 'EPERM' && code !== 'EEXIST' && code !== 'ENOENT')
      throw error;
  }
}
