import { deflateBest } from './deflate.ts';

let crcTable: Uint32Array | undefined;

/** CRC-32 as gzip and zip use it. */
export function crc32(bytes: Uint8Array): number {
  if (crcTable === undefined) {
    crcTable = new Uint32Array(256);
    for (let n = 0; n < 256; n++) {
      let c = n;
      for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
      crcTable[n] = c >>> 0;
    }
  }
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * Gzip at level 9, byte for byte what Go's compress/gzip makes (Go up to 1.26): no name, no time, XFL 2, OS 255, Go's own
 * matcher and block splitting, an empty stored block at the end.
 */
export function gzipBest(bytes: Uint8Array): Uint8Array {
  const body = deflateBest(bytes);
  const out = new Uint8Array(10 + body.length + 8);
  out.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
  out.set(body, 10);
  const tail = new DataView(out.buffer, 10 + body.length);
  tail.setUint32(0, crc32(bytes), true);
  tail.setUint32(4, bytes.length >>> 0, true);
  return out;
}
