import { CoppiceError } from '@coppice/base';

function offsetAt(patch: Buffer, at: number): number {
  // Sign and magnitude, little-endian.
  const low = patch.readUInt32LE(at);
  const high = patch.readUInt32LE(at + 4);
  const value = (high & 0x7fffffff) * 2 ** 32 + low;
  if (!Number.isSafeInteger(value)) throw corrupt();
  return (high & 0x80000000) !== 0 ? -value : value;
}

function corrupt(): CoppiceError {
  return new CoppiceError('Corrupt', 'bsdiff: malformed patch');
}

/** `out[to..] = old[from..] + patch[at..]`, byte by byte. Most of a diff is zeros, which need only the copy. */
function addOnto(
  out: Buffer,
  to: number,
  old: Uint8Array,
  from: number,
  patch: Buffer,
  at: number,
  length: number,
): void {
  out.set(old.subarray(from, from + length), to);
  const shift = to - at;
  const end = at + length;
  let i = at;
  while (i < end && ((patch.byteOffset + i) & 3) !== 0) {
    out[shift + i] = out[shift + i]! + patch[i]!;
    i++;
  }
  if (i === end) return;
  const count = (end - i) >> 2;
  const words = new Uint32Array(patch.buffer, patch.byteOffset + i, count);
  for (let w = 0; w < count; w++) {
    while (w + 4 <= count && (words[w]! | words[w + 1]! | words[w + 2]! | words[w + 3]!) === 0) w += 4;
    if (w === count) break;
    if (words[w] === 0) continue;
    for (let k = i + w * 4; k < i + w * 4 + 4; k++) out[shift + k] = out[shift + k]! + patch[k]!;
  }
  for (i += count * 4; i < end; i++) out[shift + i] = out[shift + i]! + patch[i]!;
}

/** Bytes of the old file, by position, that a patch is applied to. */
export interface OldBytes {
  readonly size: number;
  /** Fills `into` from `position` on; as many bytes are there. */
  read(into: Uint8Array, position: number): void;
}

const pieceSize = 256 * 1024;
/** An old file up to this size is read whole: patches may go to and fro in it. */
const wholeSize = 8 * 1024 * 1024;
const windowSize = 1024 * 1024;
/** What is read at a place that does not follow the last one, and before one that the patch goes back to. */
const jumpSize = 64 * 1024;
const behind = 16 * 1024;

/** The old file's bytes in memory, or a part of them. */
class OldWindow {
  #old: OldBytes = { size: 0, read: () => {} };
  bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  /** Takes another file. */
  begin(old: OldBytes): void {
    this.#old = old;
    this.#start = 0;
    this.#end = 0;
    const room = old.size <= wholeSize ? old.size : windowSize;
    if (this.bytes.length < room)
      this.bytes = Buffer.allocUnsafeSlow(Math.min(wholeSize, Math.max(room * 2, windowSize)));
    if (old.size <= wholeSize) this.#fill(0, old.size);
  }

  #fill(start: number, size: number): void {
    this.#start = start;
    this.#end = Math.min(this.#old.size, start + size);
    this.#old.read(this.bytes.subarray(0, this.#end - start), start);
  }

  /** Where in `bytes` the old file's byte `at` is; `length` bytes follow it, at most a quarter of a piece. */
  place(at: number, length: number): number {
    if (at < this.#start) this.#fill(Math.max(0, at - behind), behind + jumpSize);
    else if (at + length > this.#end) this.#fill(at, at <= this.#end ? windowSize : jumpSize);
    return at - this.#start;
  }
}

/** What a patch needs goes from one to the next: left to the garbage collector it piles up. */
interface Workspace {
  readonly out: Buffer;
  readonly window: OldWindow;
}
let spare: Workspace | undefined;

/**
 * Applies a bsdiff stream (control triples with their diff and extra bytes, no header, not compressed) to a file of any size
 * in bounded memory. Gives the new file in pieces, each valid until the next is taken. Throws `Corrupt`.
 */
export function* bspatchPieces(old: OldBytes, patchBytes: Uint8Array, size: number): Generator<Uint8Array> {
  const workspace = spare ?? { out: Buffer.allocUnsafeSlow(pieceSize), window: new OldWindow() };
  spare = undefined;
  try {
    yield* patched(old, patchBytes, size, workspace);
  } finally {
    spare = workspace;
  }
}

function* patched(
  old: OldBytes,
  patchBytes: Uint8Array,
  size: number,
  { out, window }: Workspace,
): Generator<Uint8Array> {
  window.begin(old);
  const patch = Buffer.from(patchBytes.buffer, patchBytes.byteOffset, patchBytes.byteLength);
  let filled = 0;
  let at = 0;
  let oldAt = 0;
  for (let newAt = 0; newAt < size; ) {
    if (at + 24 > patch.length) throw corrupt();
    const diff = offsetAt(patch, at);
    const extra = offsetAt(patch, at + 8);
    const seek = offsetAt(patch, at + 16);
    at += 24;
    if (diff < 0 || extra < 0 || newAt + diff + extra > size || at + diff + extra > patch.length) throw corrupt();
    for (let done = 0; done < diff + extra; ) {
      const room = out.length - filled;
      let count: number;
      if (done < diff) {
        const from = oldAt + done;
        count = Math.min(diff - done, room);
        if (from >= 0 && from < old.size) {
          count = Math.min(count, old.size - from, pieceSize >> 2);
          addOnto(out, filled, window.bytes, window.place(from, count), patch, at, count);
        } else {
          // Outside the old file there are zeros.
          if (from < 0) count = Math.min(count, -from);
          out.set(patch.subarray(at, at + count), filled);
        }
      } else {
        count = Math.min(diff + extra - done, room);
        out.set(patch.subarray(at, at + count), filled);
      }
      done += count;
      at += count;
      filled += count;
      if (filled === out.length) {
        yield out;
        filled = 0;
      }
    }
    newAt += diff + extra;
    oldAt += diff + seek;
    if (diff === 0 && extra === 0 && at + 24 > patch.length) throw corrupt();
  }
  if (filled > 0) yield out.subarray(0, filled);
}
