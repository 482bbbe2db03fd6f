import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { CoppiceError } from '@coppice/base';
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

export interface CompressPoolOptions {
  /** The thread starts once this many bytes were offered; before that the caller compresses. Default 8 MiB. */
  readonly startAfter?: number;
}

/** What a finished job gives: the compressed bytes, or for a file its digest and sizes. The view is valid in the call only. */
export type CompressDone = (result: Buffer, error: CoppiceError | undefined) => void;

/**
 * One more thread, which compresses objects for a commit into an archive repository, or hashes them for fsck. Made and
 * closed by the caller, who passes it to the transaction or to fsck. Jobs finish in the order they were given.
 */
export class CompressPool {
  readonly #startAfter: number;
  #offered = 0;
  #worker: Worker | undefined;
  #views: ReturnType<typeof slotViews> | undefined;
  #next = 0;
  #oldest = 0;
  readonly #waiting: CompressDone[] = [];

  constructor(options: CompressPoolOptions = {}) {
    this.#startAfter = options.startAfter ?? 8 * 1024 * 1024;
  }

  /** Jobs not finished yet. */
  get busy(): number {
    return this.#waiting.length;
  }

  /** Hands over bytes; false when the thread has enough to do and the caller should compress them itself. */
  tryBytes(bytes: Uint8Array, level: number, done: CompressDone): boolean {
    if (bytes.length > slotInput) return false;
    const base = this.#freeSlot(bytes.length);
    if (base === undefined) return false;
    const { control, input } = this.#views!;
    input[this.#next]!.set(bytes);
    control[base + word.kind] = slotKind.bytes;
    control[base + word.input] = bytes.length;
    control[base + word.level] = level;
    this.#send(base, done);
    return true;
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

  /**
   * Hands over the hashing of a file after `head`; with `inflate` of what its bytes from `start` on inflate to. The
   * descriptor stays open until `done`, which gets the digest.
   */
  tryDigest(
    source: number,
    head: Uint8Array,
    options: { readonly inflate: boolean; readonly start: number; readonly size: number },
    done: CompressDone,
  ): boolean {
    if (head.length > slotInput) return false;
    const base = this.#freeSlot(options.size);
    if (base === undefined) return false;
    const { control, input } = this.#views!;
    input[this.#next]!.set(head);
    control[base + word.kind] = options.inflate ? slotKind.inflate : slotKind.digest;
    control[base + word.input] = head.length;
    control[base + word.source] = source;
    control[base + word.start] = options.start;
    this.#send(base, done);
    return true;
  }

  #freeSlot(size: number): number | undefined {
    this.#offered += size;
    if (this.#views === undefined) {
      if (this.#offered < this.#startAfter) return undefined;
      this.#start();
    }
    this.collect();
    if (this.#waiting.length === slotCount) return undefined;
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
      try {
        done(result, failed ? new CoppiceError('Io', `Compressing: ${result.toString('utf8')}`) : undefined);
      } finally {
        Atomics.store(control, base + word.state, slotState.free);
      }
    }
  }

  /** Ends the thread. Jobs still running are waited for and dropped. */
  close(): void {
    if (this.#worker === undefined || this.#views === undefined) return;
    while (this.#waiting.length > 0) {
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
