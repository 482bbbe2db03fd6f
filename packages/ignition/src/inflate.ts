// DEFLATE (RFC 1951) and gzip (RFC 1952) reading, bounded, without Node: for looking into configs, wherever that happens.

const lengthBase = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const codegenOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

class InflateFault extends Error {}

/** A canonical Huffman code: symbols by length, and how many there are of each length. */
interface Code {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

function makeCode(lengths: ArrayLike<number>): Code {
  const counts = new Uint16Array(16);
  for (let i = 0; i < lengths.length; i++) counts[lengths[i]!]!++;
  counts[0] = 0;
  const offsets = new Uint16Array(16);
  for (let n = 1; n < 15; n++) offsets[n + 1] = offsets[n]! + counts[n]!;
  const symbols = new Uint16Array(lengths.length);
  for (let i = 0; i < lengths.length; i++) if (lengths[i] !== 0) symbols[offsets[lengths[i]!]!++] = i;
  return { counts, symbols };
}

class Inflater {
  readonly #in: Uint8Array;
  readonly #limit: number;
  #at: number;
  #bits = 0;
  #bitCount = 0;
  #out = new Uint8Array(4096);
  #size = 0;

  constructor(bytes: Uint8Array, at: number, limit: number) {
    this.#in = bytes;
    this.#at = at;
    this.#limit = limit;
  }

  /** The contents, and where the stream ended. */
  run(): { readonly bytes: Uint8Array; readonly end: number } {
    for (let last = 0; last === 0; ) {
      last = this.#take(1);
      const kind = this.#take(2);
      if (kind === 0) this.#stored();
      else if (kind === 1) this.#block(fixedLiterals, fixedDistances);
      else if (kind === 2) this.#dynamic();
      else throw new InflateFault('unknown block');
    }
    return { bytes: this.#out.subarray(0, this.#size), end: this.#at };
  }

  #take(count: number): number {
    while (this.#bitCount < count) {
      if (this.#at >= this.#in.length) throw new InflateFault('cut off');
      this.#bits |= this.#in[this.#at++]! << this.#bitCount;
      this.#bitCount += 8;
    }
    const value = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return value;
  }

  #push(byte: number): void {
    if (this.#size === this.#limit) throw new InflateFault('too large');
    if (this.#size === this.#out.length) {
      const grown = new Uint8Array(Math.min(this.#limit, this.#out.length * 2));
      grown.set(this.#out);
      this.#out = grown;
    }
    this.#out[this.#size++] = byte;
  }

  #symbol(code: Code): number {
    let value = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= 15; length++) {
      value |= this.#take(1);
      const count = code.counts[length]!;
      if (value - first < count) return code.symbols[index + value - first]!;
      index += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    throw new InflateFault('broken code');
  }

  #stored(): void {
    this.#bits = 0;
    this.#bitCount = 0;
    const length = this.#take(16);
    if ((this.#take(16) ^ 0xffff) !== length) throw new InflateFault('broken stored block');
    for (let i = 0; i < length; i++) this.#push(this.#take(8));
  }

  #dynamic(): void {
    const literals = this.#take(5) + 257;
    const distances = this.#take(5) + 1;
    const codegens = this.#take(4) + 4;
    const order = new Uint8Array(19);
    for (let i = 0; i < codegens; i++) order[codegenOrder[i]!] = this.#take(3);
    const code = makeCode(order);
    const lengths = new Uint8Array(literals + distances);
    for (let i = 0; i < lengths.length; ) {
      const symbol = this.#symbol(code);
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) throw new InflateFault('nothing to repeat');
      const value = symbol === 16 ? lengths[i - 1]! : 0;
      let count = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
      if (i + count > lengths.length) throw new InflateFault('too many lengths');
      while (count-- > 0) lengths[i++] = value;
    }
    this.#block(makeCode(lengths.subarray(0, literals)), makeCode(lengths.subarray(literals)));
  }

  #block(literals: Code, distances: Code): void {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol < 256) {
        this.#push(symbol);
        continue;
      }
      if (symbol === 256) return;
      const base = lengthBase[symbol - 257];
      if (base === undefined) throw new InflateFault('broken length');
      const length = base + this.#take(lengthExtra[symbol - 257]!);
      const d = this.#symbol(distances);
      if (d > 29) throw new InflateFault('broken distance');
      const extra = d < 4 ? 0 : (d >> 1) - 1;
      const distance = (d < 4 ? d : (2 + (d & 1)) << extra) + 1 + this.#take(extra);
      if (distance > this.#size) throw new InflateFault('distance too far back');
      for (let i = 0; i < length; i++) this.#push(this.#out[this.#size - distance]!);
    }
  }
}

const fixedLiterals = makeCode(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)));
const fixedDistances = makeCode(new Array(30).fill(5));

/** The contents of a gzip file (all its members); undefined when it is broken or holds more than `limit` bytes. */
export function gunzip(bytes: Uint8Array, limit = 64 << 20): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (let at = 0; at < bytes.length; ) {
      const { bytes: part, end } = new Inflater(bytes, headerEnd(bytes, at), limit - size).run();
      parts.push(part);
      size += part.length;
      at = end + 8;
      if (at > bytes.length) return undefined;
    }
  } catch (error) {
    if (error instanceof InflateFault) return undefined;
    throw error;
  }
  if (parts.length === 0) return undefined;
  const out = new Uint8Array(size);
  let to = 0;
  for (const part of parts) {
    out.set(part, to);
    to += part.length;
  }
  return out;
}

function headerEnd(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== 0x1f || bytes[start + 1] !== 0x8b || bytes[start + 2] !== 8) throw new InflateFault('no gzip');
  const flags = bytes[start + 3]!;
  let at = start + 10;
  if (flags & 4) at += 2 + (bytes[at] ?? 0) + ((bytes[at + 1] ?? 0) << 8);
  for (const flag of [8, 16])
    if (flags & flag) {
      while (at < bytes.length && bytes[at] !== 0) at++;
      at++;
    }
  return flags & 2 ? at + 2 : at;
}
