// XXH32, which EROFS uses to tell quickly that an inode lacks an extended attribute.

const prime1 = 0x9e3779b1;
const prime2 = 0x85ebca77;
const prime3 = 0xc2b2ae3d;
const prime4 = 0x27d4eb2f;
const prime5 = 0x165667b1;

const rotate = (x: number, bits: number): number => (x << bits) | (x >>> (32 - bits));
const round = (lane: number, input: number): number =>
  Math.imul(rotate((lane + Math.imul(input, prime2)) | 0, 13), prime1);

/** The hash as an unsigned number. */
export function xxhash32(data: Uint8Array, seed: number): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let at = 0;
  let hash: number;
  if (data.length >= 16) {
    const lanes = [seed + prime1 + prime2, seed + prime2, seed, seed - prime1].map((lane) => lane | 0);
    for (; at + 16 <= data.length; at += 16)
      for (let i = 0; i < 4; i++) lanes[i] = round(lanes[i]!, view.getInt32(at + 4 * i, true));
    hash = [1, 7, 12, 18].reduce((sum, bits, i) => (sum + rotate(lanes[i]!, bits)) | 0, 0);
  } else hash = (seed + prime5) | 0;
  hash = (hash + data.length) | 0;
  for (; at + 4 <= data.length; at += 4)
    hash = Math.imul(rotate((hash + Math.imul(view.getInt32(at, true), prime3)) | 0, 17), prime4);
  for (; at < data.length; at++) hash = Math.imul(rotate((hash + Math.imul(data[at]!, prime5)) | 0, 11), prime1);
  hash = Math.imul(hash ^ (hash >>> 15), prime2);
  hash = Math.imul(hash ^ (hash >>> 13), prime3);
  return (hash ^ (hash >>> 16)) >>> 0;
}
