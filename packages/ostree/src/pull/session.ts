import { CoppiceError, isCoppiceError, prefixError } from '@coppice/base';
import { VariantDict } from '@coppice/gvariant';
import type { Fetcher } from '@coppice/http';
import { type Commit, parseCommit } from '../codec/commit.ts';
import { decodeDirTree } from '../codec/dirtree.ts';
import { looseName, type ObjectType, objectName } from '../codec/object-type.ts';
import type { Repo } from '../repo.ts';
import type { Transaction } from '../store/transaction.ts';
import { checkBindings, checkCommitSignatures, checkNotOlder, type SignatureDemands } from './commit-checks.ts';
import { FetchedContent } from './fetched-content.ts';
import { checkMetadata, importObject, linksUnread, missingObject } from './import-object.ts';
import type { MirrorList } from './mirrors.ts';
import type { PullOptions } from './options.ts';
import type { PullProgress } from './progress.ts';
import type { Subpaths } from './subpaths.ts';
import { WholeTrees } from './whole-trees.ts';
import { WorkQueue } from './work-queue.ts';

/** Where objects come from: a server with archive objects, or a repository that can be opened here. */
export type ObjectSource =
  | { readonly kind: 'http'; readonly meta: MirrorList; readonly content: MirrorList; readonly fetcher: Fetcher }
  | { readonly kind: 'local'; readonly repo: Repo };

export interface SessionSetup {
  readonly repo: Repo;
  readonly transaction: Transaction;
  readonly source: ObjectSource;
  readonly caches: readonly Repo[];
  readonly options: PullOptions;
  readonly subpaths: Subpaths;
  readonly demands: SignatureDemands;
  readonly progress: PullProgress;
  /** Refs that asked for a commit, for the bindings check. */
  readonly wantedBy: ReadonlyMap<string, readonly { readonly collection: string | undefined; readonly ref: string }[]>;
  /** The commit that a commit must not be older than. */
  readonly notOlderThan: ReadonlyMap<string, string>;
}

type Request =
  | { readonly kind: 'commit'; readonly checksum: string; readonly depth: number; readonly isParent: boolean }
  | { readonly kind: 'dirtree'; readonly checksum: string; readonly path: string }
  | { readonly kind: 'dirmeta'; readonly checksum: string }
  | { readonly kind: 'file'; readonly checksum: string };

/** Looked at in a row while others wait. */
const directoriesPerTurn = 32;
/** Deeper trees than this path length are refused. */
const maxPathLength = 64 * 1024;

/** Brings commits with everything they need into the running transaction. */
export class PullSession {
  readonly #s: SessionSetup;
  readonly #queue: WorkQueue<Request>;
  readonly #fetched: FetchedContent;
  readonly #seen = new Set<string>();
  readonly #whole: WholeTrees;
  /** Depth with which a commit was scanned last. */
  readonly #depths = new Map<string, number>();
  /** Commits whose whole tree is here when the session ends. */
  readonly complete = new Set<string>();

  constructor(setup: SessionSetup) {
    this.#s = setup;
    this.#whole = new WholeTrees(setup.repo);
    this.#fetched = new FetchedContent(setup.transaction, setup.options, (error) => this.#queue.fail(error));
    const limit = setup.options.maxOutstanding ?? 8;
    this.#queue = new WorkQueue(
      limit,
      (request) => this.#carryOut(request),
      () => {
        if (setup.source.kind === 'http') setup.source.fetcher.abort();
      },
    );
  }

  /** Adds a commit to bring over. */
  requestCommit(checksum: string, depth: number, isParent = false): void {
    const known = this.#depths.get(checksum);
    if (known !== undefined && (known === -1 || (depth !== -1 && depth <= known))) return;
    this.#depths.set(checksum, depth);
    this.#queue.add({ kind: 'commit', checksum, depth, isParent }, true);
  }

  /** Adds a content object that a delta left out. */
  requestFile(checksum: string): void {
    this.#wantFile(checksum);
  }

  /**
   * Looks at the tree of an older commit until told to stop: of what a newer one shares with it, nothing is looked for then.
   * For while there is little else to do.
   */
  async foresee(commit: string, stopped: () => boolean): Promise<void> {
    const { repo, subpaths, options } = this.#s;
    if (subpaths.limited || options.commitOnly === true || stopped()) return;
    try {
      const bytes = repo.tryLoadMetadata('commit', commit);
      if (bytes === undefined) return;
      let sinceTurn = 0;
      for (const _ of this.#whole.look(parseCommit(bytes).tree)) {
        if (++sinceTurn < directoriesPerTurn) continue;
        sinceTurn = 0;
        await new Promise((resolve) => setImmediate(resolve));
        if (stopped()) return;
      }
    } catch {
      // What is damaged counts when the new commit needs it.
    }
  }

  async finish(): Promise<void> {
    await this.#queue.drain();
    this.#s.transaction.drain();
    this.#queue.check();
    this.#report(true);
  }

  #report(isLast = false): void {
    const { progress, options, transaction, source } = this.#s;
    if (options.progress === undefined) return;
    progress.outstandingFetches = source.kind === 'http' ? this.#queue.running : 0;
    progress.contentBytesWritten = transaction.stats.contentBytesWritten - progress.deltaBytesWritten;
    options.progress(progress, isLast);
  }

  async #carryOut(request: Request): Promise<void> {
    switch (request.kind) {
      case 'commit':
        await this.#commit(request);
        break;
      case 'dirtree':
        await this.#dirtree(request);
        break;
      case 'dirmeta':
        await this.#metadata('dirmeta', request.checksum);
        break;
      case 'file':
        await this.#file(request.checksum);
        break;
    }
    this.#report();
  }

  // Commits.

  async #commit(request: { checksum: string; depth: number; isParent: boolean }): Promise<void> {
    const { checksum, depth, isParent } = request;
    const { repo, transaction, options, demands, source } = this.#s;
    const stored = repo.tryLoadMetadata('commit', checksum);
    const detached = await this.#detached(checksum);
    let bytes = stored;
    let fetched = false;
    if (bytes === undefined) {
      bytes = await this.#commitBytes(checksum, isParent);
      if (bytes === undefined) return;
      fetched = true;
    }
    const signed = detached === undefined ? repo.loadDetachedMetadata(checksum) : VariantDict.decode(detached);
    if (fetched || detached !== undefined || demands.keyring !== undefined || demands.verifiers !== undefined) {
      const checked = checkCommitSignatures(repo, checksum, bytes, signed, demands, fetched && source.kind === 'http');
      if (checked.gpg !== undefined) options.onGpgResults?.(checksum, checked.gpg);
    }
    let commit: Commit;
    try {
      commit = parseCommit(bytes);
    } catch (error) {
      throw prefixError(error, objectName(checksum, 'commit'));
    }
    this.#checkCommit(checksum, commit, bytes);
    const wholeHere = stored !== undefined && !repo.isPartial(checksum) && repo.currentTransaction === transaction;
    // Emptied on the other side, it is emptied here.
    if (detached !== undefined && (detached.length > 0 || repo.hasObject('commitmeta', checksum)))
      transaction.setDetachedMetadataBytes(checksum, detached);
    if (!wholeHere) repo.markPartial(checksum);
    if (fetched) this.#storeCommit(checksum, bytes);
    if (commit.parent !== undefined && depth !== 0) this.requestCommit(commit.parent, depth < 0 ? -1 : depth - 1, true);
    if (options.commitOnly === true) return;
    if (!wholeHere) {
      if (!this.#s.subpaths.limited) this.complete.add(checksum);
      this.#wantTree(commit.tree, '/');
      this.#wantMeta(commit.meta);
    }
  }

  /** Links the commit of a local source, else writes what was fetched and checked. */
  #storeCommit(checksum: string, bytes: Uint8Array): void {
    const { source, transaction } = this.#s;
    const from = source.kind === 'local' ? source.repo : undefined;
    if (from !== undefined && importObject(transaction, from, 'commit', checksum, this.#importOptions(from))) return;
    transaction.writeMetadata('commit', bytes, checksum);
  }

  #checkCommit(checksum: string, commit: Commit, bytes: Uint8Array): void {
    const { options, wantedBy, notOlderThan, repo } = this.#s;
    if (options.disableVerifyBindings !== true) {
      try {
        for (const { collection, ref } of wantedBy.get(checksum) ?? []) checkBindings(commit, collection, ref);
      } catch (error) {
        throw prefixError(error, `Commit ${checksum}`);
      }
    }
    const older = notOlderThan.get(checksum);
    if (older !== undefined && older !== checksum) checkNotOlder(older, repo.loadCommitBytes(older), checksum, bytes);
  }

  /** Detached metadata as the source has it; undefined when it has none. */
  async #detached(checksum: string): Promise<Buffer | undefined> {
    const { source, progress } = this.#s;
    if (source.kind === 'local') return source.repo.tryLoadMetadata('commitmeta', checksum);
    progress.requestedMetadata++;
    progress.outstandingMetadata++;
    const path = `objects/${looseName(checksum, 'commitmeta', 'archive')}`;
    try {
      const { bytes } = await source.meta.bytes(path, { maxSize: this.#s.repo.compat.maxFetchedMetadata });
      progress.fetchedMetadata++;
      progress.bytesTransferred += bytes.length;
      return Buffer.from(bytes);
    } catch (error) {
      if (!isCoppiceError(error, 'NotFound')) throw error;
      if (this.#s.repo.compat.countsMissingCommitMeta) progress.fetchedMetadata++;
      return undefined;
    } finally {
      progress.outstandingMetadata--;
    }
  }

  async #commitBytes(checksum: string, isParent: boolean): Promise<Buffer | undefined> {
    const { source, caches, progress } = this.#s;
    for (const cache of source.kind === 'local' ? [source.repo, ...caches] : caches) {
      const bytes = cache.tryLoadMetadata('commit', checksum);
      if (bytes === undefined) continue;
      if (!this.#importOptions(cache).trusted) checkMetadata('commit', checksum, bytes);
      progress.importedMetadata++;
      return bytes;
    }
    if (source.kind === 'local') {
      if (isParent) return undefined;
      throw this.#missing('commit', checksum, source.repo);
    }
    try {
      return await this.#fetchMetadata('commit', checksum);
    } catch (error) {
      // History may end where the server's does.
      if (isParent && isCoppiceError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  // Trees.

  #wantTree(checksum: string, path: string): void {
    const { subpaths } = this.#s;
    const key = subpaths.limited ? `${checksum} ${path}` : checksum;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const { repo, progress } = this.#s;
    const below = subpaths.limited ? undefined : this.#whole.below(checksum);
    if (below !== undefined) {
      progress.scannedMetadata++;
      for (const tree of below) this.#wantTree(tree, path);
      return;
    }
    const stored = repo.hasObject('dirtree', checksum) ? repo.tryLoadMetadata('dirtree', checksum) : undefined;
    if (stored !== undefined) this.#scanTree(stored, path);
    else this.#queue.add({ kind: 'dirtree', checksum, path }, true);
  }

  #wantMeta(checksum: string): void {
    if (this.#seen.has(checksum)) return;
    this.#seen.add(checksum);
    if (this.#s.repo.hasObject('dirmeta', checksum)) return;
    this.#queue.add({ kind: 'dirmeta', checksum }, true);
  }

  #wantFile(checksum: string): void {
    if (this.#seen.has(checksum)) return;
    this.#seen.add(checksum);
    if (this.#s.repo.hasObject('file', checksum)) return;
    this.#s.progress.requestedContent++;
    this.#s.options.compressPool?.announce();
    this.#queue.add({ kind: 'file', checksum }, false);
  }

  #scanTree(bytes: Uint8Array, path: string): void {
    const { progress, subpaths } = this.#s;
    if (path.length > maxPathLength) throw new CoppiceError('Limit', 'Directory tree is too deep');
    progress.scannedMetadata++;
    const tree = decodeDirTree(bytes);
    const lead = path === '/' ? '/' : `${path}/`;
    for (const { name, checksum } of tree.files) if (subpaths.wantsFile(lead + name)) this.#wantFile(checksum);
    for (const { name, tree: child, meta } of tree.dirs) {
      if (!subpaths.wantsDir(lead + name)) continue;
      this.#wantMeta(meta);
      this.#wantTree(child, lead + name);
    }
  }

  async #dirtree(request: { checksum: string; path: string }): Promise<void> {
    const bytes = await this.#metadata('dirtree', request.checksum);
    this.#scanTree(bytes, request.path);
  }

  /** Brings a dirtree or dirmeta here and gives its bytes. */
  async #metadata(type: 'dirtree' | 'dirmeta', checksum: string): Promise<Buffer> {
    const { source, repo, transaction } = this.#s;
    if (repo.hasObject(type, checksum)) return repo.loadMetadata(type, checksum);
    if (source.kind === 'local' && linksUnread(repo, source.repo, this.#importOptions(source.repo))) {
      // What is linked is what is read.
      const bytes = source.repo.tryLoadMetadata(type, checksum);
      if (bytes !== undefined && this.#giveLink(type, checksum, source.repo)) return bytes;
    }
    if (this.#importHere(type, checksum)) return repo.loadMetadata(type, checksum);
    if (source.kind === 'local') throw this.#missing(type, checksum, source.repo);
    const bytes = await this.#fetchMetadata(type, checksum);
    try {
      transaction.writeMetadata(type, bytes, checksum);
    } catch (error) {
      throw prefixError(error, objectName(checksum, type));
    }
    return bytes;
  }

  async #fetchMetadata(type: ObjectType, checksum: string): Promise<Buffer> {
    const { source, progress } = this.#s;
    if (source.kind === 'local') throw new CoppiceError('Bug', 'a local source is not fetched from');
    progress.requestedMetadata++;
    progress.outstandingMetadata++;
    try {
      const path = `objects/${looseName(checksum, type, 'archive')}`;
      const { bytes } = await source.content.bytes(path, { maxSize: this.#s.repo.compat.maxFetchedMetadata });
      progress.fetchedMetadata++;
      progress.bytesTransferred += bytes.length;
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } finally {
      progress.outstandingMetadata--;
    }
  }

  // Content.

  #importOptions(from: Repo): { trusted: boolean; bareUserOnlyFiles: boolean } {
    const { options, source } = this.#s;
    const own = source.kind === 'local' && from === source.repo;
    return { trusted: own && options.untrusted !== true, bareUserOnlyFiles: options.bareUserOnlyFiles === true };
  }

  async #file(checksum: string): Promise<void> {
    const { source, repo } = this.#s;
    // Looked for when it was queued; only a delta may have brought it since.
    if (this.#s.transaction.has(looseName(checksum, 'file', repo.mode)) === true) return;
    if (source.kind === 'local' && this.#giveLink('file', checksum, source.repo)) return;
    if (this.#importHere('file', checksum)) return;
    if (source.kind === 'local') throw this.#missing('file', checksum, source.repo);
    const { progress } = this.#s;
    const spool = this.#fetched.newSpool();
    try {
      await source.content.stream(`objects/${looseName(checksum, 'file', 'archive')}`, spool, {});
      progress.fetchedContent++;
      progress.bytesTransferred += spool.size;
    } catch (error) {
      spool.discard();
      throw error;
    }
    this.#fetched.take(checksum, spool);
  }

  /** Lets the second thread link what would be linked unread. */
  #giveLink(type: 'file' | 'dirtree' | 'dirmeta', checksum: string, from: Repo): boolean {
    const { transaction } = this.#s;
    if (!linksUnread(transaction.repo, from, this.#importOptions(from))) return false;
    return transaction.giveLink(type, checksum, `${from.path}/objects`, (made) => {
      if (made) this.#countImported(type);
      else if (!this.#queue.failed) this.#importUnlinked(type, checksum, from);
    });
  }

  #countImported(type: ObjectType): void {
    const { progress } = this.#s;
    if (type === 'file') progress.importedContent++;
    else progress.importedMetadata++;
  }

  /** What the second thread could not link. */
  #importUnlinked(type: ObjectType, checksum: string, source: Repo): void {
    try {
      if (!this.#importHere(type, checksum)) throw this.#missing(type, checksum, source);
    } catch (error) {
      this.#queue.fail(error);
    }
  }

  #missing(type: ObjectType, checksum: string, source: Repo): Error {
    return missingObject(this.#s.repo, source, type, checksum, this.#importOptions(source));
  }

  /** Brings an object from a repository on this machine; false when none has it. */
  #importHere(type: ObjectType, checksum: string): boolean {
    const { source, caches, transaction } = this.#s;
    for (const from of source.kind === 'local' ? [source.repo, ...caches] : caches) {
      if (!importObject(transaction, from, type, checksum, this.#importOptions(from))) continue;
      this.#countImported(type);
      return true;
    }
    return false;
  }
}
