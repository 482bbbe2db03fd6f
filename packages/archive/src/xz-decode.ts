// The .xz container (xz file format 1.2): streams of blocks of LZMA2, each block checked, an index and a footer.
import { createHash } from 'node:crypto';
import { bytesEqual, CoppiceError } from '@coppice/base';
import { Crc64, crc32 } from './checksums.ts';
import { ChunkReader, type Chunks } from './chunks.ts';
import { dictionaryLimit } from './lzma-alone.ts';
import { LzmaDecoder } from './lzma-decoder.ts';
import { Dictionary } from './lzma-dictionary.ts';
import { type XzFilter, xzFilter } from './xz-filters.ts';

const corrupt = (what: string): CoppiceError => new CoppiceError('Corrupt', `xz data: ${what}`);

export const xzMagic: Uint8Array = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00);

const lzma2Id = 0x21;

interface Check {
  readonly size: number;
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

function makeCheck(id: number): Check {
  if (id === 0) return { size: 0, update() {}, digest: () => new Uint8Array(0) };
  if (id === 1) {
    let crc = 0;
    return {
      size: 4,
      update: (bytes) => {
        crc = crc32(bytes, crc);
      },
      digest: () => {
        const out = Buffer.alloc(4);
        out.writeUInt32LE(crc);
        return out;
      },
    };
  }
  if (id === 4) {
    const crc = new Crc64();
    return { size: 8, update: (bytes) => crc.update(bytes), digest: () => crc.digest() };
  }
  if (id === 10) {
    const hash = createHash('sha256');
    return { size: 32, update: (bytes) => hash.update(bytes), digest: () => hash.digest() };
  }
  throw new CoppiceError('Unsupported', `xz data: unknown check type ${id}`);
}

/** Counts what is read, so that block padding can be found. */
class Counted {
  readonly reader: ChunkReader;
  /** CRC-32 of the bytes read one by one, from where it was set to 0. */
  crc = 0;
  constructor(reader: ChunkReader) {
    this.reader = reader;
  }
  get at(): number {
    return this.reader.position;
  }
  byte(): number {
    const byte = this.reader.take(1);
    this.crc = crc32(byte, this.crc);
    return byte[0]!;
  }
  integer(): number {
    let value = 0;
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) {
        if (!Number.isSafeInteger(value)) throw corrupt('number too large');
        return value;
      }
    }
    throw corrupt('number too long');
  }
}

function* lzma2Chunks(input: Counted, dictSize: number): Generator<Uint8Array> {
  const dict = new Dictionary(dictSize);
  const decoder = new LzmaDecoder(dict);
  let needDictReset = true;
  let needProperties = true;
  let position = 0;
  for (;;) {
    const control = input.byte();
    if (control === 0) return;
    if (control >= 0xe0 || control === 1) {
      dict.reset();
      position = 0;
      needDictReset = false;
    } else if (needDictReset) throw corrupt('no dictionary reset');
    const head = input.reader.take(2);
    if (control < 0x80) {
      if (control > 2) throw corrupt('bad LZMA2 control byte');
      let left = ((head[0]! << 8) | head[1]!) + 1;
      position += left;
      while (left > 0) {
        dict.room();
        const piece = input.reader.some(Math.min(left, dict.bytes.length - dict.position));
        if (piece.length === 0) throw input.reader.truncated();
        dict.put(piece);
        left -= piece.length;
        yield dict.flush();
      }
      continue;
    }
    let left = ((control & 0x1f) << 16) + ((head[0]! << 8) | head[1]!) + 1;
    const sizes = input.reader.take(2);
    const compressed = ((sizes[0]! << 8) | sizes[1]!) + 1;
    if (control >= 0xc0) {
      decoder.setProperties(input.byte());
      needProperties = false;
    } else if (needProperties) throw corrupt('no LZMA2 properties');
    else if (control >= 0xa0) decoder.resetState();
    decoder.countFrom(position);
    position += left;
    decoder.startChunk(input.reader.take(compressed));
    while (left > 0) {
      dict.room();
      const n = decoder.decode(Math.min(left, dict.bytes.length - dict.position));
      if (decoder.ended || n === 0) throw corrupt('end marker in LZMA2');
      left -= n;
      yield dict.flush();
    }
    if (!decoder.chunkDone) throw corrupt('LZMA2 chunk does not end where it says');
  }
}

interface BlockHeader {
  readonly dictSize: number;
  /** In the order in which they are undone. */
  readonly filters: readonly XzFilter[];
  readonly packed: number | undefined;
  readonly unpacked: number | undefined;
}

function lzma2DictSize(properties: Uint8Array): number {
  if (properties.length !== 1) throw corrupt('LZMA2 filter properties');
  const bits = properties[0]!;
  if (bits > 40) throw corrupt('LZMA2 dictionary size');
  const dictSize = bits === 40 ? 0xffffffff : (2 | (bits & 1)) * 2 ** (Math.floor(bits / 2) + 11);
  if (dictSize > dictionaryLimit) throw new CoppiceError('Limit', `xz data: dictionary of ${dictSize} bytes`);
  return dictSize;
}

function readBlockHeader(first: number, input: Counted): BlockHeader {
  const rest = input.reader.takeCopy(first * 4 + 3);
  const header = Buffer.from([first, ...rest]);
  const size = header.length - 4;
  if (crc32(header.subarray(0, size)) !== header.readUInt32LE(size)) throw corrupt('block header checksum');
  const fields = new Counted(new ChunkReader([header.subarray(1, size)], 'xz block header'));
  const flags = fields.byte();
  if ((flags & 0x3c) !== 0) throw new CoppiceError('Unsupported', 'xz data: unknown block flags');
  const packed = flags & 0x40 ? fields.integer() : undefined;
  const unpacked = flags & 0x80 ? fields.integer() : undefined;
  const filters: XzFilter[] = [];
  const before = flags & 3;
  for (let i = 0; ; i++) {
    const id = fields.integer();
    const length = fields.integer();
    if (length > 64) throw corrupt('filter properties');
    const properties = fields.reader.takeCopy(length);
    const last = i === before;
    if (last !== (id === lzma2Id))
      throw new CoppiceError('Unsupported', `xz data: filter ${id} is not supported ${last ? 'as the last one' : ''}`);
    if (last) {
      while (!fields.reader.atEnd()) if (fields.byte() !== 0) throw corrupt('block header padding');
      return { dictSize: lzma2DictSize(properties), filters: filters.reverse(), packed, unpacked };
    }
    filters.push(xzFilter(id, properties));
  }
}

/** What the filters make of LZMA2's output. */
function* filtered(source: Iterable<Uint8Array>, filters: readonly XzFilter[]): Generator<Uint8Array> {
  for (const start of source) {
    let piece = start;
    for (const filter of filters) piece = filter.push(piece);
    if (piece.length > 0) yield piece;
  }
  for (let i = 0; i < filters.length; i++) {
    let piece = filters[i]!.finish();
    for (const filter of filters.slice(i + 1)) piece = filter.push(piece);
    if (piece.length > 0) yield piece;
  }
}

function* stream(input: Counted): Generator<Uint8Array> {
  const flags = Buffer.from(input.reader.take(6));
  if (flags[0] !== 0 || flags[1]! > 15) throw new CoppiceError('Unsupported', 'xz data: unknown stream flags');
  if (crc32(flags.subarray(0, 2)) !== flags.readUInt32LE(2)) throw corrupt('stream header checksum');
  const records: { unpadded: number; size: number }[] = [];
  for (;;) {
    const start = input.at;
    input.crc = 0;
    const first = input.byte();
    if (first === 0) {
      readIndex(input, start, records, flags);
      return;
    }
    const header = readBlockHeader(first, input);
    const dataStart = input.at;
    const check = makeCheck(flags[1]!);
    let total = 0;
    const plain = lzma2Chunks(input, header.dictSize);
    for (const piece of header.filters.length === 0 ? plain : filtered(plain, header.filters)) {
      check.update(piece);
      total += piece.length;
      yield piece;
    }
    const packed = input.at - dataStart;
    if (header.packed !== undefined && header.packed !== packed) throw corrupt('block size');
    if (header.unpacked !== undefined && header.unpacked !== total) throw corrupt('block uncompressed size');
    const padding = (4 - (packed % 4)) % 4;
    if (input.reader.take(padding).some((byte) => byte !== 0)) throw corrupt('block padding');
    if (!bytesEqual(input.reader.take(check.size), check.digest())) throw corrupt('integrity check failed');
    records.push({ unpadded: input.at - start - padding, size: total });
  }
}

function readIndex(
  input: Counted,
  start: number,
  records: readonly { unpadded: number; size: number }[],
  flags: Buffer,
): void {
  if (input.integer() !== records.length) throw corrupt('index record count');
  for (const record of records) {
    if (input.integer() !== record.unpadded || input.integer() !== record.size) throw corrupt('index record');
  }
  while ((input.at - start) % 4 !== 0) if (input.byte() !== 0) throw corrupt('index padding');
  const size = input.at - start;
  const { crc } = input;
  if (Buffer.from(input.reader.take(4)).readUInt32LE(0) !== crc) throw corrupt('index checksum');
  const footer = Buffer.from(input.reader.take(12));
  if (footer[10] !== 0x59 || footer[11] !== 0x5a) throw corrupt('stream footer');
  if (crc32(footer.subarray(4, 10)) !== footer.readUInt32LE(0)) throw corrupt('stream footer checksum');
  if ((footer.readUInt32LE(4) + 1) * 4 !== size + 4) throw corrupt('backward size');
  if (footer[8] !== flags[0] || footer[9] !== flags[1]) throw corrupt('stream footer flags');
}

/** Decompresses `.xz` data, one or several streams. Throws `Corrupt`, `Limit`, `Unsupported` (unknown filters and checks). */
export function* unxzChunks(source: Chunks): Generator<Uint8Array> {
  const reader = new ChunkReader(source, 'xz data');
  const input = new Counted(reader);
  let first = true;
  while (first || !reader.atEnd()) {
    if (!first) {
      const word = reader.peek(4);
      if (word.length === 4 && word.every((byte) => byte === 0)) {
        reader.skip(4);
        continue;
      }
    }
    if (!bytesEqual(reader.take(6), xzMagic)) throw corrupt('not in xz format');
    yield* stream(input);
    first = false;
  }
}
