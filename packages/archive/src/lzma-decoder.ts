// The LZMA decoder core (LZMA SDK specification): range coder, literal, match and repeated-match models, over a
// sliding dictionary. `xz-decode.ts` feeds it LZMA2 chunks, `lzma-alone.ts` one unbounded stream.
import { CoppiceError } from '@coppice/base';
import type { ChunkReader } from './chunks.ts';

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

/** Sliding dictionary that is also the output: grows up to its declared size, `flush` hands out what is new. */
export class Dictionary {
  bytes: Uint8Array;
  position = 0;
  /** Whether the window has wrapped at least once (all of it is valid history). */
  full = false;
  readonly size: number;
  #flushed = 0;

  constructor(size: number) {
    this.size = Math.max(size, 4096);
    this.bytes = new Uint8Array(Math.min(this.size, 1 << 18));
  }

  /** Makes room: after this `position < bytes.length`. Call only when everything is flushed. */
  room(): void {
    if (this.position < this.bytes.length) return;
    if (this.bytes.length < this.size) {
      const grown = new Uint8Array(Math.min(this.size, this.bytes.length * 4));
      grown.set(this.bytes);
      this.bytes = grown;
      return;
    }
    this.position = 0;
    this.#flushed = 0;
    this.full = true;
  }

  /** Copies out what was written since the last flush. */
  flush(): Uint8Array {
    const out = this.bytes.slice(this.#flushed, this.position);
    this.#flushed = this.position;
    return out;
  }

  reset(): void {
    this.position = 0;
    this.#flushed = 0;
    this.full = false;
  }

  put(piece: Uint8Array): void {
    this.bytes.set(piece, this.position);
    this.position += piece.length;
  }
}

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

  /** Decodes up to `limit` bytes into the dictionary (which must have that much room); returns the count. */
  decode(limit: number): number {
    const dict = this.#dict.bytes;
    const dictLength = dict.length;
    const start = this.#dict.position;
    const stop = start + limit;
    const history = (): number => (this.#dict.full ? dictLength : position);
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
    let prob = 0;
    let bound = 0;

    const bit = (index: number): number => {
      prob = probs[index]!;
      bound = (range >>> 11) * prob;
      let out: number;
      if (code < bound) {
        range = bound;
        probs[index] = prob + ((2048 - prob) >> 5);
        out = 0;
      } else {
        range -= bound;
        code -= bound;
        probs[index] = prob - (prob >> 5);
        out = 1;
      }
      if (range < 0x1000000) {
        range = (range << 8) >>> 0;
        code = ((code << 8) | input[at++]!) >>> 0;
      }
      return out;
    };
    const tree = (base: number, bits: number): number => {
      let m = 1;
      for (let i = 0; i < bits; i++) m = (m << 1) | bit(base + m);
      return m - (1 << bits);
    };
    const reverseTree = (base: number, bits: number): number => {
      let m = 1;
      let out = 0;
      for (let i = 0; i < bits; i++) {
        const b = bit(base + m);
        m = (m << 1) | b;
        out |= b << i;
      }
      return out;
    };
    const length = (base: number, posState: number): number => {
      if (bit(base) === 0) return tree(base + 2 + posState * 8, 3);
      if (bit(base + 1) === 0) return 8 + tree(base + 2 + posStatesMax * 8 + posState * 8, 3);
      return 16 + tree(base + 2 + posStatesMax * 16, 8);
    };

    let pending = this.#pending;
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
      if (bit(isMatchAt + state * posStatesMax + posState) === 0) {
        const previous = position > 0 ? dict[position - 1]! : this.#dict.full ? dict[dictLength - 1]! : 0;
        const literal = literalAt + 0x300 * (((total & lpMask) << lc) + (previous >> (8 - lc)));
        let symbol = 1;
        if (state >= 7) {
          let from = position - rep0 - 1;
          if (from < 0) from += dictLength;
          let match = dict[from]!;
          do {
            const matchBit = (match >> 7) & 1;
            match <<= 1;
            const b = bit(literal + ((1 + matchBit) << 8) + symbol);
            symbol = (symbol << 1) | b;
            if (matchBit !== b) break;
          } while (symbol < 0x100);
        }
        while (symbol < 0x100) {
          // `bit`, written out: this is where the time goes.
          const index = literal + symbol;
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
      let len: number;
      if (bit(isRepAt + state) !== 0) {
        if (history() === 0) throw corrupt('repeat before any data');
        if (bit(isRepG0At + state) === 0) {
          if (bit(isRep0LongAt + state * posStatesMax + posState) === 0) {
            state = state < 7 ? 9 : 11;
            if (rep0 >= history()) throw corrupt('distance beyond the dictionary');
            pending = 1;
            continue;
          }
        } else {
          let distance: number;
          if (bit(isRepG1At + state) === 0) distance = this.#rep1;
          else {
            if (bit(isRepG2At + state) === 0) distance = this.#rep2;
            else {
              distance = this.#rep3;
              this.#rep3 = this.#rep2;
            }
            this.#rep2 = this.#rep1;
          }
          this.#rep1 = rep0;
          rep0 = distance;
        }
        len = length(repLenAt, posState);
        state = state < 7 ? 8 : 11;
      } else {
        this.#rep3 = this.#rep2;
        this.#rep2 = this.#rep1;
        this.#rep1 = rep0;
        len = length(lenAt, posState);
        state = state < 7 ? 7 : 10;
        const slot = tree(posSlotAt + Math.min(len, 3) * 64, 6);
        if (slot < 4) rep0 = slot;
        else {
          const direct = (slot >> 1) - 1;
          let distance = (2 | (slot & 1)) << direct;
          if (slot < 14) distance += reverseTree(posDecodersAt + distance - slot, direct);
          else {
            let high = 0;
            for (let i = 0; i < direct - 4; i++) {
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
            distance = (distance + (high << 4) + reverseTree(alignAt, 4)) >>> 0;
          }
          rep0 = distance >>> 0;
          if (rep0 === 0xffffffff) {
            this.ended = true;
            break;
          }
        }
      }
      if (rep0 >= history()) throw corrupt('distance beyond the dictionary');
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
