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
    if (words[w] === 0) continue;
    for (let k = i + w * 4; k < i + w * 4 + 4; k++) out[shift + k] = out[shift + k]! + patch[k]!;
  }
  for (i += count * 4; i < end; i++) out[shift + i] = out[shift + i]! + patch[i]!;
}

/** Applies a bsdiff stream (control triples with their diff and extra bytes, no header, not compressed). Throws `Corrupt`. */
export function bspatch(old: Uint8Array, patchBytes: Uint8Array, size: number): Buffer {
  const patch = Buffer.from(patchBytes.buffer, patchBytes.byteOffset, patchBytes.byteLength);
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  let oldAt = 0;
  let newAt = 0;
  while (newAt < size) {
    if (at + 24 > patch.length) throw corrupt();
    const diff = offsetAt(patch, at);
    const extra = offsetAt(patch, at + 8);
    const seek = offsetAt(patch, at + 16);
    at += 24;
    if (diff < 0 || extra < 0 || newAt + diff + extra > size || at + diff + extra > patch.length) throw corrupt();
    if (oldAt >= 0 && oldAt + diff <= old.length) addOnto(out, newAt, old, oldAt, patch, at, diff);
    else {
      for (let i = 0; i < diff; i++) {
        const from = oldAt + i;
        const base = from >= 0 && from < old.length ? old[from]! : 0;
        out[newAt + i] = patch[at + i]! + base;
      }
    }
    newAt += diff;
    oldAt += diff;
    at += diff;
    patch.copy(out, newAt, at, at + extra);
    newAt += extra;
    at += extra;
    oldAt += seek;
    if (diff === 0 && extra === 0 && at + 24 > patch.length) throw corrupt();
  }
  return out;
}
