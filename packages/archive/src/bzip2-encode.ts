// Writing bzip2: run-length coding, Burrows-Wheeler transform by prefix doubling, move-to-front, one Huffman code per block.
import { bzip2CrcTable } from './bzip2-decode.ts';
import type { Chunks } from './chunks.ts';

class BitWriter {
  bytes = new Uint8Array(1 << 16);
  length = 0;
  #bits = 0;
  #count = 0;

  put(value: number, n: number): void {
    if (n > 16) {
      this.put(value >>> 16, n - 16);
      this.put(value & 0xffff, 16);
      return;
    }
    // At most 7 bits wait, so 23 are in use.
    this.#bits = ((this.#bits << n) | value) & 0x7fffff;
    this.#count += n;
    while (this.#count >= 8) {
      this.#count -= 8;
      if (this.length === this.bytes.length) {
        const grown = new Uint8Array(this.bytes.length * 2);
        grown.set(this.bytes);
        this.bytes = grown;
      }
      this.bytes[this.length++] = (this.#bits >>> this.#count) & 255;
    }
  }

  take(): Uint8Array {
    const out = this.bytes.slice(0, this.length);
    this.length = 0;
    return out;
  }

  align(): void {
    if (this.#count > 0) this.put(0, 8 - this.#count);
  }
}

/** Sorted rotations of `block[0, n)`: prefix doubling with counting sort. */
function sortRotations(block: Uint8Array, n: number): Int32Array {
  const order = new Int32Array(n);
  const next = new Int32Array(n);
  let rank = new Int32Array(n);
  let newRank = new Int32Array(n);
  const counts = new Int32Array(Math.max(256, n) + 1);
  for (let i = 0; i < n; i++) counts[block[i]! + 1]!++;
  for (let i = 0; i < 256; i++) counts[i + 1]! += counts[i]!;
  for (let i = 0; i < n; i++) order[counts[block[i]!]!++] = i;
  let classes = 0;
  for (let i = 0; i < n; i++) {
    if (i > 0 && block[order[i]!] !== block[order[i - 1]!]) classes++;
    rank[order[i]!] = classes;
  }
  for (let width = 1; classes < n - 1 && width < n; width *= 2) {
    for (let i = 0; i < n; i++) {
      const start = order[i]! - width;
      next[i] = start < 0 ? start + n : start;
    }
    counts.fill(0, 0, classes + 2);
    for (let i = 0; i < n; i++) counts[rank[i]! + 1]!++;
    for (let i = 0; i <= classes; i++) counts[i + 1]! += counts[i]!;
    for (let i = 0; i < n; i++) order[counts[rank[next[i]!]!]!++] = next[i]!;
    classes = 0;
    newRank[order[0]!] = 0;
    for (let i = 1; i < n; i++) {
      const a = order[i]!;
      const b = order[i - 1]!;
      const aNext = rank[a + width < n ? a + width : a + width - n];
      const bNext = rank[b + width < n ? b + width : b + width - n];
      if (rank[a] !== rank[b] || aNext !== bNext) classes++;
      newRank[a] = classes;
    }
    [rank, newRank] = [newRank, rank];
  }
  return order;
}

/** Code lengths of at most 17 bits for `frequencies` (all positive). */
function codeLengths(frequencies: Uint32Array): Uint8Array {
  let weights = Array.from(frequencies);
  for (;;) {
    const lengths = huffmanLengths(weights);
    if (Math.max(...lengths) <= 17) return lengths;
    weights = weights.map((w) => (w >> 1) + 1);
  }
}

function huffmanLengths(weights: readonly number[]): Uint8Array {
  const leaves = weights.map((weight, symbol) => ({ weight, symbol })).sort((a, b) => a.weight - b.weight);
  // Two queues: leaves in order, and inner nodes, which come into being in order.
  const parent: number[] = [];
  const inner: { weight: number; id: number }[] = [];
  const n = weights.length;
  let leafAt = 0;
  let innerAt = 0;
  const take = (): { weight: number; id: number } => {
    const leaf = leaves[leafAt];
    const node = inner[innerAt];
    if (node === undefined || (leaf !== undefined && leaf.weight <= node.weight)) {
      leafAt++;
      return { weight: leaf!.weight, id: leaf!.symbol };
    }
    innerAt++;
    return node;
  };
  for (let id = n; id < 2 * n - 1; id++) {
    const a = take();
    const b = take();
    parent[a.id] = id;
    parent[b.id] = id;
    inner.push({ weight: a.weight + b.weight, id });
  }
  const depth = new Int32Array(2 * n - 1);
  for (let id = 2 * n - 3; id >= 0; id--) depth[id] = depth[parent[id]!]! + 1;
  return Uint8Array.from(depth.subarray(0, n), (d) => Math.max(1, d));
}

function writeBlock(out: BitWriter, block: Uint8Array, n: number, crc: number): void {
  const order = sortRotations(block, n);
  const used = new Uint8Array(256);
  for (let i = 0; i < n; i++) used[block[i]!] = 1;
  const present: number[] = [];
  for (let i = 0; i < 256; i++) if (used[i]) present.push(i);
  const list = Uint8Array.from(present);
  const endOfBlock = present.length + 1;
  const symbols = new Uint16Array(n + 32 + 1);
  const frequencies = new Uint32Array(present.length + 2).fill(1);
  let count = 0;
  const put = (symbol: number): void => {
    symbols[count++] = symbol;
    frequencies[symbol]!++;
  };
  let run = 0;
  const flushRun = (): void => {
    while (run > 0) {
      const bit = (run - 1) & 1;
      put(bit);
      run = (run - 1 - bit) / 2;
    }
  };
  let origin = 0;
  for (let i = 0; i < n; i++) {
    const at = order[i]!;
    if (at === 0) origin = i;
    const byte = block[at === 0 ? n - 1 : at - 1]!;
    let position = 0;
    while (list[position] !== byte) position++;
    if (position === 0) {
      run++;
      continue;
    }
    flushRun();
    list.copyWithin(1, 0, position);
    list[0] = byte;
    put(position + 1);
  }
  flushRun();
  put(endOfBlock);
  out.put(0x314159, 24);
  out.put(0x265359, 24);
  out.put(crc, 32);
  out.put(0, 1);
  out.put(origin, 24);
  let groups = 0;
  for (let i = 0; i < 16; i++) if (used.subarray(i * 16, i * 16 + 16).some((u) => u === 1)) groups |= 0x8000 >> i;
  out.put(groups, 16);
  for (let i = 0; i < 16; i++) {
    if ((groups & (0x8000 >> i)) === 0) continue;
    let row = 0;
    for (let j = 0; j < 16; j++) if (used[i * 16 + j]) row |= 0x8000 >> j;
    out.put(row, 16);
  }
  // The format wants two tables at least; both are the same and the first is always chosen.
  const selectors = Math.ceil(count / 50);
  out.put(2, 3);
  out.put(selectors, 15);
  for (let i = 0; i < selectors; i++) out.put(0, 1);
  const lengths = codeLengths(frequencies);
  for (let table = 0; table < 2; table++) {
    let current = lengths[0]!;
    out.put(current, 5);
    for (const length of lengths) {
      for (; current < length; current++) out.put(2, 2);
      for (; current > length; current--) out.put(3, 2);
      out.put(0, 1);
    }
  }
  const codes = new Uint32Array(lengths.length);
  let code = 0;
  for (let length = 1; length <= 17; length++) {
    for (let s = 0; s < lengths.length; s++) if (lengths[s] === length) codes[s] = code++;
    code <<= 1;
  }
  for (let i = 0; i < count; i++) out.put(codes[symbols[i]!]!, lengths[symbols[i]!]!);
}

/** Compresses into one bzip2 stream; `level` 1-9 is the block size in 100,000 bytes. */
export function* bzip2Chunks(source: Chunks, level = 9): Generator<Uint8Array> {
  const table = bzip2CrcTable();
  const capacity = level * 100_000 - 20;
  const block = new Uint8Array(capacity + 8);
  const out = new BitWriter();
  out.put(0x425a, 16);
  out.put(0x68, 8);
  out.put(0x30 + level, 8);
  let n = 0;
  let crc = 0xffffffff;
  let combined = 0;
  let previous = -1;
  let same = 0;
  const flushSame = (): void => {
    const head = Math.min(same, 4);
    for (let i = 0; i < head; i++) block[n++] = previous;
    if (same >= 4) block[n++] = same - 4;
    same = 0;
  };
  const finish = (): void => {
    flushSame();
    previous = -1;
    if (n === 0) return;
    const sum = ~crc >>> 0;
    combined = (((combined << 1) | (combined >>> 31)) ^ sum) >>> 0;
    writeBlock(out, block, n, sum);
    n = 0;
    crc = 0xffffffff;
  };
  for (const chunk of source) {
    for (const byte of chunk) {
      if (byte !== previous || same === 255) {
        flushSame();
        if (n >= capacity) {
          finish();
          yield out.take();
        }
        previous = byte;
      }
      same++;
      crc = ((crc << 8) ^ table[((crc >>> 24) ^ byte) & 255]!) >>> 0;
    }
  }
  finish();
  out.put(0x177245, 24);
  out.put(0x385090, 24);
  out.put(combined, 32);
  out.align();
  yield out.take();
}
