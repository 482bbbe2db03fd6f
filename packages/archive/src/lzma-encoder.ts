// An LZMA encoder: hash-chain match finder with lazy matching, the adaptive models of the LZMA specification. It gives
// most of what `xz -3` gives; any decoder reads it. `xz-encode.ts` cuts its output into LZMA2 chunks.

const posStatesMax = 16;
const minMatch = 2;
const maxMatch = 273;

/** Adaptive binary range encoder over a growing buffer. */
class RangeEncoder {
  bytes = new Uint8Array(1 << 16);
  length = 0;
  #low = 0;
  #range = 0xffffffff;
  #cache = 0;
  #cacheSize = 1;

  reset(): void {
    this.length = 0;
    this.#low = 0;
    this.#range = 0xffffffff;
    this.#cache = 0;
    this.#cacheSize = 1;
  }

  /** Bytes the output has at least once flushed. */
  get pendingLength(): number {
    return this.length + this.#cacheSize + 4;
  }

  #shiftLow(): void {
    // `low` is kept as a double below 2^33: the carry is its 33rd bit.
    if (this.#low < 0xff000000 || this.#low >= 0x100000000) {
      const carry = this.#low >= 0x100000000 ? 1 : 0;
      let value = this.#cache;
      do {
        if (this.length === this.bytes.length) {
          const grown = new Uint8Array(this.bytes.length * 2);
          grown.set(this.bytes);
          this.bytes = grown;
        }
        this.bytes[this.length++] = (value + carry) & 0xff;
        value = 0xff;
      } while (--this.#cacheSize > 0);
      this.#cache = Math.floor(this.#low / 0x1000000) & 0xff;
    }
    this.#cacheSize++;
    this.#low = (this.#low % 0x1000000) * 256;
  }

  encode(probs: Uint16Array, index: number, bit: number): void {
    const prob = probs[index]!;
    const bound = (this.#range >>> 11) * prob;
    if (bit === 0) {
      this.#range = bound;
      probs[index] = prob + ((2048 - prob) >> 5);
    } else {
      this.#low += bound;
      this.#range -= bound;
      probs[index] = prob - (prob >> 5);
    }
    if (this.#range < 0x1000000) {
      this.#range = (this.#range << 8) >>> 0;
      this.#shiftLow();
    }
  }

  direct(value: number, bits: number): void {
    for (let i = bits - 1; i >= 0; i--) {
      this.#range >>>= 1;
      if ((value >>> i) & 1) this.#low += this.#range;
      if (this.#range < 0x1000000) {
        this.#range = (this.#range << 8) >>> 0;
        this.#shiftLow();
      }
    }
  }

  flush(): void {
    for (let i = 0; i < 5; i++) this.#shiftLow();
  }
}

const lenSize = 2 + posStatesMax * 16 + 256;
const isMatchAt = 0;
const isRepAt = isMatchAt + 12 * posStatesMax;
const isRepG0At = isRepAt + 12;
const isRepG1At = isRepG0At + 12;
const isRepG2At = isRepG1At + 12;
const isRep0LongAt = isRepG2At + 12;
const posSlotAt = isRep0LongAt + 12 * posStatesMax;
const posDecodersAt = posSlotAt + 4 * 64;
const alignAt = posDecodersAt + 128;
const lenAt = alignAt + 16;
const repLenAt = lenAt + lenSize;
const literalAt = repLenAt + lenSize;

export const encoderLc = 3;
export const encoderPb = 2;
/** The properties byte of what this encoder makes: lc 3, lp 0, pb 2. */
export const encoderProperties: number = (encoderPb * 5 + 0) * 9 + encoderLc;
const posMask = (1 << encoderPb) - 1;

export interface MatchEffort {
  /** Candidates looked at per position. */
  readonly depth: number;
  /** A match this long is taken without looking further. */
  readonly nice: number;
}

/** Encodes one block held in memory; positions index `data`. */
export class LzmaEncoder {
  readonly range = new RangeEncoder();
  readonly #data: Uint8Array;
  readonly #length: number;
  readonly #effort: MatchEffort;
  readonly #probs = new Uint16Array(literalAt + (0x300 << encoderLc));
  readonly #head: Int32Array;
  readonly #previous: Int32Array;
  readonly #shift: number;
  /** Positions entered into the hash chains so far. */
  #hashed = 0;
  #state = 0;
  readonly #reps = [0, 0, 0, 0];
  position = 0;
  #bestDistance = 0;

  constructor(data: Uint8Array, length: number, effort: MatchEffort) {
    this.#data = data;
    this.#length = length;
    this.#effort = effort;
    const bits = Math.min(20, Math.max(12, Math.ceil(Math.log2(length + 1))));
    this.#shift = 32 - bits;
    this.#head = new Int32Array(1 << bits).fill(-1);
    this.#previous = new Int32Array(length);
    this.resetState();
  }

  get done(): boolean {
    return this.position >= this.#length;
  }

  /** State reset as LZMA2 and the start of a stream have it. */
  resetState(): void {
    this.#probs.fill(1024);
    this.#state = 0;
    this.#reps.fill(0);
  }

  #hash(at: number): number {
    const d = this.#data;
    const value = d[at]! | (d[at + 1]! << 8) | (d[at + 2]! << 16);
    return Math.imul(value, 0x9e3779b1) >>> this.#shift;
  }

  #enter(until: number): void {
    const last = Math.min(until, this.#length - 3);
    for (; this.#hashed < last; this.#hashed++) {
      const h = this.#hash(this.#hashed);
      this.#previous[this.#hashed] = this.#head[h]!;
      this.#head[h] = this.#hashed;
    }
  }

  #matchLength(a: number, b: number, limit: number): number {
    const d = this.#data;
    let n = 0;
    while (n < limit && d[a + n] === d[b + n]) n++;
    return n;
  }

  /** Longest match at `at`; its distance (0 for the byte before) goes to `#bestDistance`. */
  #find(at: number): number {
    const limit = Math.min(maxMatch, this.#length - at);
    if (limit < 3) return 0;
    this.#enter(at + 1);
    let best = minMatch;
    let candidate = this.#previous[at]!;
    const d = this.#data;
    for (let depth = this.#effort.depth; candidate >= 0 && depth > 0; depth--) {
      if (d[candidate + best] === d[at + best]) {
        const n = this.#matchLength(candidate, at, limit);
        // A short match far away costs more than its literals.
        if (n > best && !(n === 3 && at - candidate > 1 << 12) && !(n === 4 && at - candidate > 1 << 19)) {
          best = n;
          this.#bestDistance = at - candidate - 1;
          if (n >= this.#effort.nice || n === limit) break;
        }
      }
      candidate = this.#previous[candidate]!;
    }
    return best > minMatch ? best : 0;
  }

  /** Longest of the four repeated distances; index in the result's low bits. */
  #findRep(at: number): number {
    const limit = Math.min(maxMatch, this.#length - at);
    let best = 0;
    let index = 0;
    for (let i = 0; i < 4; i++) {
      const from = at - this.#reps[i]! - 1;
      if (from < 0) continue;
      const n = this.#matchLength(from, at, limit);
      if (n > best) {
        best = n;
        index = i;
      }
    }
    return best >= minMatch ? best * 4 + index : 0;
  }

  #literal(): void {
    const { range } = this;
    const probs = this.#probs;
    const at = this.position;
    const d = this.#data;
    range.encode(probs, isMatchAt + this.#state * posStatesMax + (at & posMask), 0);
    const previous = at > 0 ? d[at - 1]! : 0;
    const base = literalAt + 0x300 * (previous >> (8 - encoderLc));
    const byte = d[at]!;
    let symbol = 1;
    let i = 7;
    if (this.#state >= 7) {
      let match = d[at - this.#reps[0]! - 1]!;
      for (; i >= 0; i--) {
        const matchBit = (match >> 7) & 1;
        match <<= 1;
        const bit = (byte >> i) & 1;
        range.encode(probs, base + ((1 + matchBit) << 8) + symbol, bit);
        symbol = (symbol << 1) | bit;
        if (matchBit !== bit) {
          i--;
          break;
        }
      }
    }
    for (; i >= 0; i--) {
      const bit = (byte >> i) & 1;
      range.encode(probs, base + symbol, bit);
      symbol = (symbol << 1) | bit;
    }
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
    this.position++;
  }

  #tree(base: number, bits: number, value: number): void {
    let m = 1;
    for (let i = bits - 1; i >= 0; i--) {
      const bit = (value >> i) & 1;
      this.range.encode(this.#probs, base + m, bit);
      m = (m << 1) | bit;
    }
  }

  #reverseTree(base: number, bits: number, value: number): void {
    let m = 1;
    for (let i = 0; i < bits; i++) {
      const bit = (value >> i) & 1;
      this.range.encode(this.#probs, base + m, bit);
      m = (m << 1) | bit;
    }
  }

  #lengthCode(base: number, length: number, posState: number): void {
    const probs = this.#probs;
    const value = length - minMatch;
    if (value < 8) {
      this.range.encode(probs, base, 0);
      this.#tree(base + 2 + posState * 8, 3, value);
    } else if (value < 16) {
      this.range.encode(probs, base, 1);
      this.range.encode(probs, base + 1, 0);
      this.#tree(base + 2 + posStatesMax * 8 + posState * 8, 3, value - 8);
    } else {
      this.range.encode(probs, base, 1);
      this.range.encode(probs, base + 1, 1);
      this.#tree(base + 2 + posStatesMax * 16, 8, value - 16);
    }
  }

  #match(length: number, distance: number): void {
    const { range } = this;
    const probs = this.#probs;
    const posState = this.position & posMask;
    range.encode(probs, isMatchAt + this.#state * posStatesMax + posState, 1);
    range.encode(probs, isRepAt + this.#state, 0);
    this.#lengthCode(lenAt, length, posState);
    this.#state = this.#state < 7 ? 7 : 10;
    let slot = distance;
    if (distance >= 4) {
      const top = 31 - Math.clz32(distance);
      slot = top * 2 + ((distance >>> (top - 1)) & 1);
    }
    this.#tree(posSlotAt + Math.min(length - minMatch, 3) * 64, 6, slot);
    if (slot >= 4) {
      const bits = (slot >> 1) - 1;
      const base = (2 | (slot & 1)) << bits;
      const rest = distance - base;
      if (slot < 14) this.#reverseTree(posDecodersAt + base - slot, bits, rest);
      else {
        range.direct(rest >>> 4, bits - 4);
        this.#reverseTree(alignAt, 4, rest & 15);
      }
    }
    this.#reps.pop();
    this.#reps.unshift(distance);
    this.position += length;
  }

  #rep(length: number, index: number): void {
    const { range } = this;
    const probs = this.#probs;
    const posState = this.position & posMask;
    const state = this.#state;
    range.encode(probs, isMatchAt + state * posStatesMax + posState, 1);
    range.encode(probs, isRepAt + state, 1);
    if (index === 0) {
      range.encode(probs, isRepG0At + state, 0);
      range.encode(probs, isRep0LongAt + state * posStatesMax + posState, length === 1 ? 0 : 1);
    } else {
      range.encode(probs, isRepG0At + state, 1);
      range.encode(probs, isRepG1At + state, index === 1 ? 0 : 1);
      if (index > 1) range.encode(probs, isRepG2At + state, index - 2);
      const distance = this.#reps.splice(index, 1)[0]!;
      this.#reps.unshift(distance);
    }
    if (length === 1) this.#state = state < 7 ? 9 : 11;
    else {
      this.#lengthCode(repLenAt, length, posState);
      this.#state = state < 7 ? 8 : 11;
    }
    this.position += length;
  }

  /** Encodes the next symbol: a literal, a match or a repeated match. */
  step(): void {
    const at = this.position;
    if (at === 0) {
      this.#literal();
      this.#enter(1);
      return;
    }
    const rep = this.#findRep(at);
    const repLength = rep >> 2;
    if (repLength >= this.#effort.nice) {
      this.#rep(repLength, rep & 3);
      this.#enter(this.position);
      return;
    }
    const length = this.#find(at);
    const distance = this.#bestDistance;
    if (
      repLength >= 2 &&
      (repLength + 1 >= length ||
        (repLength + 2 >= length && distance > 1 << 9) ||
        (repLength + 3 >= length && distance > 1 << 15))
    ) {
      this.#rep(repLength, rep & 3);
    } else if (length >= 3) {
      // Lazy: a longer match one byte on is worth a literal.
      if (length < this.#effort.nice && at + 1 < this.#length) {
        const next = this.#find(at + 1);
        if (next > length + (this.#bestDistance >> 7 > distance ? 1 : 0)) {
          this.#literal();
          return;
        }
      }
      this.#match(length, distance);
    } else {
      const d = this.#data;
      // One byte equal to the one at the last distance is cheaper than a literal after a match.
      if (this.#state >= 7 && d[at] === d[at - this.#reps[0]! - 1]) this.#rep(1, 0);
      else this.#literal();
    }
    this.#enter(this.position);
  }

  /** The end-of-stream marker of the `.lzma` format. */
  endMarker(): void {
    const posState = this.position & posMask;
    this.range.encode(this.#probs, isMatchAt + this.#state * posStatesMax + posState, 1);
    this.range.encode(this.#probs, isRepAt + this.#state, 0);
    this.#lengthCode(lenAt, minMatch, posState);
    this.#tree(posSlotAt, 6, 63);
    this.range.direct(0x3ffffff, 26);
    this.#reverseTree(alignAt, 4, 15);
  }
}
