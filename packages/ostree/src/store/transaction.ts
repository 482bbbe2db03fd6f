import { randomBytes } from 'node:crypto';
import { CoppiceError, errnoError } from '@coppice/base';
import { checkChecksum, sha256 } from '../codec/checksum.ts';
import { type CommitFields, commitBytes, encodeDict, type MetadataEntries, parseCommit } from '../codec/commit.ts';
import { type DirMeta, decodeDirMeta, encodeDirMeta } from '../codec/dirmeta.ts';
import { decodeDirTree, encodeDirTree } from '../codec/dirtree.ts';
import { encodeFileHeader, type FileHeader } from '../codec/file-header.ts';
import { checkFileMode, S_IFDIR } from '../codec/mode-bits.ts';
import { isMetaType, looseName, type ObjectType } from '../codec/object-type.ts';
import { sortXattrs } from '../codec/xattrs.ts';
import { commitDirectory } from '../commit-directory.ts';
import { hashFile } from '../file-checksum.ts';
import type { CommitModifier } from '../modifier.ts';
import type { MutableTree } from '../mutable-tree.ts';
import type { Repo } from '../repo.ts';
import { updateSummary } from '../summary/update.ts';
import { ArchivedHandover, type AsideTarget } from './archived-handover.ts';
import type { CompressPool } from './compress-pool.ts';
import type { ContentSource } from './content-source.ts';
import { ContentWriter } from './content-writer.ts';
import { EarlyFlush } from './early-flush.ts';
import { FreeSpace } from './free-space.ts';
import { ObjectWriter, type RemoveBeside } from './object-writer.ts';
import { PayloadLinks } from './payload-link.ts';
import { checkCollectionId, checkNotChecksum, checkRefName, parseRefspec } from './ref-name.ts';
import { bootId, cleanTmp, type StagingDir, takeStagingDir } from './staging.ts';
import { canonical, sorted } from './stored-header.ts';
import { ensureWritable } from './writable.ts';

export interface TransactionOptions {
  /** False writes without any barrier, as `--fsync=false`. Default: the repository's setting. */
  readonly fsync?: boolean;
  /** Sync every file and put it straight into `objects/`. Default: the repository's setting. */
  readonly perObjectFsync?: boolean;
  /**
   * Staged objects can be taken up by the next transaction of this boot even when this process is killed; for long work
   * such as a pull. Default: only when the transaction is aborted in order.
   */
  readonly resumable?: boolean;
  readonly removeBeside?: RemoveBeside;
  /** A second thread, which compresses contents in archive repositories and writes small ones in others. The caller closes it. */
  readonly compressPool?: CompressPool;
}

/** Attributes go into the object sorted by name, as they should, or as they come, which old releases do with archives. */
export type XattrOrder = 'sorted' | 'given';

/** What a transaction wrote. */
export interface TransactionStats {
  metadataTotal: number;
  metadataWritten: number;
  contentTotal: number;
  contentWritten: number;
  contentBytesWritten: number;
  devinoCacheHits: number;
}

/**
 * Writes objects into a staging directory; `commit` makes them durable with one barrier, moves them into the store, and
 * only then writes refs. Whatever happens, the repository has all of it or objects that nothing names yet.
 */
export class Transaction {
  readonly repo: Repo;
  readonly stats: TransactionStats = {
    metadataTotal: 0,
    metadataWritten: 0,
    contentTotal: 0,
    contentWritten: 0,
    contentBytesWritten: 0,
    devinoCacheHits: 0,
  };
  readonly #done: () => void;
  readonly #durable: boolean;
  readonly #boot: string;
  readonly #staging: StagingDir | undefined;
  readonly #free: FreeSpace;
  readonly #objects: ObjectWriter;
  readonly #early: EarlyFlush | undefined;
  /** For `commitDirectory`. */
  readonly content: ContentWriter;
  /** Where another thread can store whole objects by itself. */
  readonly aside: AsideTarget | undefined;
  readonly #handover: ArchivedHandover | undefined;
  readonly #pool: CompressPool | undefined;
  /** `directory\0ref` -> checksum, or null to delete. */
  readonly #refs = new Map<string, string | null>();
  #open = true;
  #outOfSpace = false;
  /** Name of the object being written, when its checksum is not looked at. */
  #trusted: string | undefined;

  private constructor(repo: Repo, options: TransactionOptions, done: () => void) {
    const { fs, path, settings } = repo;
    this.repo = repo;
    this.#done = done;
    this.#durable = (options.fsync ?? true) && settings.fsync;
    this.#boot = bootId(fs, repo.env);
    this.#free = new FreeSpace(fs, path, settings.minFreeSpace);
    const perObjectFsync = options.perObjectFsync === true || settings.perObjectFsync;
    const straight = !this.#durable || perObjectFsync;
    this.#staging = straight ? undefined : takeStagingDir(fs, path, this.#boot);
    this.#objects = new ObjectWriter(repo, this.#staging?.path, {
      syncFiles: this.#durable && perObjectFsync,
      resumable: options.resumable ?? false,
      removeBeside: options.removeBeside,
    });
    const writer = this.#objects;
    this.#early = this.#durable && this.#staging !== undefined ? new EarlyFlush(fs, path) : undefined;
    this.#pool = options.compressPool;
    const payloadLinks = PayloadLinks.of(repo, writer);
    this.content = new ContentWriter(
      {
        fs,
        mode: repo.mode,
        zlibLevel: settings.zlibLevel,
        temporary: writer.temporary,
        syncFiles: writer.syncFiles,
        payloadLinks,
        alias: (checksum) => this.#trusted ?? checksum,
        has: (checksum) => this.repo.hasOwnObject('file', checksum),
        reserve: (size) => this.#reserve(size),
        refund: (size) => this.#free.refund(size),
        pathFor: (checksum) => writer.pathFor(looseName(checksum, 'file', repo.mode)),
        place: (temporary, checksum) => writer.place(temporary, looseName(checksum, 'file', repo.mode)),
        wrote: (_checksum, payload) => {
          this.stats.contentWritten++;
          this.stats.contentBytesWritten += payload;
          this.#early?.wrote(payload);
        },
      },
      options.compressPool,
    );
    if (payloadLinks !== undefined || repo.mode === 'bare-split-xattrs') return;
    this.aside = this.#aside();
    if (options.compressPool !== undefined) this.#handover = new ArchivedHandover(options.compressPool, this.aside);
  }

  #aside(): AsideTarget {
    const [repo, writer] = [this.repo, this.#objects];
    const { temporary, syncFiles } = writer;
    return {
      form: { mode: repo.mode, zlibLevel: repo.settings.zlibLevel, syncFiles, temporary },
      inFlight: this.content.inFlight,
      reserve: (size) => this.#reserve(size),
      refund: (size) => this.#free.refund(size),
      targetOf: (checksum) => writer.targetOf(looseName(checksum, 'file', repo.mode)),
      arrived: (checksum, size) => {
        writer.arrived(looseName(checksum, 'file', repo.mode));
        this.stats.contentTotal++;
        this.stats.contentWritten++;
        this.stats.contentBytesWritten += size;
      },
    };
  }

  /** For `Repo.beginTransaction`. */
  static begin(repo: Repo, options: TransactionOptions, done: () => void): Transaction {
    ensureWritable(repo.fs, repo.path);
    repo.lock?.acquire('shared');
    try {
      return new Transaction(repo, options, done);
    } catch (error) {
      repo.lock?.release();
      throw error;
    }
  }

  /** True when objects of an interrupted transaction of this boot were found and are counted as present. */
  get resumed(): boolean {
    return this.#staging?.resumed ?? false;
  }

  /** Where a staged object lies (or would); undefined when it certainly is not staged. */
  stagedPath(name: string): string | undefined {
    if (this.content.isInFlight(name)) this.content.drain();
    return this.#objects.find(name);
  }

  /** Whether an object of this name is staged or stored here; undefined when that has to be looked at. */
  has(name: string): boolean | undefined {
    return this.content.isInFlight(name) ? undefined : this.#objects.has(name);
  }

  /** True when `objects/` has no directory for this name, so that there is no need to look. */
  isNew(name: string): boolean {
    return this.#objects.isNew(name.slice(0, 2));
  }

  #reserve(size: number): void {
    try {
      this.#free.reserve(size);
    } catch (error) {
      this.#outOfSpace = true;
      throw error;
    }
  }

  #check(): void {
    if (!this.#open) throw new CoppiceError('Conflict', 'Not in a transaction');
  }

  /** Stores a metadata object unless it is there; throws `Corrupt` when it is not valid or not `expected`. */
  writeMetadata(type: ObjectType, bytes: Uint8Array, expected?: string): string {
    this.#check();
    const checksum = sha256(bytes);
    if (expected !== undefined && expected !== checksum) {
      throw new CoppiceError(
        'Corrupt',
        `Corrupted ${type} object; checksum expected='${expected}' actual='${checksum}'`,
        { data: { type, expected, actual: checksum } },
      );
    }
    if (type === 'dirtree') decodeDirTree(bytes);
    else if (type === 'dirmeta') decodeDirMeta(bytes, this.repo.compat.sortsXattrs ? 'sorted' : 'any');
    else if (type === 'commit') parseCommit(bytes);
    else throw new CoppiceError('Usage', `${type} is not written by its checksum`);
    return this.#storeMetadata(type, checksum, bytes);
  }

  #storeMetadata(type: ObjectType, checksum: string, bytes: Uint8Array): string {
    this.stats.metadataTotal++;
    if (this.repo.hasOwnObject(type, checksum)) return checksum;
    this.#objects.writeBytes(looseName(checksum, type, this.repo.mode), bytes);
    this.stats.metadataWritten++;
    if (type === 'commit' && this.repo.settings.tombstoneCommits) this.#dropTombstone(checksum);
    return checksum;
  }

  #dropTombstone(checksum: string): void {
    const path = `${this.repo.path}/objects/${looseName(checksum, 'tombstone-commit', this.repo.mode)}`;
    if (this.repo.fs.lstat(path) !== undefined) this.repo.fs.unlink(path);
  }

  /** Stores directory metadata; in a bare-user-only repository as that mode keeps it. `order`: see `XattrOrder`. */
  writeDirMeta(meta: DirMeta, order: XattrOrder = 'sorted'): string {
    this.#check();
    const stored: DirMeta =
      this.repo.mode === 'bare-user-only'
        ? { uid: 0, gid: 0, mode: S_IFDIR | (meta.mode & 0o755), xattrs: [] }
        : order === 'given'
          ? meta
          : { ...meta, xattrs: sortXattrs(meta.xattrs) };
    const bytes = encodeDirMeta(stored);
    return this.#storeMetadata('dirmeta', sha256(bytes), bytes);
  }

  /**
   * Stores a content object unless it is there and gives its checksum; attributes are sorted. A path is read without
   * following links. Throws `Corrupt` when the checksum is not `expected`; then nothing is stored. `order`: see `XattrOrder`.
   */
  writeContent(header: FileHeader, source: ContentSource, expected?: string, order: XattrOrder = 'sorted'): string {
    this.#check();
    if (this.repo.mode === 'bare-split-xattrs' && this.repo.env['OSTREE_EXP_WRITE_BARE_SPLIT_XATTRS'] === undefined) {
      throw new CoppiceError('Unsupported', 'Writing content object: Not allowed due to repo mode');
    }
    checkFileMode(header.mode);
    if (expected !== undefined) checkChecksum(expected);
    this.stats.contentTotal++;
    // A known object is stored as it is; only what is committed here takes the mode's canonical form.
    const known = expected !== undefined || this.#trusted !== undefined;
    // Where attributes lie on the file itself, there is no order but the sorted one.
    const asGiven = order === 'given' && (this.repo.mode === 'archive' || this.repo.mode === 'bare-user');
    const stored =
      this.repo.mode === 'bare-user-only' && !known ? canonical(header) : asGiven ? header : sorted(header);
    return this.content.write(stored, source, (actual) => {
      if (expected !== undefined && expected !== actual) {
        throw new CoppiceError('Corrupt', `Corrupted file object; checksum expected='${expected}' actual='${actual}'`, {
          data: { type: 'file', expected, actual },
        });
      }
    });
  }

  /**
   * Gives an object file of another repository of the same mode a second name here, unless the object is there. False
   * when the file system cannot link it (other device, too many links, not permitted). With `copied` it is
   * then copied as it is; false only for what is no regular file.
   */
  linkObject(type: ObjectType, checksum: string, path: string, copied = false): boolean {
    this.#check();
    if (this.repo.hasOwnObject(type, checksum)) return true;
    const name = looseName(checksum, type, this.repo.mode);
    if (!this.#objects.link(path, name)) {
      const size = copied ? this.#objects.copy(path, name, this.repo.mode) : undefined;
      if (size === undefined) return false;
      this.#early?.wrote(size);
    }
    this.#countLinked(type);
    return true;
  }

  #countLinked(type: ObjectType): void {
    if (isMetaType(type)) {
      this.stats.metadataTotal++;
      this.stats.metadataWritten++;
    } else {
      this.stats.contentTotal++;
      this.stats.contentWritten++;
    }
  }

  /**
   * Lets the second thread link an object from the `objects/` directory of another repository of the same mode; false when
   * it has to be linked here. `done` is called later, no later than in `drain`: with false when it could not be linked.
   */
  giveLink(type: ObjectType, checksum: string, from: string, done: (made: boolean) => void): boolean {
    this.#check();
    const pool = this.#pool;
    if (pool === undefined) return false;
    const name = looseName(checksum, type, this.repo.mode);
    const form = { from, to: this.#objects.linkBase(name), suffix: name.slice(65) };
    const { inFlight } = this.content;
    const given = pool.tryLink(form, checksum, (made) => {
      inFlight.delete(checksum);
      if (made) {
        this.#objects.arrived(name);
        this.#countLinked(type);
      }
      done(made);
    });
    if (given) inFlight.add(checksum);
    return given;
  }

  /**
   * Moves a regular file into the store as it is, for a repository mode whose objects are files with the owner, mode and
   * attributes of `header`. Undefined when it lies on another file system and has to be written instead.
   */
  adoptFile(path: string, header: FileHeader, size: number): string | undefined {
    this.#check();
    const { fs, mode } = this.repo;
    const checksum = hashFile(fs, path, encodeFileHeader(sorted(header)), size);
    if (this.repo.hasOwnObject('file', checksum)) {
      fs.unlink(path);
      return checksum;
    }
    const temporary = `${this.#objects.temporary}/adopt-${randomBytes(8).toString('hex')}`;
    try {
      fs.rename(path, temporary);
    } catch (error) {
      if ((error as { code?: string }).code === 'EXDEV') return undefined;
      throw errnoError(error, 'renameat');
    }
    if (mode === 'bare-user-only') fs.chmod(temporary, header.mode & 0o755);
    this.#objects.place(temporary, looseName(checksum, 'file', mode), true);
    return checksum;
  }

  /**
   * Gives an object in archive form, in memory or in a file, to the second thread; `start` is its beginning, `length` its
   * size. False when the caller has to write it. `done` is called later, no later than in `drain`: with the source when the
   * object was refused or could not be stored; then writing it here tells why.
   */
  giveArchived(
    checksum: string,
    source: Uint8Array | string,
    start: Buffer,
    length: number,
    done: (refused: Uint8Array | string | undefined) => void,
  ): boolean {
    this.#check();
    return this.#handover?.give(checksum, source, start, length, done) === true;
  }

  /** As `writeContent` from a repository that is believed: the object gets this name whatever its checksum is. */
  writeTrustedContent(header: FileHeader, source: ContentSource, checksum: string): void {
    this.#trusted = checkChecksum(checksum);
    try {
      this.writeContent(header, source);
    } finally {
      this.#trusted = undefined;
    }
  }

  /** Adds a directory on disk to a tree that is being put together; see `CommitModifier`. */
  writeDirectory(path: string, tree: MutableTree, modifier: CommitModifier = {}): void {
    this.#check();
    commitDirectory(this, path, tree, modifier);
  }

  /** Stores a tree's directories. Throws when one has no metadata. */
  writeTree(tree: MutableTree): { tree: string; meta: string } {
    this.#check();
    const meta = tree.meta;
    if (meta === undefined) throw new CoppiceError('Invalid', "Can't commit an empty tree");
    const known = tree.unchangedTree;
    if (known !== undefined) return { tree: known, meta };
    const dirs: { name: string; tree: string; meta: string }[] = [];
    for (const [name, dir] of tree.dirs) dirs.push({ name, ...this.writeTree(dir) });
    const files = Array.from(tree.files, ([name, checksum]) => ({ name, checksum }));
    const bytes = encodeDirTree({ files, dirs });
    const checksum = this.#storeMetadata('dirtree', sha256(bytes), bytes);
    tree.setWritten(checksum);
    return { tree: checksum, meta };
  }

  /** Stores a commit object; its metadata keep the order they have. */
  writeCommit(fields: CommitFields): string {
    return this.writeMetadata('commit', commitBytes(fields));
  }

  /** Detached metadata of a commit, written when the transaction is committed. */
  setDetachedMetadata(commit: string, dict: MetadataEntries | undefined): void {
    this.#check();
    const bytes = dict === undefined ? Buffer.alloc(0) : encodeDict(dict);
    this.#objects.writeBytes(looseName(checkChecksum(commit), 'commitmeta', this.repo.mode), bytes);
  }

  /** Raw bytes of detached metadata, as a server gave them. */
  setDetachedMetadataBytes(commit: string, bytes: Uint8Array): void {
    this.#check();
    this.#objects.writeBytes(looseName(checkChecksum(commit), 'commitmeta', this.repo.mode), bytes);
  }

  /** Sets (or with null deletes) a ref when the transaction is committed. */
  setRef(refspec: string, checksum: string | null): void {
    const { remote, ref } = parseRefspec(refspec);
    this.#setRefIn(remote === undefined ? 'refs/heads' : `refs/remotes/${remote}`, ref, checksum);
  }

  /** A ref of a collection: in `refs/heads` for the repository's own, else below `refs/mirrors`. */
  setCollectionRef(collection: string, ref: string, checksum: string | null): void {
    checkCollectionId(collection);
    checkRefName(ref);
    const own = collection === this.repo.settings.collectionId;
    this.#setRefIn(own ? 'refs/heads' : `refs/mirrors/${collection}`, ref, checksum);
  }

  #setRefIn(directory: string, ref: string, checksum: string | null): void {
    this.#check();
    if (checksum !== null) {
      checkNotChecksum(ref);
      checkChecksum(checksum);
    }
    this.#refs.set(`${directory}\0${ref}`, checksum);
  }

  /** What this transaction will set a ref to: undefined when it does not touch it, null when it deletes it. */
  pendingRef(remote: string | undefined, ref: string): string | null | undefined {
    return this.#refs.get(`${remote === undefined ? 'refs/heads' : `refs/remotes/${remote}`}\0${ref}`);
  }

  /** Waits for contents that the second thread has in hand, so that `stats` counts them. */
  drain(): void {
    this.content.drain();
  }

  /** Makes everything durable and visible. After it the transaction is over. */
  commit(): TransactionStats {
    this.#check();
    const { repo } = this;
    const { fs, path } = repo;
    const test = repo.env['OSTREE_REPO_TEST_ERROR'];
    if (test === 'pre-commit') {
      throw new CoppiceError('Io', 'OSTREE_REPO_TEST_ERROR_PRE_COMMIT specified');
    }
    this.content.drain();
    if (this.#staging !== undefined) {
      try {
        fs.syncfs(path);
      } catch (error) {
        throw errnoError(error, 'syncfs');
      }
    }
    this.#objects.publish();
    // Before the names are synced, which leaves less to write then. No ref speaks of the objects yet: what is lost is nobody's.
    this.#staging?.release(true);
    if (this.#durable) this.#objects.syncNames();
    cleanTmp(fs, path, this.#boot, repo.clock.now(), repo.settings.tmpExpirySeconds);
    for (const [key, checksum] of this.#refs) {
      const [directory, ref] = key.split('\0') as [string, string];
      repo.writeRefIn(directory, ref, checksum);
    }
    this.#end();
    if (this.#refs.size > 0 && repo.settings.autoUpdateSummary) updateSummary(repo);
    return this.stats;
  }

  /** Gives up. Staged objects stay for the next transaction of this boot, unless space ran out. */
  abort(): void {
    if (!this.#open) return;
    this.content.abandon();
    if (!this.#outOfSpace) {
      try {
        this.#objects.settle();
      } catch {
        // What is left under temporary names is written again next time.
      }
    }
    this.#staging?.release(this.#outOfSpace);
    this.#end();
  }

  #end(): void {
    this.#open = false;
    this.#done();
    this.repo.lock?.release();
  }
}
