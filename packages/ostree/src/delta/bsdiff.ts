import { type SortMemory, suffixArray } from './suffix-array.ts';

/** Control triple: sign-magnitude, little-endian. */
function writeOffset(out: Buffer, at: number, value: number): void {
  const magnitude = Math.abs(value);
  out.writeUInt32LE(magnitude % 2 ** 32, at);
  out.writeUInt32LE((Math.floor(magnitude / 2 ** 32) | (value < 0 ? 0x80000000 : 0)) >>> 0, at + 4);
}

/**
 * The difference of two files as bsdiff makes it (Percival 2003; control triples with diff and extra bytes in between, no
 * header, not compressed). Give the pieces to a compressor; `bspatch` undoes it. With `memory`, one call after the other
 * uses the same arrays.
 */
export function bsdiff(old: Uint8Array, fresh: Uint8Array, memory?: SortMemory): Buffer {
  const index = suffixArray(old, 255, memory);
  const oldSize = old.length;
  const newSize = fresh.length;
  const parts: Buffer[] = [];
  let scan = 0;
  let length = 0;
  let position = 0;
  let lastScan = 0;
  let lastPosition = 0;
  let lastOffset = 0;

  // Longest match of fresh[at..] among the suffixes of old; sets `position`, gives the length.
  const search = (at: number): number => {
    if (oldSize === 0) return 0;
    let low = 0;
    let high = oldSize - 1;
    // Bytes known to match at either end: comparisons start behind them.
    let lowMatch = matchAt(index[low]!, at, 0);
    let highMatch = matchAt(index[high]!, at, 0);
    while (high - low >= 2) {
      const middle = (low + high) >>> 1;
      const from = index[middle]!;
      const known = Math.min(lowMatch, highMatch);
      const n = matchAt(from, at, known);
      const smaller = from + n >= oldSize || (at + n < newSize && old[from + n]! < fresh[at + n]!);
      if (smaller) {
        low = middle;
        lowMatch = n;
      } else {
        high = middle;
        highMatch = n;
      }
    }
    if (lowMatch > highMatch) {
      position = index[low]!;
      return lowMatch;
    }
    position = index[high]!;
    return highMatch;
  };
  const matchAt = (from: number, at: number, known: number): number => {
    const most = Math.min(oldSize - from, newSize - at);
    let n = known;
    while (n < most && old[from + n] === fresh[at + n]) n++;
    return Math.min(n, most);
  };

  while (scan < newSize) {
    let oldScore = 0;
    scan += length;
    for (let scored = scan; scan < newSize; scan++) {
      length = search(scan);
      for (; scored < scan + length; scored++) {
        const at = scored + lastOffset;
        if (at >= 0 && at < oldSize && old[at] === fresh[scored]) oldScore++;
      }
      if ((length === oldScore && length !== 0) || length > oldScore + 8) break;
      const at = scan + lastOffset;
      if (at >= 0 && at < oldSize && old[at] === fresh[scan]) oldScore--;
    }
    if (length === oldScore && scan !== newSize) continue;

    let forward = 0;
    for (let i = 0, same = 0, best = 0; lastScan + i < scan && lastPosition + i < oldSize; ) {
      if (old[lastPosition + i] === fresh[lastScan + i]) same++;
      i++;
      if (same * 2 - i > best * 2 - forward) {
        best = same;
        forward = i;
      }
    }
    let backward = 0;
    if (scan < newSize) {
      for (let i = 1, same = 0, best = 0; scan >= lastScan + i && position >= i; i++) {
        if (old[position - i] === fresh[scan - i]) same++;
        if (same * 2 - i > best * 2 - backward) {
          best = same;
          backward = i;
        }
      }
    }
    if (lastScan + forward > scan - backward) {
      const overlap = lastScan + forward - (scan - backward);
      let keep = 0;
      for (let i = 0, same = 0, best = 0; i < overlap; i++) {
        if (fresh[lastScan + forward - overlap + i] === old[lastPosition + forward - overlap + i]) same++;
        if (fresh[scan - backward + i] === old[position - backward + i]) same--;
        if (same > best) {
          best = same;
          keep = i + 1;
        }
      }
      forward += keep - overlap;
      backward -= keep;
    }
    const extra = scan - backward - (lastScan + forward);
    const piece = Buffer.allocUnsafe(24 + forward + extra);
    writeOffset(piece, 0, forward);
    writeOffset(piece, 8, extra);
    writeOffset(piece, 16, position - backward - (lastPosition + forward));
    for (let i = 0; i < forward; i++) piece[24 + i] = fresh[lastScan + i]! - old[lastPosition + i]!;
    piece.set(fresh.subarray(lastScan + forward, lastScan + forward + extra), 24 + forward);
    parts.push(piece);
    lastScan = scan - backward;
    lastPosition = position - backward;
    lastOffset = position - scan;
  }
  return Buffer.concat(parts);
}
