/**
 * Arrays that are used again for one text after the other: left to the garbage collector they pile up far above what one
 * text needs. A result is valid until the next call with the same memory.
 */
export class SortMemory {
  readonly #levels: { words: Int32Array[]; bytes: Uint8Array }[] = [];

  #level(depth: number): { words: Int32Array[]; bytes: Uint8Array } {
    let level = this.#levels[depth];
    if (level === undefined) {
      level = { words: [], bytes: new Uint8Array(0) };
      this.#levels[depth] = level;
    }
    return level;
  }

  /** Not cleared. */
  words(depth: number, which: number, length: number): Int32Array {
    const { words } = this.#level(depth);
    let array = words[which];
    if (array === undefined || array.length < length) {
      array = new Int32Array(Math.ceil(length * 1.1));
      words[which] = array;
    }
    return array.subarray(0, length);
  }

  /** Zeros. */
  bytes(depth: number, length: number): Uint8Array {
    const level = this.#level(depth);
    if (level.bytes.length < length) level.bytes = new Uint8Array(Math.ceil(length * 1.1));
    else level.bytes.fill(0, 0, length);
    return level.bytes.subarray(0, length);
  }
}

/**
 * Suffix array by induced sorting (Nong, Zhang, Chan 2009), linear in time. `text` holds values 0..upper; the result lists
 * the starts of all suffixes in order.
 */
export function suffixArray(
  text: Uint8Array | Int32Array,
  upper = 255,
  memory = new SortMemory(),
  depth = 0,
): Int32Array {
  const n = text.length;
  if (n === 0) return new Int32Array(0);
  if (n === 1) return Int32Array.of(0);
  if (n === 2) return text[0]! < text[1]! ? Int32Array.of(0, 1) : Int32Array.of(1, 0);
  const sa = memory.words(depth, 0, n);
  // 1 where a suffix is smaller than the one after it.
  const isS = memory.bytes(depth, n);
  for (let i = n - 2; i >= 0; i--) isS[i] = text[i] === text[i + 1] ? isS[i + 1]! : text[i]! < text[i + 1]! ? 1 : 0;
  const sumL = new Int32Array(upper + 2);
  const sumS = new Int32Array(upper + 2);
  for (let i = 0; i < n; i++) {
    if (isS[i] === 0) sumS[text[i]!]!++;
    else sumL[text[i]! + 1]!++;
  }
  for (let i = 0; i <= upper; i++) {
    sumS[i]! += sumL[i]!;
    if (i < upper) sumL[i + 1]! += sumS[i]!;
  }
  const buckets = new Int32Array(upper + 2);
  const induce = (lms: Int32Array): void => {
    sa.fill(-1);
    buckets.set(sumS);
    for (let i = 0; i < lms.length; i++) {
      const d = lms[i]!;
      sa[buckets[text[d]!]!++] = d;
    }
    buckets.set(sumL);
    sa[buckets[text[n - 1]!]!++] = n - 1;
    for (let i = 0; i < n; i++) {
      const v = sa[i]!;
      if (v >= 1 && isS[v - 1] === 0) sa[buckets[text[v - 1]!]!++] = v - 1;
    }
    buckets.set(sumL);
    for (let i = n - 1; i >= 0; i--) {
      const v = sa[i]!;
      if (v >= 1 && isS[v - 1] === 1) sa[--buckets[text[v - 1]! + 1]!] = v - 1;
    }
  };
  let m = 0;
  for (let i = 1; i < n; i++) if (isS[i - 1] === 0 && isS[i] === 1) m++;
  const lms = memory.words(depth, 1, m);
  const lmsIndex = memory.words(depth, 2, n + 1).fill(-1);
  for (let i = 1, at = 0; i < n; i++) {
    if (isS[i - 1] === 0 && isS[i] === 1) {
      lmsIndex[i] = at;
      lms[at++] = i;
    }
  }
  induce(lms);
  if (m === 0) return sa;
  const sorted = memory.words(depth, 3, m);
  for (let i = 0, at = 0; i < n; i++) if (lmsIndex[sa[i]!]! >= 0) sorted[at++] = sa[i]!;
  const names = memory.words(depth, 4, m).fill(0);
  let name = 0;
  for (let i = 1; i < m; i++) {
    if (!sameLms(text, lms, lmsIndex, sorted[i - 1]!, sorted[i]!)) name++;
    names[lmsIndex[sorted[i]!]!] = name;
  }
  const order = suffixArray(names, name, memory, depth + 1);
  for (let i = 0; i < m; i++) sorted[i] = lms[order[i]!]!;
  induce(sorted);
  return sa;
}

/** Whether the LMS substrings at two places are equal. */
function sameLms(text: Uint8Array | Int32Array, lms: Int32Array, index: Int32Array, a: number, b: number): boolean {
  const n = text.length;
  const m = lms.length;
  const ia = index[a]!;
  const ib = index[b]!;
  const endA = ia + 1 < m ? lms[ia + 1]! : n;
  const endB = ib + 1 < m ? lms[ib + 1]! : n;
  if (endA - a !== endB - b) return false;
  let l = a;
  let r = b;
  while (l < endA && text[l] === text[r]) {
    l++;
    r++;
  }
  return l === endA && l < n && r < n && text[l] === text[r];
}
