import { crc32 as zlibCrc32 } from 'node:zlib';

/** CRC-32 (IEEE), continued from `seed`. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return zlibCrc32(bytes, seed);
}

let crc64Table: Uint32Array | undefined;

// Low and high halves of the reflected ECMA-182 table, eight tables of 256 entries for slicing by 8.
function makeCrc64Table(): Uint32Array {
  const table = new Uint32Array(8 * 512);
  for (let n = 0; n < 256; n++) {
    let low = n;
    let high = 0;
    for (let k = 0; k < 8; k++) {
      const odd = low & 1;
      low = ((low >>> 1) | (high << 31)) >>> 0;
      high >>>= 1;
      if (odd) {
        low = (low ^ 0xd7870f42) >>> 0;
        high = (high ^ 0xc96c5795) >>> 0;
      }
    }
    table[n * 2] = low;
    table[n * 2 + 1] = high;
  }
  for (let n = 0; n < 256; n++) {
    for (let k = 1; k < 8; k++) {
      const low = table[(k - 1) * 512 + n * 2]!;
      const high = table[(k - 1) * 512 + n * 2 + 1]!;
      const next = (low & 255) * 2;
      table[k * 512 + n * 2] = (table[next]! ^ ((low >>> 8) | (high << 24))) >>> 0;
      table[k * 512 + n * 2 + 1] = (table[next + 1]! ^ (high >>> 8)) >>> 0;
    }
  }
  return table;
}

/** CRC-64 (ECMA-182), the default check of xz. */
export class Crc64 {
  #low = 0xffffffff;
  #high = 0xffffffff;

  update(bytes: Uint8Array): void {
    crc64Table ??= makeCrc64Table();
    const t = crc64Table;
    let low = this.#low;
    let high = this.#high;
    let i = 0;
    for (const end = bytes.length - 7; i < end; i += 8) {
      low ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      high ^= bytes[i + 4]! | (bytes[i + 5]! << 8) | (bytes[i + 6]! << 16) | (bytes[i + 7]! << 24);
      const a = 3584 + (low & 255) * 2;
      const b = 3072 + ((low >>> 8) & 255) * 2;
      const c = 2560 + ((low >>> 16) & 255) * 2;
      const d = 2048 + (low >>> 24) * 2;
      const e = 1536 + (high & 255) * 2;
      const f = 1024 + ((high >>> 8) & 255) * 2;
      const g = 512 + ((high >>> 16) & 255) * 2;
      const h = (high >>> 24) * 2;
      low = t[a]! ^ t[b]! ^ t[c]! ^ t[d]! ^ t[e]! ^ t[f]! ^ t[g]! ^ t[h]!;
      high = t[a + 1]! ^ t[b + 1]! ^ t[c + 1]! ^ t[d + 1]! ^ t[e + 1]! ^ t[f + 1]! ^ t[g + 1]! ^ t[h + 1]!;
    }
    for (; i < bytes.length; i++) {
      const at = ((low ^ bytes[i]!) & 255) * 2;
      low = ((low >>> 8) | (high << 24)) ^ t[at]!;
      high = (high >>> 8) ^ t[at + 1]!;
    }
    this.#low = low >>> 0;
    this.#high = high >>> 0;
  }

  /** Eight bytes, little-endian, as xz stores them. */
  digest(): Uint8Array {
    const out = Buffer.alloc(8);
    out.writeUInt32LE(~this.#low >>> 0, 0);
    out.writeUInt32LE(~this.#high >>> 0, 4);
    return out;
  }
}
