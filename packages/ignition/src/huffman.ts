const maxBitsLimit = 16;
const never = 0x7fffffff;

interface Leaf {
  readonly literal: number;
  readonly freq: number;
}

interface Level {
  lastFreq: number;
  nextCharFreq: number;
  nextPairFreq: number;
  needed: number;
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

/** How many symbols get each code length: the package-merge of boundary chains (Katajainen, Moffat, Turpin 1995). */
function bitCounts(list: readonly Leaf[], limit: number): number[] {
  const n = list.length;
  const freqAt = (i: number): number => list[i]?.freq ?? never;
  const maxBits = Math.min(limit, n - 1);
  const levels: Level[] = [];
  const leafCounts: Int32Array[] = [];
  for (let level = 0; level <= maxBits + 1; level++) {
    levels.push({
      lastFreq: freqAt(1),
      nextCharFreq: freqAt(2),
      nextPairFreq: level === 1 ? never : freqAt(0) + freqAt(1),
      needed: 0,
    });
    const counts = new Int32Array(maxBitsLimit + 1);
    counts[level] = level === 0 ? 0 : 2;
    leafCounts.push(counts);
  }
  levels[maxBits]!.needed = 2 * n - 4;
  let level = maxBits;
  for (;;) {
    const l = levels[level]!;
    if (l.nextPairFreq === never && l.nextCharFreq === never) {
      // Neither leaves nor pairs are left on this level; it is never come back to.
      l.needed = 0;
      levels[level + 1]!.nextPairFreq = never;
      level++;
      continue;
    }
    const prevFreq = l.lastFreq;
    const counts = leafCounts[level]!;
    if (l.nextCharFreq < l.nextPairFreq) {
      const used = counts[level]! + 1;
      l.lastFreq = l.nextCharFreq;
      counts[level] = used;
      l.nextCharFreq = freqAt(used);
    } else {
      l.lastFreq = l.nextPairFreq;
      counts.set(leafCounts[level - 1]!.subarray(0, level));
      levels[level - 1]!.needed = 2;
    }
    l.needed--;
    if (l.needed === 0) {
      if (level === maxBits) break;
      levels[level + 1]!.nextPairFreq = prevFreq + l.lastFreq;
      level++;
    } else while (levels[level - 1]!.needed > 0) level--;
  }
  const out = new Array<number>(maxBits + 1).fill(0);
  const counts = leafCounts[maxBits]!;
  for (let bits = 1, at = maxBits; at > 0; at--, bits++) out[bits] = counts[at]! - counts[at - 1]!;
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
