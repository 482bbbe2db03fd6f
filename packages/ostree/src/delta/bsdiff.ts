import type { SourceIndex } from './source-index.ts';

/** Takes the bytes of a patch piece by piece; a piece is valid in the call only. */
export type PatchSink = (bytes: Uint8Array) => void;

/** A match must be this much longer than what the current alignment gives, or it is not worth another piece. */
const gain = 8;
/** An alignment that goes on for so long is followed without looking for another. */
const longEnough = 32;
const bufferSize = 64 * 1024;

/** Writes control triples with their diff and extra bytes. */
class PatchWriter {
  readonly #sink: PatchSink;
  readonly #buffer = Buffer.allocUnsafe(bufferSize);
  readonly #control = Buffer.alloc(24);
  size = 0;

  constructor(sink: PatchSink) {
    this.#sink = sink;
  }

  control(diff: number, extra: number, seek: number): void {
    this.#number(0, diff);
    this.#number(8, extra);
    this.#number(16, seek);
    this.#give(this.#control);
  }

  /** Sign and magnitude, little-endian. */
  #number(at: number, value: number): void {
    const magnitude = Math.abs(value);
    this.#control.writeUInt32LE(magnitude % 2 ** 32, at);
    this.#control.writeUInt32LE((Math.floor(magnitude / 2 ** 32) | (value < 0 ? 0x80000000 : 0)) >>> 0, at + 4);
  }

  difference(old: Uint8Array, oldAt: number, fresh: Uint8Array, freshAt: number, length: number): void {
    const buffer = this.#buffer;
    for (let done = 0; done < length; ) {
      const count = Math.min(bufferSize, length - done);
      const from = freshAt + done;
      const less = oldAt + done;
      for (let i = 0; i < count; i++) buffer[i] = fresh[from + i]! - old[less + i]!;
      this.#give(buffer.subarray(0, count));
      done += count;
    }
  }

  extra(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#give(bytes);
  }

  #give(bytes: Uint8Array): void {
    this.size += bytes.length;
    this.#sink(bytes);
  }
}

/**
 * Gives the difference of two byte strings as bsdiff writes it (Percival 2003; control triples with diff and extra bytes in
 * between, no header, not compressed); `bspatch` undoes it. `index` is filled with `old`; one call after the other uses the
 * same. The last triple's seek is to `endAt` in the old bytes. Returns the length.
 */
export function bsdiff(
  old: Uint8Array,
  fresh: Uint8Array,
  index: SourceIndex,
  sink: PatchSink,
  endAt: number | undefined = undefined,
): number {
  index.fill(old);
  const patch = new PatchWriter(sink);
  const oldSize = old.length;
  const newSize = fresh.length;
  let scan = 0;
  let length = 0;
  let position = 0;
  let lastScan = 0;
  let lastPosition = 0;
  let lastOffset = 0;

  // Longest match of fresh[at..] in old, first where the current alignment has it; sets `position`, gives the length.
  const search = (at: number): number => {
    const aligned = at + lastOffset;
    let same = 0;
    if (aligned >= 0 && aligned < oldSize) {
      const most = Math.min(oldSize - aligned, newSize - at);
      while (same < most && old[aligned + same] === fresh[at + same]) same++;
      position = aligned;
      if (same >= longEnough) return same;
    }
    const other = index.search(fresh, at, aligned, same);
    if (other === 0) return same;
    position = index.position;
    return other;
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
      if ((length === oldScore && length !== 0) || length > oldScore + gain) break;
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
    const end = lastScan + forward;
    const next = scan < newSize || endAt === undefined ? position - backward : endAt;
    patch.control(forward, scan - backward - end, next - (lastPosition + forward));
    patch.difference(old, lastPosition, fresh, lastScan, forward);
    patch.extra(fresh.subarray(end, scan - backward));
    lastScan = scan - backward;
    lastPosition = position - backward;
    lastOffset = position - scan;
  }
  return patch.size;
}
