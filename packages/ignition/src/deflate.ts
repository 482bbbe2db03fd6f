import { BlockWriter } from './deflate-block.ts';

// DEFLATE at level 9 with the decisions of Go's compress/flate: 4-byte hash chains, lazy matching, blocks of 16384 tokens.

const windowSize = 1 << 15;
const windowMask = windowSize - 1;
const minMatch = 4;
const maxMatch = 258;
const hashBits = 17;
const hashSize = 1 << hashBits;
const maxHashOffset = 1 << 24;
const maxTokens = 1 << 14;
const noBlock = 0x7fffffff;

// The parameters of level 9.
const goodLength = 32;
const lazyLength = 258;
const niceLength = 258;
const maxChain = 4096;

// A token is a literal byte, or a match with bit 30 set: length - 3 in bits 22 to 29, offset - 1 below.
export const matchFlag = 1 << 30;
export const lengthShift = 22;
export const offsetMask = (1 << lengthShift) - 1;

class Compressor {
  readonly #out = new BlockWriter();
  readonly #window = new Uint8Array(2 * windowSize);
  readonly #hashHead = new Uint32Array(hashSize);
  readonly #hashPrev = new Uint32Array(windowSize);
  readonly #tokens = new Int32Array(maxTokens + 1);
  #count = 0;
  #hashOffset = 1;
  #chainHead = -1;
  #index = 0;
  #windowEnd = 0;
  #blockStart = 0;
  #byteAvailable = false;
  #length = minMatch - 1;
  #offset = 0;
  #matchLength = 0;
  #matchOffset = 0;

  /** Compresses one input; entries of earlier inputs lie below the hash offset, where no search finds them. */
  run(bytes: Uint8Array): Uint8Array {
    this.#hashOffset += this.#index;
    if (this.#hashOffset > maxHashOffset) this.#rebase();
    this.#chainHead = -1;
    this.#index = 0;
    this.#windowEnd = 0;
    this.#blockStart = 0;
    this.#count = 0;
    this.#byteAvailable = false;
    this.#length = minMatch - 1;
    this.#offset = 0;
    for (let at = 0; at < bytes.length; ) {
      this.#step(false);
      at += this.#fill(bytes, at);
    }
    this.#step(true);
    this.#out.writeStoredHeader(0, true);
    return this.#out.finish();
  }

  #fill(bytes: Uint8Array, from: number): number {
    if (this.#index >= 2 * windowSize - (minMatch + maxMatch)) {
      this.#window.copyWithin(0, windowSize, 2 * windowSize);
      this.#index -= windowSize;
      this.#windowEnd -= windowSize;
      this.#blockStart = this.#blockStart >= windowSize ? this.#blockStart - windowSize : noBlock;
      this.#hashOffset += windowSize;
      if (this.#hashOffset > maxHashOffset) this.#rebase();
    }
    const n = Math.min(bytes.length - from, this.#window.length - this.#windowEnd);
    this.#window.set(bytes.subarray(from, from + n), this.#windowEnd);
    this.#windowEnd += n;
    return n;
  }

  #rebase(): void {
    const delta = this.#hashOffset - 1;
    this.#hashOffset -= delta;
    this.#chainHead -= delta;
    for (const table of [this.#hashPrev, this.#hashHead])
      for (let i = 0; i < table.length; i++) table[i] = table[i]! > delta ? table[i]! - delta : 0;
  }

  /** Enters the string at `index` into the hash chains. */
  #insert(index: number): void {
    const w = this.#window;
    const word = (w[index]! << 24) | (w[index + 1]! << 16) | (w[index + 2]! << 8) | w[index + 3]!;
    const hash = Math.imul(word, 0x1e35a7bd) >>> (32 - hashBits);
    this.#chainHead = this.#hashHead[hash]!;
    this.#hashPrev[index & windowMask] = this.#chainHead;
    this.#hashHead[hash] = index + this.#hashOffset;
  }

  #flush(index: number): void {
    if (index > 0) {
      const input = this.#blockStart <= index ? this.#window.subarray(this.#blockStart, index) : undefined;
      this.#blockStart = index;
      this.#out.writeBlock(this.#tokens, this.#count, input);
    }
    this.#count = 0;
  }

  /** Searches a longer match than three bytes; its length and offset are left in the fields. */
  #findMatch(pos: number, prevHead: number, lookahead: number): boolean {
    const w = this.#window;
    const limit = Math.min(maxMatch, lookahead);
    const nice = Math.min(limit, niceLength);
    let tries = maxChain;
    let length = minMatch - 1;
    if (length >= goodLength) tries >>= 2;
    let offset = 0;
    let found = false;
    let endByte = w[pos + length]!;
    const minIndex = pos - windowSize;
    for (let i = prevHead; tries > 0; tries--) {
      if (endByte === w[i + length]) {
        let n = 0;
        while (n < limit && w[i + n] === w[pos + n]) n++;
        if (n > length && (n > minMatch || pos - i <= 4096)) {
          length = n;
          offset = pos - i;
          found = true;
          if (n >= nice) break;
          endByte = w[pos + n]!;
        }
      }
      if (i === minIndex) break;
      i = this.#hashPrev[i & windowMask]! - this.#hashOffset;
      if (i < minIndex || i < 0) break;
    }
    this.#matchLength = length;
    this.#matchOffset = offset;
    return found;
  }

  /** Turns the window into tokens, all of it when `sync`. */
  #step(sync: boolean): void {
    if (this.#windowEnd - this.#index < minMatch + maxMatch && !sync) return;
    const maxInsert = this.#windowEnd - (minMatch - 1);
    for (;;) {
      const lookahead = this.#windowEnd - this.#index;
      if (lookahead < minMatch + maxMatch) {
        if (!sync) return;
        if (lookahead === 0) {
          if (this.#byteAvailable) {
            this.#tokens[this.#count++] = this.#window[this.#index - 1]!;
            this.#byteAvailable = false;
          }
          if (this.#count > 0) this.#flush(this.#index);
          return;
        }
      }
      if (this.#index < maxInsert) this.#insert(this.#index);
      const prevLength = this.#length;
      const prevOffset = this.#offset;
      this.#length = minMatch - 1;
      this.#offset = 0;
      const minIndex = Math.max(0, this.#index - windowSize);
      const head = this.#chainHead - this.#hashOffset;
      if (
        head >= minIndex &&
        lookahead > prevLength &&
        prevLength < lazyLength &&
        this.#findMatch(this.#index, head, lookahead)
      ) {
        this.#length = this.#matchLength;
        this.#offset = this.#matchOffset;
      }
      if (prevLength >= minMatch && this.#length <= prevLength) {
        this.#tokens[this.#count++] = matchFlag | ((prevLength - 3) << lengthShift) | (prevOffset - 1);
        const next = this.#index + prevLength - 1;
        for (this.#index++; this.#index < next; this.#index++) {
          // The chain head stays that of the last step, as in the original.
          const keep = this.#chainHead;
          if (this.#index < maxInsert) this.#insert(this.#index);
          this.#chainHead = keep;
        }
        this.#byteAvailable = false;
        this.#length = minMatch - 1;
        if (this.#count === maxTokens) this.#flush(this.#index);
      } else {
        if (this.#byteAvailable) {
          this.#tokens[this.#count++] = this.#window[this.#index - 1]!;
          if (this.#count === maxTokens) this.#flush(this.#index);
        }
        this.#index++;
        this.#byteAvailable = true;
      }
    }
  }
}

// Its tables take most of a megabyte, so one is kept for all inputs.
let compressor: Compressor | undefined;

/** The raw DEFLATE stream of `bytes`. */
export function deflateBest(bytes: Uint8Array): Uint8Array {
  compressor ??= new Compressor();
  return compressor.run(bytes);
}
