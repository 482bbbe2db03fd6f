import { Crc64, crc32 } from './checksums.ts';
import type { Chunks } from './chunks.ts';
import { encoderProperties, LzmaEncoder, type MatchEffort } from './lzma-encoder.ts';
import { xzMagic } from './xz-decode.ts';

/** Block size (and so dictionary) and effort by level 0-9. */
const levels: readonly (readonly [number, MatchEffort])[] = [
  [1 << 18, { depth: 4, nice: 32 }],
  [1 << 20, { depth: 8, nice: 64 }],
  [1 << 21, { depth: 16, nice: 64 }],
  [1 << 22, { depth: 24, nice: 96 }],
  [1 << 22, { depth: 32, nice: 128 }],
  [1 << 23, { depth: 48, nice: 192 }],
  [1 << 23, { depth: 64, nice: 273 }],
  [1 << 24, { depth: 96, nice: 273 }],
  [1 << 25, { depth: 128, nice: 273 }],
  [1 << 26, { depth: 256, nice: 273 }],
];

export function encodingLevel(level: number): { size: number; effort: MatchEffort } {
  const [size, effort] = levels[Math.min(9, Math.max(0, Math.trunc(level)))]!;
  return { size, effort };
}

/** Gathers a source into blocks of `size` bytes (the last one shorter, views of a reused buffer). */
export function* blocksOf(source: Chunks, size: number): Generator<Uint8Array> {
  let buffer = new Uint8Array(Math.min(size, 1 << 16));
  let used = 0;
  for (const chunk of source) {
    let at = 0;
    while (at < chunk.length) {
      if (used === buffer.length && used < size) {
        const grown = new Uint8Array(Math.min(size, buffer.length * 4));
        grown.set(buffer);
        buffer = grown;
      }
      const n = Math.min(chunk.length - at, buffer.length - used);
      buffer.set(chunk.subarray(at, at + n), used);
      used += n;
      at += n;
      if (used === size) {
        yield buffer;
        used = 0;
      }
    }
  }
  if (used > 0) yield buffer.subarray(0, used);
}

// LZMA2 chunk bounds: 64 KiB compressed, 2 MiB plain.
const chunkPacked = 65536 - 512;
const chunkPlain = 1 << 21;

function* lzma2(block: Uint8Array, effort: MatchEffort): Generator<Uint8Array> {
  const encoder = new LzmaEncoder(block, block.length, effort);
  let first = true;
  while (!encoder.done) {
    const start = encoder.position;
    encoder.range.reset();
    if (!first) encoder.resetState();
    while (!encoder.done && encoder.range.pendingLength < chunkPacked && encoder.position - start < chunkPlain - 273)
      encoder.step();
    encoder.range.flush();
    const plain = encoder.position - start;
    const packed = encoder.range.length;
    if (packed >= plain && plain <= 65536) {
      yield Uint8Array.of(first ? 1 : 2, (plain - 1) >> 8, (plain - 1) & 255);
      yield block.slice(start, start + plain);
    } else {
      // Dictionary and state reset with properties at the start of a block; state reset and properties after that.
      const control = (first ? 0xe0 : 0xc0) | ((plain - 1) >> 16);
      yield Uint8Array.of(
        control,
        ((plain - 1) >> 8) & 255,
        (plain - 1) & 255,
        (packed - 1) >> 8,
        (packed - 1) & 255,
        encoderProperties,
      );
      yield encoder.range.bytes.slice(0, packed);
    }
    first = false;
  }
  yield Uint8Array.of(0);
}

function integer(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  return out;
}

function withCrc(bytes: Uint8Array): Uint8Array {
  const out = Buffer.alloc(bytes.length + 4);
  out.set(bytes);
  out.writeUInt32LE(crc32(bytes), bytes.length);
  return out;
}

/** The dictionary-size byte of LZMA2: smallest that holds `size`. */
function dictionaryByte(size: number): number {
  for (let bits = 0; bits < 40; bits++) if ((2 | (bits & 1)) * 2 ** (Math.floor(bits / 2) + 11) >= size) return bits;
  return 40;
}

/** Compresses into one `.xz` stream of independent blocks with CRC-64. Level 0-9; memory is about twelve times the block size. */
export function* xzChunks(source: Chunks, level = 6): Generator<Uint8Array> {
  const { size, effort } = encodingLevel(level);
  const flags = Uint8Array.of(0, 4);
  yield xzMagic;
  yield withCrc(flags);
  const records: number[] = [];
  let count = 0;
  for (const block of blocksOf(source, size)) {
    // Size 2 (12 bytes), one filter, LZMA2 with its dictionary byte, padding.
    const header = withCrc(Uint8Array.of(2, 0, 0x21, 1, dictionaryByte(block.length), 0, 0, 0));
    yield header;
    const crc = new Crc64();
    crc.update(block);
    let packed = 0;
    for (const piece of lzma2(block, effort)) {
      packed += piece.length;
      yield piece;
    }
    yield new Uint8Array((4 - (packed % 4)) % 4);
    yield crc.digest();
    records.push(...integer(header.length + packed + 8), ...integer(block.length));
    count++;
  }
  const index = [0, ...integer(count), ...records];
  while (index.length % 4 !== 0) index.push(0);
  const indexBytes = withCrc(Uint8Array.from(index));
  yield indexBytes;
  const footer = Buffer.alloc(6);
  footer.writeUInt32LE(indexBytes.length / 4 - 1, 0);
  footer.set(flags, 4);
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(crc32(footer), 0);
  yield Buffer.concat([crc, footer, Buffer.from('YZ')]);
}

/** Compresses into the `.lzma` ("alone") format with an end marker. The whole input is held in memory. */
export function* lzmaChunks(source: Chunks, level = 6): Generator<Uint8Array> {
  const { effort } = encodingLevel(level);
  const parts: Uint8Array[] = [];
  for (const chunk of source) parts.push(new Uint8Array(chunk));
  const data = Buffer.concat(parts);
  const head = Buffer.alloc(13, 0xff);
  head[0] = encoderProperties;
  let dictionary = 1 << 16;
  while (dictionary < data.length) dictionary *= 2;
  head.writeUInt32LE(dictionary, 1);
  yield head;
  const encoder = new LzmaEncoder(data, data.length, effort);
  let sent = 0;
  while (!encoder.done) {
    encoder.step();
    if (encoder.range.length - sent > 65536) {
      yield encoder.range.bytes.slice(sent, encoder.range.length);
      sent = encoder.range.length;
    }
  }
  encoder.endMarker();
  encoder.range.flush();
  yield encoder.range.bytes.slice(sent, encoder.range.length);
}
