// Package databases of older backends, put together from the formats' descriptions: no tool here writes them all.

/** An ndb file put together from the format's description: one page of slots, then the blobs. */
export function ndbFile(blobs: readonly Uint8Array[]): Buffer {
  const page = Buffer.alloc(4096);
  page.write('RpmP', 0, 'latin1');
  page.writeUInt32LE(1, 12);
  for (let slot = 2; slot < 256; slot++) page.write('Slot', slot * 16, 'latin1');
  const parts: Buffer[] = [page];
  let block = 256;
  blobs.forEach((blob, i) => {
    const blocks = Math.ceil((16 + blob.length + 12) / 16);
    const bytes = Buffer.alloc(blocks * 16);
    bytes.write('BlbS', 0, 'latin1');
    bytes.writeUInt32LE(i + 1, 4);
    bytes.writeUInt32LE(blob.length, 12);
    bytes.set(blob, 16);
    bytes.writeUInt32LE(blob.length, bytes.length - 8);
    bytes.write('BlbE', bytes.length - 4, 'latin1');
    // The slots stand in no order.
    const slot = 10 - i;
    page.writeUInt32LE(i + 1, slot * 16 + 4);
    page.writeUInt32LE(block, slot * 16 + 8);
    page.writeUInt32LE(blocks, slot * 16 + 12);
    parts.push(bytes);
    block += blocks;
  });
  return Buffer.concat(parts);
}

/** A Berkeley DB hash file with one record, number 7, on overflow pages, in either byte order. */
export function bdbFile(big: Uint8Array, little: boolean): Buffer {
  const size = 512;
  const room = size - 26;
  const chain = Math.ceil(big.length / room);
  const file = Buffer.alloc(size * (2 + chain));
  const u32 = (value: number, at: number): void =>
    void (little ? file.writeUInt32LE(value, at) : file.writeUInt32BE(value, at));
  const u16 = (value: number, at: number): void =>
    void (little ? file.writeUInt16LE(value, at) : file.writeUInt16BE(value, at));
  u32(0x00061561, 12);
  u32(size, 20);
  file[25] = 8;
  const page = size;
  file[page + 25] = 13;
  const items: Buffer[] = [];
  const key = Buffer.alloc(5);
  key[0] = 1;
  if (little) key.writeUInt32LE(7, 1);
  else key.writeUInt32BE(7, 1);
  const off = Buffer.alloc(12);
  off[0] = 3;
  items.push(key, off);
  let end = size;
  items.forEach((item, i) => {
    end -= item.length;
    item.copy(file, page + end);
    u16(end, page + 26 + i * 2);
    if (item === off) {
      u32(2, page + end + 4);
      u32(big.length, page + end + 8);
    }
  });
  u16(items.length, page + 20);
  for (let i = 0; i < chain; i++) {
    const start = size * (2 + i);
    file[start + 25] = 7;
    u32(i + 1 < chain ? 3 + i : 0, start + 16);
    const piece = big.subarray(i * room, (i + 1) * room);
    u16(piece.length, start + 22);
    file.set(piece, start + 26);
  }
  return file;
}
