// zchunk files, decoded whole: lead, header (preface, index), then zstd chunks that may share a dictionary.
import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { ByteReader, bytesEqual, CoppiceError } from '@coppice/base';

export const zchunkMagic: Uint8Array = Buffer.from('\0ZCK1', 'latin1');

const checksumNames: Readonly<Record<number, readonly [string, number]>> = {
  0: ['sha1', 20],
  1: ['sha256', 32],
  2: ['sha512', 64],
  3: ['sha512', 16],
};

/** Little-endian base 128; the last byte has the high bit set. */
function compressedInteger(reader: ByteReader): number {
  let value = 0;
  for (let shift = 0; shift < 63; shift += 7) {
    const byte = reader.u8();
    value += (byte & 0x7f) * 2 ** shift;
    if (byte & 0x80) {
      if (!Number.isSafeInteger(value)) break;
      return value;
    }
  }
  throw new CoppiceError('Corrupt', 'zchunk: number too large');
}

const digestOf = (type: readonly [string, number], bytes: Uint8Array): Uint8Array =>
  createHash(type[0]).update(bytes).digest().subarray(0, type[1]);

function checksumType(id: number): readonly [string, number] {
  const type = checksumNames[id];
  if (type === undefined) throw new CoppiceError('Unsupported', `zchunk: checksum type ${id}`);
  return type;
}

export interface ZchunkIndex {
  readonly compression: number;
  readonly chunks: readonly { readonly checksum: Uint8Array; readonly size: number; readonly plainSize: number }[];
  readonly chunkChecksum: readonly [string, number];
  /** Where the chunks begin. */
  readonly dataStart: number;
}

/** Reads and checks the header. Throws `Corrupt`, `Unsupported`. */
export function readZchunkHeader(bytes: Uint8Array): ZchunkIndex {
  const reader = new ByteReader(bytes, 'zchunk');
  if (!bytesEqual(reader.take(5), zchunkMagic)) throw new CoppiceError('Corrupt', 'zchunk: bad magic');
  const headerType = checksumType(compressedInteger(reader));
  const headerSize = compressedInteger(reader);
  const leadEnd = reader.offset;
  const headerChecksum = reader.take(headerType[1]);
  const bodyStart = reader.offset;
  if (headerSize > reader.remaining) throw new CoppiceError('Corrupt', 'zchunk: truncated header');
  const body = bytes.subarray(bodyStart, bodyStart + headerSize);
  const covered = Buffer.concat([bytes.subarray(0, leadEnd), body]);
  if (!bytesEqual(digestOf(headerType, covered), headerChecksum))
    throw new CoppiceError('Corrupt', 'zchunk: header checksum does not match');
  const header = new ByteReader(body, 'zchunk header');
  header.skip(headerType[1]); // checksum of all data
  const flags = compressedInteger(header);
  const compression = compressedInteger(header);
  if (flags & 2) {
    const count = compressedInteger(header);
    for (let i = 0; i < count; i++) {
      compressedInteger(header);
      header.skip(compressedInteger(header));
    }
  }
  const indexSize = compressedInteger(header);
  const index = new ByteReader(header.take(indexSize), 'zchunk index');
  const chunkChecksum = checksumType(compressedInteger(index));
  const count = compressedInteger(index);
  if (count > 10_000_000) throw new CoppiceError('Limit', 'zchunk: too many chunks');
  const chunks: { checksum: Uint8Array; size: number; plainSize: number }[] = [];
  // The first entry is the dictionary, and counts.
  while (index.remaining > 0) {
    if (flags & 1) compressedInteger(index);
    const checksum = index.take(chunkChecksum[1]);
    const size = compressedInteger(index);
    chunks.push({ checksum, size, plainSize: compressedInteger(index) });
  }
  if (chunks.length !== count && chunks.length !== count + 1)
    throw new CoppiceError('Corrupt', 'zchunk: chunk count does not match');
  return { compression, chunks, chunkChecksum, dataStart: bodyStart + headerSize };
}

/** The content of a whole zchunk file, chunk by chunk, each checked. Throws `Corrupt`, `Limit`, `Unsupported`. */
export function* unzchunk(bytes: Uint8Array, limit: number): Generator<Uint8Array> {
  const { compression, chunks, chunkChecksum, dataStart } = readZchunkHeader(bytes);
  if (compression !== 0 && compression !== 2)
    throw new CoppiceError('Unsupported', `zchunk: compression ${compression}`);
  let dictionary: Uint8Array | undefined;
  let at = dataStart;
  let total = 0;
  for (const [i, { checksum, size, plainSize }] of chunks.entries()) {
    if (at + size > bytes.length) throw new CoppiceError('Corrupt', 'zchunk: truncated');
    const packed = bytes.subarray(at, at + size);
    at += size;
    if (size === 0) continue;
    if (!bytesEqual(digestOf(chunkChecksum, packed), checksum))
      throw new CoppiceError('Corrupt', 'zchunk: chunk checksum does not match');
    total += plainSize;
    if (total > limit) throw new CoppiceError('Limit', `zchunk: content is larger than ${limit} bytes`);
    let plain: Uint8Array = packed;
    if (compression === 2) {
      try {
        plain = zstdDecompressSync(packed, {
          maxOutputLength: Math.max(1, plainSize),
          ...(dictionary === undefined ? {} : { dictionary }),
        });
      } catch (error) {
        throw new CoppiceError('Corrupt', 'zchunk: chunk does not decompress', { cause: error });
      }
    }
    if (plain.length !== plainSize) throw new CoppiceError('Corrupt', 'zchunk: chunk size does not match');
    if (i === 0) dictionary = plain;
    else yield plain;
  }
}
