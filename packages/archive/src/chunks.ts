import { CoppiceError } from '@coppice/base';

/** A byte source: any iterable of chunks. Chunks may be of any size; a consumer is done with one before it asks for the next. */
export type Chunks = Iterable<Uint8Array>;

/** Reads exact lengths from a byte source without ever holding more than one chunk and the piece asked for. */
export class ChunkReader {
  readonly #next: Iterator<Uint8Array>;
  readonly #what: string;
  readonly #truncated: string | undefined;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;
  #position = 0;

  /** `what` names the stream in errors, e.g. `cpio archive`; `truncated` is the whole message for one that ends early. */
  constructor(source: Chunks, what: string, truncated?: string) {
    this.#next = source[Symbol.iterator]();
    this.#what = what;
    this.#truncated = truncated;
  }

  /** Bytes consumed so far. */
  get position(): number {
    return this.#position;
  }

  #fill(): boolean {
    while (this.#at >= this.#chunk.length) {
      const step = this.#next.next();
      if (step.done) return false;
      this.#chunk = step.value;
      this.#at = 0;
    }
    return true;
  }

  /** True when nothing is left. */
  atEnd(): boolean {
    return !this.#fill();
  }

  /** Up to `max` bytes of what is at hand (a view, valid until the next call); empty at the end. */
  some(max: number): Uint8Array {
    if (max <= 0 || !this.#fill()) return new Uint8Array(0);
    const view = this.#chunk.subarray(this.#at, Math.min(this.#chunk.length, this.#at + max));
    this.#at += view.length;
    this.#position += view.length;
    return view;
  }

  /** As many bytes as fit in `target` from `offset`; returns the count, less than asked only at the end. */
  readInto(target: Uint8Array, offset: number, length: number): number {
    let got = 0;
    while (got < length) {
      const piece = this.some(length - got);
      if (piece.length === 0) break;
      target.set(piece, offset + got);
      got += piece.length;
    }
    return got;
  }

  /** As `take`, in memory of its own: what is kept beyond the next call (`Buffer.slice` would be a view again). */
  takeCopy(length: number): Uint8Array {
    const out = new Uint8Array(length);
    if (this.readInto(out, 0, length) < length) throw this.truncated();
    return out;
  }

  /** Exactly `length` bytes (perhaps a view); throws `Corrupt` when the stream ends before. The caller bounds `length`. */
  take(length: number): Uint8Array {
    if (length === 0) return new Uint8Array(0);
    if (this.#fill() && this.#chunk.length - this.#at >= length) return this.some(length);
    const out = new Uint8Array(length);
    if (this.readInto(out, 0, length) < length) throw this.truncated();
    return out;
  }

  /** Skips exactly `length` bytes; throws `Corrupt` when the stream ends before. */
  skip(length: number): void {
    let left = length;
    while (left > 0) {
      const piece = this.some(left);
      if (piece.length === 0) throw this.truncated();
      left -= piece.length;
    }
  }

  /** The next `length` bytes in pieces; throws `Corrupt` when the stream ends before. */
  *pieces(length: number): Generator<Uint8Array> {
    let left = length;
    while (left > 0) {
      const piece = this.some(left);
      if (piece.length === 0) throw this.truncated();
      left -= piece.length;
      yield piece;
    }
  }

  /** All that is left. */
  *rest(): Generator<Uint8Array> {
    for (;;) {
      const piece = this.some(1 << 20);
      if (piece.length === 0) return;
      yield piece;
    }
  }

  /** Peeks at up to `length` bytes without consuming them. */
  peek(length: number): Uint8Array {
    if (!this.#fill()) return new Uint8Array(0);
    while (this.#chunk.length - this.#at < length) {
      const step = this.#next.next();
      if (step.done) break;
      const joined = new Uint8Array(this.#chunk.length - this.#at + step.value.length);
      joined.set(this.#chunk.subarray(this.#at));
      joined.set(step.value, this.#chunk.length - this.#at);
      this.#chunk = joined;
      this.#at = 0;
    }
    return this.#chunk.subarray(this.#at, Math.min(this.#chunk.length, this.#at + length));
  }

  /** The error for a stream that stops too early. */
  truncated(): CoppiceError {
    return new CoppiceError('Corrupt', this.#truncated ?? `${this.#what}: unexpected end at byte ${this.#position}`);
  }
}

/** All bytes of a source in one array; throws `Limit` above `limit`. */
export function collectBytes(source: Chunks, limit: number, what = 'data'): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (const piece of source) {
    size += piece.length;
    if (size > limit) throw new CoppiceError('Limit', `${what} is larger than ${limit} bytes`);
    parts.push(new Uint8Array(piece));
  }
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
