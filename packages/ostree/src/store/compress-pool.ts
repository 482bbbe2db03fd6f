import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { CoppiceError, errnoError } from '@coppice/base';
import { type ArchivedOrder, putArchivedOrder, takeArchivedOrder } from './archived-order.ts';
import {
  newSlotMemory,
  slotCount,
  slotInput,
  slotKind,
  slotState,
  slotViews,
  word,
  wordsPerSlot,
} from './compress-slots.ts';
import { type FileOrder, putFileOrder } from './file-attributes.ts';
import { type HashOrder, putHashOrder, takeDigest } from './hash-orders.ts';
import { type LinkForm, putLink, putLinkForm, sameLinks } from './link-orders.ts';

export interface CompressPoolOptions {
  /** The thread starts once this many bytes were offered; before that the caller compresses. Default 8 MiB. */
  readonly startAfter?: number;
}

/** What a finished job gives: the compressed bytes, or for a file its digest and sizes. The view is valid in the call only. */
export type CompressDone = (result: Buffer, error: CoppiceError | undefined) => void;

/** Called on the owner's thread when a file is there, or with why it is not. */
export type FileDone = (error: CoppiceError | undefined) => void;

/** Called on the owner's thread when an object is stored, or with its source when it could not be. */
export type ArchivedDone = (refused: ArchivedOrder['source'] | undefined) => void;

/** Called on the owner's thread when a link is there, or with false when it could not be made. */
export type LinkDone = (made: boolean) => void;

/** Called on the owner's thread with the digest of a file in hex, or undefined when the thread could not tell it. */
export type HashDone = (checksum: string | undefined) => void;

/** What starting the thread for one file more is worth, in bytes: making a small file costs as much as compressing this. */
const fileWeight = 8192;
/** Likewise for a file that is only read. */
const hashWeight = 2048;
/** Files are handed over together: so many bytes at least while the thread has other work, or when it waits. */
const busyBatch = 128 * 1024;
const idleBatch = 16 * 1024;
/** Links handed over together. */
const linkBatch = 128;

/**
 * One more thread, which compresses objects for an archive repository, writes small files for the others, or hashes
 * files. Made and closed by the caller, who passes it on (`TransactionOptions.compressPool`). Jobs finish in the order they
 * were given. A writer that takes contents from anywhere calls `tryWrite` with the whole file (path, attributes, bytes);
 * when that says no, it writes the file itself, so both threads are busy and neither waits for the other.
 */
export class CompressPool {
  readonly #startAfter: number;
  #offered = 0;
  #worker: Worker | undefined;
  #views: ReturnType<typeof slotViews> | undefined;
  #next = 0;
  #oldest = 0;
  /** Slots whose results are being handed out; what is called may hand over more, which must not go into them. */
  #inHand = 0;
  readonly #waiting: CompressDone[] = [];
  /** Files put into the next slot and not sent yet. */
  #batch: FileDone[] = [];
  /** Objects, files to hash, and links likewise; only one of the four lists is ever in use. */
  #archived: ArchivedDone[] = [];
  #hashes: HashDone[] = [];
  #links: LinkDone[] = [];
  #linkForm: LinkForm | undefined;
  #batchEnd = 0;
  /** Bytes of content that the orders of the slot make. */
  #batchWeight = 0;

  constructor(options: CompressPoolOptions = {}) {
    this.#startAfter = options.startAfter ?? 8 * 1024 * 1024;
  }

  /** Jobs not finished yet. */
  get busy(): number {
    return this.#waiting.length + (this.#batchEnd > 0 ? 1 : 0);
  }

  /** Tells of a file that will be handed over soon, so that the thread is there when enough of them come. */
  announce(): void {
    this.#offered += fileWeight;
    if (this.#views === undefined && this.#offered >= this.#startAfter) this.#start();
  }

  /**
   * Hands over a whole file to be made under a path that is free; false when the thread has enough to do, or the file is
   * too large, and the caller should write it itself. Nothing is there before `done`; after an error nothing is left.
   */
  tryWrite(order: FileOrder, done: FileDone): boolean {
    this.#offered += fileWeight;
    if (order.content.length + 4096 > slotInput) return false;
    if (!this.#intoBatch(this.#batch, order.content.length, (out, at) => putFileOrder(out, at, order))) return false;
    this.#batch.push(done);
    this.#sendLarge();
    return true;
  }

  /**
   * Hands over an object in archive form, to be checked and stored under its name; false when the thread has enough to do,
   * or the object is too large.
   */
  tryArchived(order: ArchivedOrder, done: ArchivedDone): boolean {
    const size = typeof order.source === 'string' ? slotInput : order.source.length;
    this.#offered += fileWeight;
    if (typeof order.source !== 'string' && size + 4096 > slotInput) return false;
    if (!this.#intoBatch(this.#archived, size, (out, at) => putArchivedOrder(out, at, order))) return false;
    this.#archived.push(done);
    if (typeof order.source === 'string') this.#sendBatch();
    else this.#sendLarge();
    return true;
  }

  /** Hands over a file to be read and hashed behind its header; false when the thread has enough to do. */
  tryHash(order: HashOrder, done: HashDone): boolean {
    this.#offered += hashWeight;
    if (!this.#intoBatch(this.#hashes, 0, (out, at) => putHashOrder(out, at, order))) return false;
    this.#hashes.push(done);
    // Opening costs as much as hashing so many bytes.
    this.#batchWeight += hashWeight + order.size;
    this.#sendLarge();
    return true;
  }

  /** Hands over an object to be linked; false when the thread has enough to do. */
  tryLink(form: LinkForm, checksum: string, done: LinkDone): boolean {
    this.#offered += fileWeight;
    const goesOn = this.#links.length > 0 && this.#linkForm !== undefined && sameLinks(this.#linkForm, form);
    if (!goesOn) {
      if (form.from.length + form.to.length > 8192 || this.#freeSlot(0) === undefined) return false;
      this.#linkForm = form;
      this.#batchEnd = putLinkForm(this.#views!.input[this.#next]!, form);
    }
    this.#batchEnd = putLink(this.#views!.input[this.#next]!, this.#batchEnd, checksum);
    this.#links.push(done);
    if (this.#links.length >= linkBatch) this.#sendBatch();
    return true;
  }

  /** Puts an order behind those of its kind that are not sent yet; false when there is no room. */
  #intoBatch(kind: readonly unknown[], size: number, put: (out: Buffer, at: number) => number | undefined): boolean {
    if (kind.length === 0 && this.#freeSlot(size) === undefined) return false;
    let end = put(this.#views!.input[this.#next]!, this.#batchEnd);
    if (end === undefined) {
      this.#sendBatch();
      if (this.#freeSlot(size) === undefined) return false;
      end = put(this.#views!.input[this.#next]!, 0);
      if (end === undefined) return false;
    }
    this.#batchEnd = end;
    return true;
  }

  #sendLarge(): void {
    const size = Math.max(this.#batchEnd, this.#batchWeight);
    if (size >= busyBatch || (size >= idleBatch && this.#isIdle())) this.#sendBatch();
  }

  /** True when the thread has done all that was sent. */
  #isIdle(): boolean {
    if (this.#waiting.length === 0) return true;
    const last = ((this.#next + slotCount - 1) % slotCount) * wordsPerSlot;
    return Atomics.load(this.#views!.control, last + word.state) === slotState.done;
  }

  #sendBatch(): void {
    if (this.#archived.length > 0) this.#sendArchived();
    if (this.#links.length > 0) this.#sendLinks();
    if (this.#hashes.length > 0) this.#sendHashes();
    if (this.#batch.length === 0) return;
    const files = this.#batch;
    const base = this.#next * wordsPerSlot;
    const { control } = this.#views!;
    control[base + word.kind] = slotKind.files;
    control[base + word.input] = this.#batchEnd;
    this.#batch = [];
    this.#batchEnd = 0;
    this.#batchWeight = 0;
    this.#send(base, (result, error) => {
      const made = error === undefined ? files.length : control[base + word.made]!;
      const failure = error === undefined ? undefined : writeError(result.toString('utf8'));
      let first: unknown;
      files.forEach((done, i) => {
        try {
          done(i < made ? undefined : failure);
        } catch (thrown) {
          first ??= thrown;
        }
      });
      if (first !== undefined) throw first;
    });
  }

  #sendArchived(): void {
    const waiting = this.#archived;
    const slot = this.#next;
    const base = slot * wordsPerSlot;
    const { control, input } = this.#views!;
    control[base + word.kind] = slotKind.archived;
    control[base + word.input] = this.#batchEnd;
    this.#archived = [];
    this.#batchEnd = 0;
    this.#batchWeight = 0;
    this.#send(base, (stored, error) => {
      for (const [i, done] of waiting.entries()) {
        if (error === undefined && stored[i] === 1) {
          done(undefined);
          continue;
        }
        // Looked for only now, which is seldom.
        let at = 0;
        for (let before = 0; before < i; before++) at = takeArchivedOrder(input[slot]!, at).end;
        done(takeArchivedOrder(input[slot]!, at).order.source);
      }
    });
  }

  #sendLinks(): void {
    const waiting = this.#links;
    const base = this.#next * wordsPerSlot;
    const { control } = this.#views!;
    control[base + word.kind] = slotKind.links;
    control[base + word.input] = this.#batchEnd;
    this.#links = [];
    this.#batchEnd = 0;
    this.#batchWeight = 0;
    this.#send(base, (made, error) => {
      for (const [i, done] of waiting.entries()) done(error === undefined && made[i] === 1);
    });
  }

  #sendHashes(): void {
    const waiting = this.#hashes;
    const base = this.#next * wordsPerSlot;
    const { control } = this.#views!;
    control[base + word.kind] = slotKind.hashes;
    control[base + word.input] = this.#batchEnd;
    this.#hashes = [];
    this.#batchEnd = 0;
    this.#batchWeight = 0;
    this.#send(base, (answer, error) => {
      for (const [i, done] of waiting.entries()) done(error === undefined ? takeDigest(answer, i) : undefined);
    });
  }

  /**
   * Hands over a file: hashed with `head` before it, and compressed from descriptor `source` into `target` from offset
   * `start` on. Both stay open until `done`, which gets the digest (32 bytes), content size and end offset (u64 each).
   */
  tryFile(
    source: number,
    target: number,
    head: Uint8Array,
    options: { readonly level: number; readonly start: number; readonly size: number },
    done: CompressDone,
  ): boolean {
    if (head.length > slotInput) return false;
    const base = this.#freeSlot(options.size);
    if (base === undefined) return false;
    const { control, input } = this.#views!;
    input[this.#next]!.set(head);
    control[base + word.kind] = slotKind.descriptors;
    control[base + word.input] = head.length;
    control[base + word.level] = options.level;
    control[base + word.source] = source;
    control[base + word.target] = target;
    control[base + word.start] = options.start;
    this.#send(base, done);
    return true;
  }

  #freeSlot(size: number): number | undefined {
    this.#offered += size;
    this.#sendBatch();
    if (this.#views === undefined) {
      if (this.#offered < this.#startAfter) return undefined;
      this.#start();
    }
    this.collect();
    // Who was told of results may have begun a batch, perhaps of another kind.
    this.#sendBatch();
    if (this.#waiting.length + this.#inHand >= slotCount) return undefined;
    return this.#next * wordsPerSlot;
  }

  #start(): void {
    const memory = newSlotMemory();
    this.#views = slotViews(memory);
    this.#worker = new Worker(workerFile(), { workerData: memory });
    // The thread only ever waits; it must not keep the process alive.
    this.#worker.unref();
  }

  #send(base: number, done: CompressDone): void {
    const { control } = this.#views!;
    this.#waiting.push(done);
    this.#next = (this.#next + 1) % slotCount;
    Atomics.store(control, base + word.state, slotState.queued);
    Atomics.notify(control, base + word.state);
  }

  /** Hands out what is finished; with `all` waits for everything. */
  collect(all = false): void {
    if (all) this.#sendBatch();
    while (this.#waiting.length > 0) {
      const { control, output } = this.#views!;
      const base = this.#oldest * wordsPerSlot;
      let state = Atomics.load(control, base + word.state);
      while (all && state === slotState.queued) {
        Atomics.wait(control, base + word.state, state, 60_000);
        state = Atomics.load(control, base + word.state);
      }
      if (state !== slotState.done) return;
      const slot = this.#oldest;
      this.#oldest = (this.#oldest + 1) % slotCount;
      const done = this.#waiting.shift()!;
      const result = output[slot]!.subarray(0, control[base + word.output]!);
      const failed = control[base + word.failed] === 1;
      const isFirst = this.#inHand++ === 0;
      try {
        done(result, failed ? new CoppiceError('Io', `Compressing: ${result.toString('utf8')}`) : undefined);
      } finally {
        Atomics.store(control, base + word.state, slotState.free);
        // Slots are used in turn: those after the first are not free before it.
        if (isFirst) this.#inHand = 0;
      }
    }
  }

  /** Ends the thread. Jobs still running are waited for and dropped. */
  close(): void {
    if (this.#worker === undefined || this.#views === undefined) return;
    while (this.busy > 0) {
      try {
        this.collect(true);
      } catch {
        // The transaction that wanted it is gone.
      }
    }
    const base = this.#next * wordsPerSlot;
    Atomics.store(this.#views.control, base + word.state, slotState.quit);
    Atomics.notify(this.#views.control, base + word.state);
    this.#worker = undefined;
    this.#views = undefined;
  }
}

/** Why a file could not be written, from an errno name or a message. */
function writeError(reason: string): CoppiceError {
  return errnoError(Object.assign(new Error(reason), { code: reason }), 'Writing content object');
}

/** Beside this file as source or compiled; in a bundle, an entry of its own beside or above the chunk. */
function workerFile(): URL {
  const here = import.meta.url;
  if (here.endsWith('.ts')) return new URL('./compress-worker.ts', here);
  const places = ['./compress-worker.js', './ostree-compress-worker.mjs', '../ostree-compress-worker.mjs'];
  for (const place of places) {
    const url = new URL(place, here);
    if (existsSync(url)) return url;
  }
  throw new CoppiceError('Bug', 'the compressing thread is missing from this build');
}
