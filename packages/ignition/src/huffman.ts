const maxBitsLimit = 16;
const never = 0x7fffffff;

// Symbols that occur, each as one number: how often above, which one below, so that sorting the numbers sorts by both.
const symbolBits = 9;
const symbolMask = (1 << symbolBits) - 1;
const packed = new Int32Array(1 << symbolBits);

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
    let n = 0;
    for (let i = 0; i < freq.length; i++) {
      if (freq[i] !== 0) packed[n++] = (freq[i]! << symbolBits) | i;
      else this.lengths[i] = 0;
    }
    const list = packed.subarray(0, n);
    if (n <= 2) {
      for (let i = 0; i < n; i++) {
        this.codes[list[i]! & symbolMask] = i;
        this.lengths[list[i]! & symbolMask] = 1;
      }
      return;
    }
    list.sort();
    const maxLength = bitCounts(list, maxBits);
    let code = 0;
    let end = n;
    for (let length = 1; length <= maxLength; length++) {
      const count = bitCount[length]!;
      for (let k = end - count; k < end; k++) this.lengths[list[k]! & symbolMask] = length;
      end -= count;
      code <<= 1;
      nextCode[length] = code;
      code += count;
    }
    for (let i = 0; i < freq.length; i++) {
      const length = this.lengths[i]!;
      if (length !== 0) this.codes[i] = reverseBits(nextCode[length]!++, length);
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
/** The result: symbols by length. */
const bitCount = new Int32Array(rowSize);
const nextCode = new Int32Array(rowSize);

/** Finds how many symbols get each code length, and returns the greatest: the package-merge of boundary chains (Katajainen, Moffat, Turpin 1995). */
function bitCounts(list: Int32Array, limit: number): number {
  const n = list.length;
  const freqAt = (i: number): number => (i < n ? list[i]! >> symbolBits : never);
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
  const row = maxBits * rowSize;
  for (let bits = 1, at = maxBits; at > 0; at--, bits++)
    bitCount[bits] = leafCounts[row + at]! - leafCounts[row + at - 1]!;
  return maxBits;
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
