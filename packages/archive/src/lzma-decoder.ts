// The LZMA decoder core (LZMA SDK specification): range coder, literal, match and repeated-match models, over a
// sliding dictionary. `xz-decode.ts` feeds it LZMA2 chunks, `lzma-alone.ts` one unbounded stream.
import { CoppiceError } from '@coppice/base';
import type { ChunkReader } from './chunks.ts';
import type { Dictionary } from './lzma-dictionary.ts';

const corrupt = (what: string): CoppiceError => new CoppiceError('Corrupt', `lzma data: ${what}`);

const posStatesMax = 16;
const lenBase = 2 + posStatesMax * 16 + 256;
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
const repLenAt = lenAt + lenBase;
const literalAt = repLenAt + lenBase;

/** Bytes one symbol can consume at most, with room to spare: the decoder refills when fewer are at hand. */
const symbolBytes = 64;

export class LzmaDecoder {
  readonly #dict: Dictionary;
  #probs = new Uint16Array(0);
  #lc = 0;
  #lpMask = 0;
  #pbMask = 0;
  #state = 0;
  #rep0 = 0;
  #rep1 = 0;
  #rep2 = 0;
  #rep3 = 0;
  #range = 0;
  #code = 0;
  #pending = 0;
  #total = 0;
  #input: Uint8Array<ArrayBufferLike> = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #reader: ChunkReader | undefined;
  /** Set when an end marker was read. */
  ended = false;

  constructor(dict: Dictionary) {
    this.#dict = dict;
  }

  /** Sets lc, lp, pb from the properties byte and resets the state. */
  setProperties(byte: number): void {
    if (byte >= 9 * 5 * 5) throw corrupt('bad properties');
    const lc = byte % 9;
    const lp = Math.floor(byte / 9) % 5;
    const pb = Math.floor(byte / 45);
    this.#lc = lc;
    this.#lpMask = (1 << lp) - 1;
    this.#pbMask = (1 << pb) - 1;
    const size = literalAt + (0x300 << (lc + lp));
    if (this.#probs.length !== size) this.#probs = new Uint16Array(size);
    this.resetState();
  }

  resetState(): void {
    this.#probs.fill(1024);
    this.#state = 0;
    this.#rep0 = this.#rep1 = this.#rep2 = this.#rep3 = 0;
    this.#pending = 0;
  }

  /** Positions count from the last dictionary reset, over data that was not compressed too. */
  countFrom(position: number): void {
    this.#total = position;
  }

  /** Starts a range-coded run whose whole input is `input` (LZMA2). */
  startChunk(input: Uint8Array): void {
    // The decoder may look past the end of damaged input: pad with zeros, and check the position afterwards.
    const padded = new Uint8Array(input.length + symbolBytes);
    padded.set(input);
    this.#reader = undefined;
    this.#input = padded;
    this.#at = 0;
    this.#end = input.length;
    this.#startRange();
  }

  /** Starts a range-coded run of unknown length (LZMA alone). */
  startStream(reader: ChunkReader): void {
    this.#reader = reader;
    this.#input = new Uint8Array(65536 + symbolBytes);
    this.#at = 0;
    this.#end = 0;
    this.#refill();
    this.#startRange();
  }

  #startRange(): void {
    const input = this.#input;
    if (this.#end < 5 || input[0] !== 0) throw corrupt('bad range coder start');
    this.#code = ((input[1]! << 24) | (input[2]! << 16) | (input[3]! << 8) | input[4]!) >>> 0;
    this.#range = 0xffffffff;
    this.#at = 5;
  }

  #refill(): void {
    const input = this.#input;
    const left = this.#end - this.#at;
    input.copyWithin(0, this.#at, this.#end);
    const got = this.#reader!.readInto(input, left, 65536 - left);
    this.#at = 0;
    this.#end = left + got;
    input.fill(0, this.#end, this.#end + symbolBytes);
  }

  /** True when a chunk's input was used up exactly and the coder is in its final state. */
  get chunkDone(): boolean {
    return this.#at === this.#end && this.#code === 0 && this.#pending === 0;
  }

  get codeIsZero(): boolean {
    return this.#code === 0;
  }

  /** Decodes one bit outside the hot paths, through the fields. */
  #bit(index: number): number {
    const prob = this.#probs[index]!;
    const bound = (this.#range >>> 11) * prob;
    let out = 0;
    if (this.#code < bound) {
      this.#range = bound;
      this.#probs[index] = prob + ((2048 - prob) >> 5);
    } else {
      this.#range -= bound;
      this.#code -= bound;
      this.#probs[index] = prob - (prob >> 5);
      out = 1;
    }
    if (this.#range < 0x1000000) {
      this.#range = (this.#range << 8) >>> 0;
      this.#code = ((this.#code << 8) | this.#input[this.#at++]!) >>> 0;
    }
    return out;
  }

  /**
   * Which repeated match comes next, after `isRep` was read: 0 for a single byte at the last distance, else 1, with the
   * distances put in their new order.
   */
  #repeat(state: number, posState: number): number {
    if (this.#bit(isRepG0At + state) === 0) return this.#bit(isRep0LongAt + state * posStatesMax + posState);
    let distance: number;
    if (this.#bit(isRepG1At + state) === 0) distance = this.#rep1;
    else {
      if (this.#bit(isRepG2At + state) === 0) distance = this.#rep2;
      else {
        distance = this.#rep3;
        this.#rep3 = this.#rep2;
      }
      this.#rep2 = this.#rep1;
    }
    this.#rep1 = this.#rep0;
    this.#rep0 = distance;
    return 1;
  }

  /**
   * Decodes up to `limit` bytes into the dictionary (which must have that much room); returns the count. The range
   * decoder's step is written out wherever it is hot and all state is in locals: as functions it takes three times as long.
   */
  decode(limit: number): number {
    const dict = this.#dict.bytes;
    const dictLength = dict.length;
    const { full } = this.#dict;
    const start = this.#dict.position;
    const stop = start + limit;
    const probs = this.#probs;
    const lc = this.#lc;
    const lpMask = this.#lpMask;
    const pbMask = this.#pbMask;
    let position = start;
    let state = this.#state;
    let rep0 = this.#rep0;
    let range = this.#range;
    let code = this.#code;
    let at = this.#at;
    let input = this.#input;
    let end = this.#end;
    let total = this.#total;
    let pending = this.#pending;
    let index = 0;
    let prob = 0;
    let bound = 0;
    for (;;) {
      if (pending > 0) {
        let from = position - rep0 - 1;
        if (from < 0) from += dictLength;
        let n = Math.min(pending, stop - position);
        pending -= n;
        total += n;
        while (n-- > 0) {
          dict[position++] = dict[from++]!;
          if (from === dictLength) from = 0;
        }
      }
      if (position >= stop) break;
      if (end - at < symbolBytes) {
        if (this.#reader !== undefined) {
          this.#at = at;
          this.#refill();
          at = this.#at;
          end = this.#end;
          input = this.#input;
        }
        if (at > end) throw corrupt('unexpected end of input');
      }
      const posState = total & pbMask;
      let flag = 0;
      index = isMatchAt + state * posStatesMax + posState;
      prob = probs[index]!;
      bound = (range >>> 11) * prob;
      if (code < bound) {
        range = bound;
        probs[index] = prob + ((2048 - prob) >> 5);
        flag = 0;
      } else {
        range -= bound;
        code -= bound;
        probs[index] = prob - (prob >> 5);
        flag = 1;
      }
      if (range < 0x1000000) {
        range = (range << 8) >>> 0;
        code = ((code << 8) | input[at++]!) >>> 0;
      }
      if (flag === 0) {
        const previous = position > 0 ? dict[position - 1]! : full ? dict[dictLength - 1]! : 0;
        const literal = literalAt + 0x300 * (((total & lpMask) << lc) + (previous >> (8 - lc)));
        let symbol = 1;
        if (state >= 7) {
          let from = position - rep0 - 1;
          if (from < 0) from += dictLength;
          let match = dict[from]!;
          let matchBit = 0;
          do {
            matchBit = (match >> 7) & 1;
            match <<= 1;
            index = literal + ((1 + matchBit) << 8) + symbol;
            prob = probs[index]!;
            bound = (range >>> 11) * prob;
            if (code < bound) {
              range = bound;
              probs[index] = prob + ((2048 - prob) >> 5);
              symbol <<= 1;
            } else {
              range -= bound;
              code -= bound;
              probs[index] = prob - (prob >> 5);
              symbol = (symbol << 1) | 1;
            }
            if (range < 0x1000000) {
              range = (range << 8) >>> 0;
              code = ((code << 8) | input[at++]!) >>> 0;
            }
          } while (symbol < 0x100 && matchBit === (symbol & 1));
        }
        while (symbol < 0x100) {
          index = literal + symbol;
          prob = probs[index]!;
          bound = (range >>> 11) * prob;
          if (code < bound) {
            range = bound;
            probs[index] = prob + ((2048 - prob) >> 5);
            symbol <<= 1;
          } else {
            range -= bound;
            code -= bound;
            probs[index] = prob - (prob >> 5);
            symbol = (symbol << 1) | 1;
          }
          if (range < 0x1000000) {
            range = (range << 8) >>> 0;
            code = ((code << 8) | input[at++]!) >>> 0;
          }
        }
        dict[position++] = symbol;
        total++;
        state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
        continue;
      }
      index = isRepAt + state;
      prob = probs[index]!;
      bound = (range >>> 11) * prob;
      if (code < bound) {
        range = bound;
        probs[index] = prob + ((2048 - prob) >> 5);
        flag = 0;
      } else {
        range -= bound;
        code -= bound;
        probs[index] = prob - (prob >> 5);
        flag = 1;
      }
      if (range < 0x1000000) {
        range = (range << 8) >>> 0;
        code = ((code << 8) | input[at++]!) >>> 0;
      }
      let lengths = lenAt;
      if (flag === 1) {
        if (position === 0 && !full) throw corrupt('repeat before any data');
        this.#rep0 = rep0;
        this.#range = range;
        this.#code = code;
        this.#at = at;
        const long = this.#repeat(state, posState);
        rep0 = this.#rep0;
        range = this.#range;
        code = this.#code;
        at = this.#at;
        if (rep0 >= (full ? dictLength : position)) throw corrupt('distance beyond the dictionary');
        if (long === 0) {
          state = state < 7 ? 9 : 11;
          pending = 1;
          continue;
        }
        lengths = repLenAt;
      } else {
        this.#rep3 = this.#rep2;
        this.#rep2 = this.#rep1;
        this.#rep1 = rep0;
      }
      // The length: one of three trees.
      let tree = lengths + 2 + posState * 8;
      let top = 8;
      let base = 0;
      index = lengths;
      prob = probs[index]!;
      bound = (range >>> 11) * prob;
      if (code < bound) {
        range = bound;
        probs[index] = prob + ((2048 - prob) >> 5);
        flag = 0;
      } else {
        range -= bound;
        code -= bound;
        probs[index] = prob - (prob >> 5);
        flag = 1;
      }
      if (range < 0x1000000) {
        range = (range << 8) >>> 0;
        code = ((code << 8) | input[at++]!) >>> 0;
      }
      if (flag === 1) {
        index = lengths + 1;
        prob = probs[index]!;
        bound = (range >>> 11) * prob;
        if (code < bound) {
          range = bound;
          probs[index] = prob + ((2048 - prob) >> 5);
          tree += posStatesMax * 8;
          base = 8;
        } else {
          range -= bound;
          code -= bound;
          probs[index] = prob - (prob >> 5);
          tree = lengths + 2 + posStatesMax * 16;
          top = 256;
          base = 16;
        }
        if (range < 0x1000000) {
          range = (range << 8) >>> 0;
          code = ((code << 8) | input[at++]!) >>> 0;
        }
      }
      let node = 1;
      while (node < top) {
        index = tree + node;
        prob = probs[index]!;
        bound = (range >>> 11) * prob;
        if (code < bound) {
          range = bound;
          probs[index] = prob + ((2048 - prob) >> 5);
          node <<= 1;
        } else {
          range -= bound;
          code -= bound;
          probs[index] = prob - (prob >> 5);
          node = (node << 1) | 1;
        }
        if (range < 0x1000000) {
          range = (range << 8) >>> 0;
          code = ((code << 8) | input[at++]!) >>> 0;
        }
      }
      const len = base + node - top;
      if (lengths === repLenAt) state = state < 7 ? 8 : 11;
      else {
        state = state < 7 ? 7 : 10;
        tree = posSlotAt + Math.min(len, 3) * 64;
        node = 1;
        while (node < 64) {
          index = tree + node;
          prob = probs[index]!;
          bound = (range >>> 11) * prob;
          if (code < bound) {
            range = bound;
            probs[index] = prob + ((2048 - prob) >> 5);
            node <<= 1;
          } else {
            range -= bound;
            code -= bound;
            probs[index] = prob - (prob >> 5);
            node = (node << 1) | 1;
          }
          if (range < 0x1000000) {
            range = (range << 8) >>> 0;
            code = ((code << 8) | input[at++]!) >>> 0;
          }
        }
        const slot = node - 64;
        if (slot < 4) rep0 = slot;
        else {
          let bits = (slot >> 1) - 1;
          let distance = ((2 | (slot & 1)) << bits) >>> 0;
          if (slot < 14) tree = posDecodersAt + distance - slot;
          else {
            let high = 0;
            for (let i = bits - 4; i > 0; i--) {
              range >>>= 1;
              if (code >= range) {
                code -= range;
                high = (high << 1) | 1;
              } else high <<= 1;
              if (range < 0x1000000) {
                range = (range << 8) >>> 0;
                code = ((code << 8) | input[at++]!) >>> 0;
              }
            }
            distance = (distance + (high << 4)) >>> 0;
            tree = alignAt;
            bits = 4;
          }
          node = 1;
          let low = 0;
          for (let i = 0; i < bits; i++) {
            index = tree + node;
            prob = probs[index]!;
            bound = (range >>> 11) * prob;
            if (code < bound) {
              range = bound;
              probs[index] = prob + ((2048 - prob) >> 5);
              node <<= 1;
            } else {
              range -= bound;
              code -= bound;
              probs[index] = prob - (prob >> 5);
              node = (node << 1) | 1;
              low |= 1 << i;
            }
            if (range < 0x1000000) {
              range = (range << 8) >>> 0;
              code = ((code << 8) | input[at++]!) >>> 0;
            }
          }
          rep0 = (distance + low) >>> 0;
          if (rep0 === 0xffffffff) {
            this.ended = true;
            break;
          }
        }
        if (rep0 >= (full ? dictLength : position)) throw corrupt('distance beyond the dictionary');
      }
      pending = len + 2;
    }
    if (at > end) throw corrupt('unexpected end of input');
    this.#dict.position = position;
    this.#state = state;
    this.#rep0 = rep0;
    this.#range = range;
    this.#code = code;
    this.#at = at;
    this.#total = total;
    this.#pending = pending;
    return position - start;
  }
}
