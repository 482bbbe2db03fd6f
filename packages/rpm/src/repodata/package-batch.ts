// Packages that are read whole, several before they are hashed: a processor with instructions for SHA-256 hashes two in the
// time of one. Handing them to another thread would take longer than that.
import { padSha256, Sha256Lanes, sha256Lanes, sha256Padding } from '@coppice/linux';
import type { DigestGaps } from './header-xml.ts';

/** Room for packages that wait: what fits into a processor's cache. */
const batchSize = 256 * 1024;
/** Larger packages are not put there. */
export const batchLimit: number = batchSize - sha256Padding - 1;

interface Entry {
  readonly at: number;
  /** With padding. */
  readonly length: number;
  readonly gaps: DigestGaps;
}

export class PackageBatch {
  readonly #lanes: Sha256Lanes;
  readonly #fill: (gaps: DigestGaps, digest: string) => void;
  readonly #bytes = Buffer.allocUnsafeSlow(batchSize);
  readonly #address: number;
  #entries: Entry[] = [];
  #at = 0;

  private constructor(lanes: Sha256Lanes, fill: (gaps: DigestGaps, digest: string) => void) {
    this.#lanes = lanes;
    this.#fill = fill;
    this.#address = lanes.addressOf(this.#bytes);
  }

  /** Undefined where packages cannot be hashed together. `fill` is told of their digests, in any order. */
  static start(algorithm: string, fill: (gaps: DigestGaps, digest: string) => void): PackageBatch | undefined {
    const lanes = algorithm === 'sha256' ? Sha256Lanes.start() : undefined;
    return lanes === undefined ? undefined : new PackageBatch(lanes, fill);
  }

  /** Room for a package of `size` bytes, up to `batchLimit`, and one more; holds until the next call. */
  room(size: number): Buffer {
    const isFull = this.#entries.length === sha256Lanes || this.#at + size + sha256Padding >= batchSize;
    if (isFull) this.hash();
    return this.#bytes.subarray(this.#at);
  }

  /** Takes the package of `size` bytes that was put where `room` said. */
  add(size: number, gaps: DigestGaps): void {
    const end = padSha256(this.#bytes, this.#at + size, size);
    this.#entries.push({ at: this.#at, length: end - this.#at, gaps });
    this.#at = end;
  }

  /** Hashes what is there. */
  hash(): void {
    const entries = this.#entries;
    if (entries.length === 0) return;
    // Those of about one length beside each other.
    entries.sort((a, b) => b.length - a.length);
    for (let lane = 0; lane < sha256Lanes; lane++) {
      const entry = entries[lane];
      this.#lanes.begin(lane);
      this.#lanes.take(lane, this.#address + (entry?.at ?? 0), entry?.length ?? 0);
    }
    this.#lanes.runHere();
    for (const [lane, { gaps }] of entries.entries()) this.#fill(gaps, this.#lanes.hex(lane));
    this.#entries = [];
    this.#at = 0;
  }
}
