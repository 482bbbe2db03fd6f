// Writing zchunk files as libzck does: SHA-256 over header and data, SHA-512/128 over each chunk, zstd.
import { createHash, hash } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { zchunkMagic } from './zchunk.ts';

/** What libzck takes when nobody says. */
const compressionLevel = 9;
const zstd = 2;
const sha256 = 1;
const sha512Half = 3;
const chunkDigestLength = 16;

export interface ZchunkOptions {
  /** Content that all chunks may refer to; it is stored in the file. */
  readonly dictionary?: Uint8Array;
  /** Of zstd. */
  readonly level?: number;
}

export interface ZchunkFile {
  readonly bytes: Uint8Array;
  /** What is read first to find the chunks: lead, preface, index and signatures. */
  readonly headerSize: number;
  /** SHA-256 of the header, in hex: what a reader checks the header with. */
  readonly headerChecksum: string;
}

/** Little-endian base 128; the last byte has the high bit set. */
function compressedInteger(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push(rest % 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest | 0x80);
  return Buffer.from(out);
}

const sha512 = (bytes: Uint8Array): Buffer => hash('sha512', bytes, 'buffer').subarray(0, chunkDigestLength);

function packChunk(plain: Uint8Array, level: number, dictionary: Uint8Array | undefined): Buffer {
  return zstdCompressSync(plain, {
    pledgedSrcSize: plain.length,
    params: { [constants.ZSTD_c_compressionLevel]: level },
    ...(dictionary === undefined ? {} : { dictionary }),
  } as Parameters<typeof zstdCompressSync>[1]);
}

/**
 * A zchunk file whose chunks hold `chunks`, one each, in their order. A reader that has an older file fetches only the
 * chunks that are new to it, so they should be cut where content begins anew.
 */
export function writeZchunk(chunks: Iterable<Uint8Array>, options: ZchunkOptions = {}): ZchunkFile {
  const { dictionary, level = compressionLevel } = options;
  const index: Uint8Array[] = [];
  const data: Uint8Array[] = [];
  const all = createHash('sha256');
  let count = 0;
  const add = (plainSize: number, packed: Uint8Array | undefined): void => {
    const digest = packed === undefined ? Buffer.alloc(chunkDigestLength) : sha512(packed);
    index.push(digest, compressedInteger(packed?.length ?? 0), compressedInteger(plainSize));
    count++;
    if (packed === undefined) return;
    data.push(packed);
    all.update(packed);
  };
  if (dictionary === undefined || dictionary.length === 0) add(0, undefined);
  else add(dictionary.length, packChunk(dictionary, level, undefined));
  for (const chunk of chunks) if (chunk.length > 0) add(chunk.length, packChunk(chunk, level, dictionary));
  const indexBytes = Buffer.concat([compressedInteger(sha512Half), compressedInteger(count), ...index]);
  const body = Buffer.concat([
    all.digest(),
    compressedInteger(0), // flags
    compressedInteger(zstd),
    compressedInteger(indexBytes.length),
    indexBytes,
    compressedInteger(0), // signatures
  ]);
  const lead = Buffer.concat([zchunkMagic, compressedInteger(sha256), compressedInteger(body.length)]);
  const headerDigest = createHash('sha256').update(lead).update(body).digest();
  return {
    bytes: Buffer.concat([lead, headerDigest, body, ...data]),
    headerSize: lead.length + headerDigest.length + body.length,
    headerChecksum: headerDigest.toString('hex'),
  };
}
