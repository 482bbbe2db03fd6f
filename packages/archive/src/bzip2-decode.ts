// bzip2: blocks of run-length coded, Burrows-Wheeler transformed, move-to-front and Huffman coded bytes.
import { CoppiceError } from '@coppice/base';
import { ChunkReader, type Chunks } from './chunks.ts';

const corrupt = (what: string): CoppiceError => new CoppiceError('Corrupt', `bzip2 data: ${what}`);

let crcTable: Uint32Array | undefined;

/** The table of bzip2's CRC-32 (most significant bit first). */
export function bzip2CrcTable(): Uint32Array {
  if (crcTable === undefined) {
    crcTable = new Uint32Array(256);
    for (let n = 0; n < 256; n++) {
      let c = n << 24;
      for (let k = 0; k < 8; k++) c = c & 0x80000000 ? (c << 1) ^ 0x04c11db7 : c << 1;
      crcTable[n] = c >>> 0;
    }
  }
  return crcTable;
}

class BitReader {
  readonly #reader: ChunkReader;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;
  #bits = 0;
  #count = 0;

  constructor(reader: ChunkReader) {
    this.#reader = reader;
  }

  #byte(): number {
    if (this.#at >= this.#chunk.length) {
      this.#chunk = this.#reader.some(65536);
      this.#at = 0;
      if (this.#chunk.length === 0) throw corrupt('unexpected end of file');
    }
    return this.#chunk[this.#at++]!;
  }

  /** Up to 24 bits. */
  bits(n: number): number {
    while (this.#count < n) {
      this.#bits = ((this.#bits << 8) | this.#byte()) >>> 0;
      this.#count += 8;
    }
    this.#count -= n;
    const out = (this.#bits >>> this.#count) & ((1 << n) - 1);
    this.#bits &= (1 << this.#count) - 1;
    return out;
  }

  word(): number {
    return ((this.bits(16) << 16) | this.bits(16)) >>> 0;
  }

  alignByte(): void {
    this.#count -= this.#count % 8;
    this.#bits &= (1 << this.#count) - 1;
  }

  atEnd(): boolean {
    return this.#count === 0 && this.#at >= this.#chunk.length && this.#reader.atEnd();
  }
}

interface Huffman {
  readonly limit: Int32Array;
  readonly base: Int32Array;
  readonly symbols: Uint16Array;
  readonly min: number;
}

function huffman(lengths: Uint8Array): Huffman {
  const counts = new Int32Array(22);
  let min = 20;
  for (const length of lengths) {
    counts[length]!++;
    if (length < min) min = length;
  }
  const symbols = new Uint16Array(lengths.length);
  let at = 0;
  for (let length = 1; length <= 20; length++)
    for (let s = 0; s < lengths.length; s++) if (lengths[s] === length) symbols[at++] = s;
  const limit = new Int32Array(22).fill(-1);
  const base = new Int32Array(22);
  let code = 0;
  let first = 0;
  for (let length = 1; length <= 20; length++) {
    base[length] = first - code;
    code += counts[length]!;
    first += counts[length]!;
    limit[length] = code - 1;
    code <<= 1;
  }
  return { limit, base, symbols, min };
}

function readSymbol(bits: BitReader, table: Huffman): number {
  let length = table.min;
  let code = bits.bits(length);
  while (code > table.limit[length]!) {
    if (++length > 20) throw corrupt('bad code');
    code = (code << 1) | bits.bits(1);
  }
  const symbol = table.symbols[code + table.base[length]!];
  if (symbol === undefined) throw corrupt('bad code');
  return symbol;
}

function readTables(bits: BitReader): { used: Uint8Array; selectors: Uint8Array; tables: Huffman[] } {
  const groups = bits.bits(16);
  const present: number[] = [];
  for (let i = 0; i < 16; i++) {
    if ((groups & (0x8000 >> i)) === 0) continue;
    const row = bits.bits(16);
    for (let j = 0; j < 16; j++) if (row & (0x8000 >> j)) present.push(i * 16 + j);
  }
  if (present.length === 0) throw corrupt('no symbols');
  const tableCount = bits.bits(3);
  const selectorCount = bits.bits(15);
  if (tableCount < 2 || tableCount > 6 || selectorCount < 1) throw corrupt('bad table count');
  const order = Array.from({ length: tableCount }, (_, i) => i);
  const selectors = new Uint8Array(selectorCount);
  for (let i = 0; i < selectorCount; i++) {
    let j = 0;
    while (bits.bits(1) === 1) if (++j >= tableCount) throw corrupt('bad selector');
    const chosen = order.splice(j, 1)[0]!;
    order.unshift(chosen);
    selectors[i] = chosen;
  }
  const tables: Huffman[] = [];
  for (let t = 0; t < tableCount; t++) {
    const lengths = new Uint8Array(present.length + 2);
    let length = bits.bits(5);
    for (let s = 0; s < lengths.length; s++) {
      for (;;) {
        if (length < 1 || length > 20) throw corrupt('bad code length');
        if (bits.bits(1) === 0) break;
        length += bits.bits(1) === 0 ? 1 : -1;
      }
      lengths[s] = length;
    }
    tables.push(huffman(lengths));
  }
  return { used: Uint8Array.from(present), selectors, tables };
}

/** Huffman and move-to-front: fills `block` with the BWT's last column; returns its length. */
function readBlock(bits: BitReader, block: Uint32Array, capacity: number): number {
  const { used, selectors, tables } = readTables(bits);
  const endOfBlock = used.length + 1;
  let count = 0;
  let run = 0;
  let runBit = 1;
  let group = -1;
  let leftInGroup = 0;
  let table = tables[0]!;
  for (;;) {
    if (leftInGroup === 0) {
      const selector = selectors[++group];
      if (selector === undefined) throw corrupt('selectors exhausted');
      table = tables[selector]!;
      leftInGroup = 50;
    }
    leftInGroup--;
    const symbol = readSymbol(bits, table);
    if (symbol <= 1) {
      run += runBit << symbol;
      runBit <<= 1;
      if (run > capacity) throw corrupt('run too long');
      continue;
    }
    if (run > 0) {
      if (count + run > capacity) throw corrupt('block too long');
      block.fill(used[0]!, count, count + run);
      count += run;
      run = 0;
      runBit = 1;
    }
    if (symbol === endOfBlock) return count;
    if (count >= capacity) throw corrupt('block too long');
    const value = used[symbol - 1]!;
    used.copyWithin(1, 0, symbol - 1);
    used[0] = value;
    block[count++] = value;
  }
}

/** Undoes the BWT and the first run-length coding. */
function* unwind(block: Uint32Array, count: number, origin: number, state: { crc: number }): Generator<Uint8Array> {
  const table = bzip2CrcTable();
  const starts = new Uint32Array(257);
  for (let i = 0; i < count; i++) starts[(block[i]! & 255) + 1]!++;
  for (let i = 0; i < 256; i++) starts[i + 1]! += starts[i]!;
  for (let i = 0; i < count; i++) {
    const at = starts[block[i]! & 255]!++;
    block[at] = (block[at]! | (i << 8)) >>> 0;
  }
  let pointer = block[origin]! >>> 8;
  const size = 65536;
  let out = new Uint8Array(size);
  let at = 0;
  let crc = 0xffffffff;
  let previous = -1;
  let same = 0;
  for (let i = 0; i < count; i++) {
    const entry = block[pointer]!;
    const byte = entry & 255;
    pointer = entry >>> 8;
    let repeat = 1;
    let value = byte;
    if (same === 4) {
      repeat = byte;
      value = previous;
      same = 0;
      previous = -1;
    } else if (byte === previous) same++;
    else {
      previous = byte;
      same = 1;
    }
    while (repeat-- > 0) {
      out[at++] = value;
      crc = ((crc << 8) ^ table[((crc >>> 24) ^ value) & 255]!) >>> 0;
      if (at === size) {
        yield out;
        out = new Uint8Array(size);
        at = 0;
      }
    }
  }
  if (at > 0) yield out.subarray(0, at);
  state.crc = ~crc >>> 0;
}

/** Decompresses bzip2 data, one or several streams. Throws `Corrupt`. */
export function* bunzip2Chunks(source: Chunks): Generator<Uint8Array> {
  const bits = new BitReader(new ChunkReader(source, 'bzip2 data'));
  let first = true;
  while (first || !bits.atEnd()) {
    if (bits.bits(16) !== 0x425a || bits.bits(8) !== 0x68) {
      if (first) throw corrupt('not in bzip2 format');
      return; // trailing garbage, ignored as bzip2 does
    }
    const level = bits.bits(8) - 0x30;
    if (level < 1 || level > 9) throw corrupt('bad block size');
    const capacity = level * 100_000;
    const block = new Uint32Array(capacity);
    let combined = 0;
    for (;;) {
      const magic = [bits.bits(24), bits.bits(24)];
      const crc = bits.word();
      if (magic[0] === 0x177245 && magic[1] === 0x385090) {
        if (crc !== combined) throw corrupt('stream checksum');
        break;
      }
      if (magic[0] !== 0x314159 || magic[1] !== 0x265359) throw corrupt('bad block header');
      if (bits.bits(1) === 1) throw new CoppiceError('Unsupported', 'bzip2 data: randomised blocks');
      const origin = bits.bits(24);
      const count = readBlock(bits, block, capacity);
      if (origin >= count) throw corrupt('bad origin');
      const state = { crc: 0 };
      yield* unwind(block, count, origin, state);
      if (state.crc !== crc) throw corrupt('block checksum');
      combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0;
    }
    bits.alignByte();
    first = false;
  }
}
