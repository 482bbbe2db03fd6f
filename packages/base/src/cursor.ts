import { CoppiceError } from './error.ts';

/** Reads numbers and byte runs from untrusted bytes; every read is bounds-checked and throws `Corrupt` with the offset. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  offset: number;

  /** `what` names the thing being read in errors, e.g. `RPM header`. */
  constructor(bytes: Uint8Array, what: string, offset = 0) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    this.offset = offset;
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  #take(n: number): number {
    if (!Number.isSafeInteger(n) || n < 0 || n > this.remaining) {
      throw new CoppiceError(
        'Corrupt',
        `${this.#what}: truncated at byte ${this.offset} (needs ${n}, has ${this.remaining})`,
      );
    }
    const at = this.offset;
    this.offset += n;
    return at;
  }

  u8(): number {
    return this.bytes[this.#take(1)]!;
  }
  u16be(): number {
    return this.#view.getUint16(this.#take(2));
  }
  u16le(): number {
    return this.#view.getUint16(this.#take(2), true);
  }
  u32be(): number {
    return this.#view.getUint32(this.#take(4));
  }
  u32le(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  u64be(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }
  u64le(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** A view (not a copy) of the next `n` bytes. */
  take(n: number): Uint8Array {
    const at = this.#take(n);
    return this.bytes.subarray(at, at + n);
  }

  skip(n: number): void {
    this.#take(n);
  }

  /** Moves forward to the next multiple of `alignment`, counted from `base`. */
  align(alignment: number, base = 0): void {
    const rest = (this.offset - base) % alignment;
    if (rest !== 0) this.#take(alignment - rest);
  }

  /** Bytes up to the next NUL, which is consumed but not returned. */
  cstring(): Uint8Array {
    const end = this.bytes.indexOf(0, this.offset);
    if (end < 0) throw new CoppiceError('Corrupt', `${this.#what}: unterminated string at byte ${this.offset}`);
    const out = this.bytes.subarray(this.offset, end);
    this.offset = end + 1;
    return out;
  }
}
