import { CoppiceError, isCoppiceError, prefixError } from '@coppice/base';
import { VariantDict } from '@coppice/gvariant';
import { Slots } from '@coppice/http';
import { sha256 } from '../codec/checksum.ts';
import { parseCommit } from '../codec/commit.ts';
import { formatSize } from '../codec/format-size.ts';
import { applyPart, type OpenedPart, openPartAside } from '../delta/apply.ts';
import { deltaFilePath, deltaIndexPath, deltaName, parseDeltaName } from '../delta/name.ts';
import { PayloadRooms } from '../delta/payload-rooms.ts';
import { PartSharer } from '../delta/shared-part.ts';
import {
  type DeltaPartHeader,
  decodeSuperblock,
  inlinePart,
  readSigned,
  type Superblock,
} from '../delta/superblock.ts';
import { maxMetadataSize, type Repo } from '../repo.ts';
import type { Verifier } from '../sign/engine-keys.ts';
import { verifyWithEngines } from '../sign/engine-verify.ts';
import type { Transaction } from '../store/transaction.ts';
import { type Summary, summaryDeltas } from '../summary/summary-file.ts';
import { checkCommitSignatures, type SignatureDemands } from './commit-checks.ts';
import type { MirrorList } from './mirrors.ts';
import type { PullOptions } from './options.ts';
import type { PullProgress } from './progress.ts';
import type { PullSession } from './session.ts';
import { WorkQueue } from './work-queue.ts';

export interface DeltaPlanSetup {
  readonly repo: Repo;
  readonly content: MirrorList;
  readonly summary: Summary | undefined;
  readonly indexed: boolean;
  readonly enabled: boolean;
  readonly options: PullOptions;
  readonly demands: SignatureDemands;
  /** Engines whose keys must have signed the delta itself, when it is signed. */
  readonly verifiers: readonly Verifier[] | undefined;
  readonly progress: PullProgress;
}

interface Choice {
  readonly from: string | undefined;
  /** SHA-256 that the summary or index gives for the superblock. */
  readonly checksum: string | undefined;
  readonly bytes?: Buffer;
}

/** Payloads that are in memory at a time: one is applied while one is unpacked, or at first both are unpacked. */
const payloadsAtOnce = 2;
/** Parts that are fetched before their turn, where none is larger than this. */
const smallPartsAhead = 2;
const smallPart = 8 * 1024 * 1024;
/** Threads that may wait for the disk. */
const flushesAtOnce = 2;
const maxPartSize = 1024 * 1024 * 1024;

/** Decides commit by commit whether a static delta brings it, and carries the delta out. */
export class DeltaPlanner {
  readonly #s: DeltaPlanSetup;
  readonly #fromSummary: Map<string, string>;
  /** How often the file system is being flushed at a time, on other threads. */
  #flushing = 0;

  constructor(setup: DeltaPlanSetup) {
    this.#s = setup;
    this.#fromSummary = setup.summary === undefined ? new Map() : summaryDeltas(setup.summary.metadata);
  }

  /**
   * Brings `commit` by a delta from `current` (the commit the ref has here), another commit that is here, or nothing. False
   * when there is no such delta: then objects are fetched one by one. Throws when deltas are required.
   */
  async plan(
    commit: string,
    current: string | undefined,
    session: PullSession,
    transaction: Transaction,
  ): Promise<boolean> {
    const { repo, options, enabled } = this.#s;
    const required = options.requireStaticDeltas === true;
    if (!enabled && !required) return false;
    const names = await this.#names(commit);
    if (repo.hasObject('commit', commit) && !repo.isPartial(commit)) return false;
    const choice = names === undefined ? await this.#probe(commit, current) : this.#choose(names, commit, current);
    if (choice === undefined) {
      if (!required) return false;
      throw new CoppiceError(
        'NotFound',
        `Static deltas required, but none found for ${current ?? 'empty'} to ${commit}`,
      );
    }
    const block = await this.#superblock(choice, commit);
    if (block === undefined) return false;
    await this.#apply(block, session, transaction);
    return true;
  }

  /** The deltas leading to a commit with their checksums; undefined when neither summary nor index knows any. */
  async #names(commit: string): Promise<Map<string, string> | undefined> {
    const { indexed, content, summary } = this.#s;
    if (indexed) {
      try {
        const { bytes } = await content.bytes(deltaIndexPath(commit), { maxSize: maxMetadataSize });
        this.#count(bytes);
        return summaryDeltas(VariantDict.decode(bytes));
      } catch (error) {
        if (!isCoppiceError(error, 'NotFound')) throw error;
        if (this.#s.repo.compat.countsMissingCommitMeta) this.#s.progress.fetchedMetadata++;
        return new Map();
      }
    }
    return summary === undefined ? undefined : this.#fromSummary;
  }

  /** Index and superblock count as metadata objects. */
  #count(bytes: Uint8Array): void {
    this.#s.progress.fetchedMetadata++;
    this.#s.progress.bytesTransferred += bytes.length;
  }

  #choose(names: ReadonlyMap<string, string>, commit: string, current: string | undefined): Choice | undefined {
    const { repo } = this.#s;
    let best: { choice: Choice; timestamp: bigint } | undefined;
    let scratch: Choice | undefined;
    for (const [name, checksum] of names) {
      let from: string | undefined;
      try {
        const parsed = parseDeltaName(name);
        if (parsed.to !== commit) continue;
        from = parsed.from;
      } catch {
        continue;
      }
      if (from === undefined) {
        scratch = { from, checksum };
        continue;
      }
      const bytes = repo.isPartial(from) ? undefined : repo.tryLoadMetadata('commit', from);
      if (bytes === undefined) continue;
      const { timestamp } = parseCommit(bytes);
      if (best === undefined || timestamp > best.timestamp) best = { choice: { from, checksum }, timestamp };
    }
    return best?.choice ?? (current === undefined ? scratch : undefined);
  }

  /** Without summary: asks for the one delta that would fit. */
  async #probe(commit: string, current: string | undefined): Promise<Choice | undefined> {
    const { repo, content, progress } = this.#s;
    const from = current !== undefined && !repo.isPartial(current) ? current : undefined;
    if (current !== undefined && from === undefined) return undefined;
    try {
      const { bytes } = await content.bytes(deltaFilePath(from, commit, 'superblock'), { maxSize: maxMetadataSize });
      this.#count(bytes);
      return { from, checksum: undefined, bytes: Buffer.from(bytes) };
    } catch (error) {
      if (!isCoppiceError(error, 'NotFound')) throw error;
      // The original counts the attempt as a metadata object.
      if (repo.compat.countsMissingCommitMeta) progress.fetchedMetadata++;
      return undefined;
    }
  }

  async #superblock(choice: Choice, commit: string): Promise<Superblock | undefined> {
    const { content, verifiers } = this.#s;
    const name = deltaName(choice.from, commit).hex;
    const path = deltaFilePath(choice.from, commit, 'superblock');
    const bytes = choice.bytes ?? Buffer.from((await content.bytes(path, { maxSize: maxMetadataSize })).bytes);
    if (choice.bytes === undefined) this.#count(bytes);
    if (choice.checksum !== undefined && sha256(bytes) !== choice.checksum)
      throw new CoppiceError('Corrupt', `Invalid checksum for static delta ${name}`);
    const signed = readSigned(bytes);
    if (signed !== undefined && verifiers !== undefined) {
      try {
        verifyWithEngines(verifiers, signed.inner, signed.signatures);
      } catch (error) {
        throw prefixError(error, `Can't verify static delta ${name}`);
      }
    }
    let block: Superblock;
    try {
      block = decodeSuperblock(signed?.inner ?? Uint8Array.from(bytes));
    } catch (error) {
      throw prefixError(error, `Static delta ${name}`);
    }
    if (block.to !== commit || block.from !== choice.from)
      throw new CoppiceError('Corrupt', `Static delta ${name} is for ${deltaName(block.from, block.to).hex}`);
    return block;
  }

  #missing(part: DeltaPartHeader): boolean {
    const { repo } = this.#s;
    return part.objects.some((object) => !repo.hasObject(object.type, object.checksum));
  }

  async #apply(block: Superblock, session: PullSession, transaction: Transaction): Promise<void> {
    const { repo, progress, options } = this.#s;
    this.#note(block);
    if (options.dryRun === true) return;
    this.#checkSpace(block);
    this.#storeCommit(block, transaction);
    for (const fallback of block.fallbacks) {
      if (fallback.type !== 'file') throw new CoppiceError('Unsupported', `Static delta leaves out a ${fallback.type}`);
      if (!repo.hasObject('file', fallback.checksum)) session.requestFile(fallback.checksum);
    }
    const missing = block.parts.filter((part) => this.#missing(part));
    const sharer = this.#sharer(missing, transaction);
    const rooms = new PayloadRooms(missing.reduce((largest, part) => Math.max(largest, part.uncompressedSize), 0));
    const inMemory = new Slots(payloadsAtOnce);
    const ahead = block.parts.every((part) => part.size <= smallPart) ? smallPartsAhead : 0;
    let unpacking = 0;
    const busy = Promise.withResolvers<void>();
    const queue = new WorkQueue<number>(
      payloadsAtOnce + ahead,
      async (index) => {
        const part = block.parts[index]!;
        const needed = this.#missing(part);
        const path = deltaFilePath(block.from, block.to, String(index));
        const bytes = needed ? (inlinePart(block, path) ?? (await this.#fetchPart(path, part))) : undefined;
        progress.fetchedDeltaParts++;
        progress.fetchedDeltaPartSize += part.size;
        if (bytes === undefined) return;
        await inMemory.acquire();
        try {
          if (queue.failed) return;
          if (++unpacking === Math.min(payloadsAtOnce, missing.length)) busy.resolve();
          const opened = await openPartAside(part, bytes, rooms);
          this.#applyPart(transaction, part, opened, sharer);
          rooms.give(opened.bytes);
          this.#beginBarrier();
        } catch (error) {
          throw prefixError(error, `Writing delta part ${index}`);
        } finally {
          inMemory.release();
        }
        options.progress?.(progress, false);
      },
      () => {},
    );
    // The largest first: beside the last one that is unpacked there is little to do.
    const order = [...block.parts.keys()].sort((a, b) => block.parts[b]!.size - block.parts[a]!.size);
    for (const index of order) queue.add(index, false);
    let done = false;
    // Not before as many are unpacked as can be: until then parts have to come in fast.
    const foreseen = busy.promise.then(() =>
      block.from === undefined ? undefined : session.foresee(block.from, () => done),
    );
    try {
      await queue.drain();
    } finally {
      done = true;
      busy.resolve();
      await foreseen;
      sharer?.close();
    }
  }

  /** Starts the helping thread, if there is enough to do for it. */
  #sharer(parts: readonly DeltaPartHeader[], transaction: Transaction): PartSharer | undefined {
    const { helper } = this.#s.options;
    const objects = parts.reduce((sum, part) => sum + part.objects.length, 0);
    const bytes = parts.reduce((sum, part) => sum + part.uncompressedSize, 0);
    if (helper?.isWorth(objects, bytes) !== true) return undefined;
    helper.prepare();
    return new PartSharer(transaction, helper);
  }

  #applyPart(
    transaction: Transaction,
    part: DeltaPartHeader,
    opened: OpenedPart,
    sharer: PartSharer | undefined,
  ): void {
    transaction.drain();
    const before = transaction.stats.contentBytesWritten;
    if (sharer === undefined) applyPart(transaction, part, opened.payload);
    else sharer.apply(part, opened);
    transaction.drain();
    // What comes out of a delta does not count as written.
    this.#s.progress.deltaBytesWritten += transaction.stats.contentBytesWritten - before;
  }

  /** What is written goes to disk while the next part is made, so that the barrier at the end has less to wait for. */
  #beginBarrier(): void {
    const { repo, options } = this.#s;
    const { settings, fs } = repo;
    const perObject = options.perObjectFsync === true || settings.perObjectFsync;
    if (fs.beginSyncfs === undefined || perObject || options.disableFsync === true || !settings.fsync) return;
    // What was written since the last flush began is in none.
    if (this.#flushing === flushesAtOnce) return;
    this.#flushing++;
    fs.beginSyncfs(repo.path, () => this.#flushing--);
  }

  async #fetchPart(path: string, part: DeltaPartHeader): Promise<Uint8Array> {
    if (part.size > maxPartSize)
      throw new CoppiceError('Limit', `Static delta part of ${part.size} bytes is too large`);
    const { bytes } = await this.#s.content.bytes(path, { maxSize: part.size });
    this.#s.progress.bytesTransferred += bytes.length;
    return bytes;
  }

  #note(block: Superblock): void {
    const { progress } = this.#s;
    progress.totalDeltaParts += block.parts.length;
    for (const part of block.parts) {
      progress.totalDeltaPartSize += part.size;
      progress.totalDeltaPartUncompressed += part.uncompressedSize;
    }
    progress.totalDeltaFallbacks += block.fallbacks.length;
    for (const fallback of block.fallbacks) {
      progress.totalDeltaPartSize += fallback.compressedSize;
      progress.totalDeltaPartUncompressed += fallback.uncompressedSize;
    }
  }

  #checkSpace(block: Superblock): void {
    const { repo } = this.#s;
    const needed = block.parts.reduce((sum, part) => sum + (this.#missing(part) ? part.uncompressedSize : 0), 0);
    const { available } = repo.fs.usage(repo.path);
    if (needed > available) {
      throw new CoppiceError(
        'NoSpace',
        `Delta requires ${formatSize(needed)} free space, but only ${formatSize(available)} available`,
      );
    }
  }

  /** The commit stands in the superblock; it is checked like one that was fetched, then stored as not complete. */
  #storeCommit(block: Superblock, transaction: Transaction): void {
    const { repo, demands, options } = this.#s;
    if (repo.hasObject('commit', block.to)) {
      repo.markPartial(block.to);
      return;
    }
    const key = deltaFilePath(block.from, block.to, 'commitmeta');
    const value = block.metadata.get(key);
    const detached = value?.type === 'a{sv}' ? VariantDict.from(value.value) : undefined;
    const checked = checkCommitSignatures(repo, block.to, block.commit, detached, demands, true);
    if (checked.gpg !== undefined) options.onGpgResults?.(block.to, checked.gpg);
    if (detached !== undefined) transaction.setDetachedMetadata(block.to, detached);
    repo.markPartial(block.to);
    transaction.writeMetadata('commit', Uint8Array.from(block.commit), block.to);
  }

  /** The line of `pull --dry-run`. */
  dryRunText(): string {
    const p = this.#s.progress;
    const sizes = `${formatSize(p.fetchedDeltaPartSize)}/${formatSize(p.totalDeltaPartSize)}`;
    return `Delta update: ${p.fetchedDeltaParts}/${p.totalDeltaParts} parts, ${sizes}, ${formatSize(p.totalDeltaPartUncompressed)} total uncompressed`;
  }
}
