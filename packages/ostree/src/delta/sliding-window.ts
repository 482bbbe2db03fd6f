import { CoppiceError } from '@coppice/base';

const none: Iterator<Uint8Array> = [][Symbol.iterator]();

/**
 * A window over bytes that come in pieces; it only moves forward. Its memory is used again, also for the next file: left to
 * the garbage collector it would pile up.
 */
export class SlidingWindow {
  #pieces = none;
  #size = 0;
  #buffer = Buffer.alloc(0);
  /** Place of the buffer's first byte, and of the end of what it holds. */
  #start = 0;
  #end = 0;
  /** What the last piece had more than fitted. */
  #rest: Uint8Array = new Uint8Array(0);

  /** Takes other bytes, from their start. */
  begin(pieces: Iterable<Uint8Array>, size: number): void {
    this.#pieces = pieces[Symbol.iterator]();
    this.#size = size;
    this.#start = 0;
    this.#end = 0;
    this.#rest = this.#rest.subarray(0, 0);
  }

  /** Bytes `from` up to `to`; they are valid until the next call. */
  move(from: number, to: number): Buffer {
    const end = Math.min(to, this.#size);
    const keep = Math.max(this.#start, Math.min(from, this.#end));
    if (this.#buffer.length < end - keep) {
      const larger = Buffer.allocUnsafeSlow(end - keep + ((end - keep) >> 2));
      larger.set(this.#buffer.subarray(keep - this.#start, this.#end - this.#start));
      this.#buffer = larger;
    } else this.#buffer.copyWithin(0, keep - this.#start, this.#end - this.#start);
    this.#start = keep;
    while (this.#end < end) {
      if (this.#rest.length === 0) this.#rest = this.#more();
      const piece = this.#rest.subarray(0, end - this.#end);
      this.#rest = this.#rest.subarray(piece.length);
      this.#buffer.set(piece, this.#end - this.#start);
      this.#end += piece.length;
    }
    return this.#buffer.subarray(from - this.#start, end - this.#start);
  }

  #more(): Uint8Array {
    const { value, done } = this.#pieces.next();
    if (done === true) throw new CoppiceError('Corrupt', 'A file ends before its size');
    return value;
  }

  /** Lets go of the source. */
  close(): void {
    this.#pieces.return?.();
    this.#pieces = none;
  }
}
