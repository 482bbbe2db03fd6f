// Packages that are read whole, several at a time: while the main thread goes on with their headers and the next ones, another
// hashes them together.
import { padSha256, Sha256Lanes, sha256Lanes, sha256Padding } from '@coppice/linux';
import type { DigestGaps } from './header-xml.ts';

/** Room of a batch: new memory takes time too. */
const batchSize = 256 * 1024;
/** Larger packages are not put into batches. */
export const batchLimit: number = batchSize - sha256Padding - 1;
/** When all are being hashed, the main thread hashes too. */
const batchCount = 2;

interface Entry {
  readonly at: number;
  /** With padding. */
  readonly length: number;
  readonly gaps: DigestGaps;
}

class Batch {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(batchSize);
  readonly #address: number;
  readonly #lanes: Sha256Lanes;
  #entries: Entry[] = [];
  at = 0;

  constructor(lanes: Sha256Lanes) {
    this.#lanes = lanes;
    this.#address = lanes.addressOf(this.bytes);
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Whether a package of this size still fits. */
  fits(size: number): boolean {
    return this.#entries.length < sha256Lanes && this.at + size + sha256Padding <= batchSize;
  }

  add(size: number, gaps: DigestGaps): void {
    const end = padSha256(this.bytes, this.at + size, size);
    this.#entries.push({ at: this.at, length: end - this.at, gaps });
    this.at = end;
  }

  prepare(): void {
    // Those of about one length beside each other.
    this.#entries.sort((a, b) => b.length - a.length);
    for (let lane = 0; lane < sha256Lanes; lane++) {
      const entry = this.#entries[lane];
      this.#lanes.begin(lane);
      this.#lanes.take(lane, this.#address + (entry?.at ?? 0), entry?.length ?? 0);
    }
  }

  run(): Promise<void> {
    return this.#lanes.run();
  }

  runHere(): void {
    this.#lanes.runHere();
  }

  settle(fill: (gaps: DigestGaps, digest: string) => void): void {
    for (const [lane, { gaps }] of this.#entries.entries()) fill(gaps, this.#lanes.hex(lane));
    this.#entries = [];
    this.at = 0;
  }
}

export class PackageBatches {
  readonly #fill: (gaps: DigestGaps, digest: string) => void;
  #batch: Batch;
  readonly #free: Batch[] = [];
  readonly #running = new Set<Promise<void>>();
  /** How many there are. */
  #count = 1;
  #error: unknown;

  private constructor(batch: Batch, fill: (gaps: DigestGaps, digest: string) => void) {
    this.#batch = batch;
    this.#fill = fill;
  }

  /** Undefined where packages cannot be hashed together. `fill` is told of digests, in any order. */
  static start(algorithm: string, fill: (gaps: DigestGaps, digest: string) => void): PackageBatches | undefined {
    const lanes = algorithm === 'sha256' ? Sha256Lanes.start() : undefined;
    return lanes === undefined ? undefined : new PackageBatches(new Batch(lanes), fill);
  }

  /** Room for a package of `size` bytes, up to `batchLimit`, and one more; holds until the next call. */
  room(size: number): Buffer {
    if (!this.#batch.fits(size + 1)) this.run();
    const { bytes, at } = this.#batch;
    return bytes.subarray(at);
  }

  /** Takes the package of `size` bytes that was put where `room` said. */
  add(size: number, gaps: DigestGaps): void {
    this.#batch.add(size, gaps);
  }

  /** Begins to hash what is there. */
  run(): void {
    const batch = this.#batch;
    if (batch.isEmpty) return;
    batch.prepare();
    const lanes = this.#count < batchCount && this.#free.length === 0 ? Sha256Lanes.start() : undefined;
    if (lanes !== undefined) {
      this.#free.push(new Batch(lanes));
      this.#count++;
    }
    const next = this.#free.pop();
    if (next === undefined) {
      batch.runHere();
      batch.settle(this.#fill);
      return;
    }
    this.#batch = next;
    const running = this.#finish(batch).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #finish(batch: Batch): Promise<void> {
    try {
      await batch.run();
      batch.settle(this.#fill);
      this.#free.push(batch);
    } catch (error) {
      this.#error ??= error;
    }
  }

  /** Hashes the rest and waits until all are done. */
  async end(): Promise<void> {
    this.run();
    await this.stop();
    if (this.#error !== undefined) throw this.#error;
  }

  /** Waits for what runs. */
  async stop(): Promise<void> {
    await Promise.all(this.#running);
  }
}
