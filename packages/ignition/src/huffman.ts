const maxBitsLimit = 16;
const never = 0x7fffffff;

interface Leaf {
  readonly literal: number;
  readonly freq: number;
}

/** A Huffman code with a limit on its lengths; ties fall as in Go's compress/flate. */
export class HuffmanCode {
  /** Bit-reversed codes, ready to be written low bit first. */
  readonly codes: Uint16Array;
  readonly lengths: Uint8Array;

  constructor(size: number) {
    this.codes = new Uint16Array(size);
    this.lengths = new Uint8Array(size);
  }

  /** Bits that symbols of these frequencies take. */
  bitLength(freq: Int32Array): number {
    let total = 0;
    for (let i = 0; i < freq.length; i++) if (freq[i] !== 0) total += freq[i]! * this.lengths[i]!;
    return total;
  }

  generate(freq: Int32Array, maxBits: number): void {
    const list: Leaf[] = [];
    for (let i = 0; i < freq.length; i++) {
      if (freq[i] !== 0) list.push({ literal: i, freq: freq[i]! });
      else this.lengths[i] = 0;
    }
    if (list.length <= 2) {
      list.forEach((leaf, i) => {
        this.codes[leaf.literal] = i;
        this.lengths[leaf.literal] = 1;
      });
      return;
    }
    list.sort((a, b) => a.freq - b.freq || a.literal - b.literal);
    this.#assign(bitCounts(list, maxBits), list);
  }

  #assign(counts: readonly number[], list: readonly Leaf[]): void {
    let code = 0;
    let end = list.length;
    for (const [length, count] of counts.entries()) {
      code <<= 1;
      if (length === 0 || count === 0) continue;
      const chunk = list.slice(end - count, end).sort((a, b) => a.literal - b.literal);
      for (const leaf of chunk) {
        this.codes[leaf.literal] = reverseBits(code, length);
        this.lengths[leaf.literal] = length;
        code++;
      }
      end -= count;
    }
  }
}

function reverseBits(value: number, length: number): number {
  let out = 0;
  for (let i = 0; i < length; i++) out |= ((value >> i) & 1) << (length - 1 - i);
  return out;
}

// The state of the boundary chains by level, and the leaves used on each level by chain; rows of `rowSize`.
const rowSize = maxBitsLimit + 2;
const lastFreq = new Int32Array(rowSize);
const nextCharFreq = new Int32Array(rowSize);
const nextPairFreq = new Int32Array(rowSize);
const needed = new Int32Array(rowSize);
const leafCounts = new Int32Array(rowSize * rowSize);

/** How many symbols get each code length: the package-merge of boundary chains (Katajainen, Moffat, Turpin 1995). */
function bitCounts(list: readonly Leaf[], limit: number): number[] {
  const n = list.length;
  const freqAt = (i: number): number => (i < n ? list[i]!.freq : never);
  const maxBits = Math.min(limit, n - 1);
  leafCounts.fill(0);
  for (let level = 0; level <= maxBits + 1; level++) {
    lastFreq[level] = freqAt(1);
    nextCharFreq[level] = freqAt(2);
    nextPairFreq[level] = level === 1 ? never : freqAt(0) + freqAt(1);
    needed[level] = 0;
    leafCounts[level * rowSize + level] = level === 0 ? 0 : 2;
  }
  needed[maxBits] = 2 * n - 4;
  let level = maxBits;
  for (;;) {
    if (nextPairFreq[level] === never && nextCharFreq[level] === never) {
      // Neither leaves nor pairs are left on this level; it is never come back to.
      needed[level] = 0;
      nextPairFreq[level + 1] = never;
      level++;
      continue;
    }
    const before = lastFreq[level]!;
    const row = level * rowSize;
    if (nextCharFreq[level]! < nextPairFreq[level]!) {
      const used = leafCounts[row + level]! + 1;
      lastFreq[level] = nextCharFreq[level]!;
      leafCounts[row + level] = used;
      nextCharFreq[level] = freqAt(used);
    } else {
      lastFreq[level] = nextPairFreq[level]!;
      leafCounts.copyWithin(row, row - rowSize, row - rowSize + level);
      needed[level - 1] = 2;
    }
    needed[level]!--;
    if (needed[level] === 0) {
      if (level === maxBits) break;
      nextPairFreq[level + 1] = before + lastFreq[level]!;
      level++;
    } else while (needed[level - 1]! > 0) level--;
  }
  const out = new Array<number>(maxBits + 1).fill(0);
  const row = maxBits * rowSize;
  for (let bits = 1, at = maxBits; at > 0; at--, bits++) out[bits] = leafCounts[row + at]! - leafCounts[row + at - 1]!;
  return out;
}

/** The literal/length code of fixed blocks. */
export const fixedLiterals = new HuffmanCode(288);
for (let ch = 0; ch < 288; ch++) {
  const [code, length] = ch < 144 ? [ch + 48, 8] : ch < 256 ? [ch + 256, 9] : ch < 280 ? [ch - 256, 7] : [ch - 88, 8];
  fixedLiterals.codes[ch] = reverseBits(code!, length!);
  fixedLiterals.lengths[ch] = length!;
}

/** The offset code of fixed blocks. */
export const fixedOffsets = new HuffmanCode(30);
for (let i = 0; i < 30; i++) {
  fixedOffsets.codes[i] = reverseBits(i, 5);
  fixedOffsets.lengths[i] = 5;
}
