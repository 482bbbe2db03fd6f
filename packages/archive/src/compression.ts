import { CoppiceError } from '@coppice/base';
import { bunzip2Chunks } from './bzip2-decode.ts';
import { bzip2Chunks } from './bzip2-encode.ts';
import { ChunkReader, type Chunks, collectBytes } from './chunks.ts';
import { unlzmaChunks } from './lzma-alone.ts';
import { unxzChunks } from './xz-decode.ts';
import { lzmaChunks, xzChunks } from './xz-encode.ts';
import { needsNewDecoder } from './xz-filters.ts';
import { gunzipChunks, gzipChunks, unzstdChunks, zstdChunks } from './zlib-stream.ts';

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'lzma' | 'bzip2';

const suffixes: Readonly<Record<string, Compression>> = {
  gz: 'gzip',
  tgz: 'gzip',
  zst: 'zstd',
  zstd: 'zstd',
  xz: 'xz',
  txz: 'xz',
  lzma: 'lzma',
  bz2: 'bzip2',
  tbz2: 'bzip2',
};

/** By the suffix of a file name; `none` for any other. */
export function compressionOfName(name: string): Compression {
  const dot = name.lastIndexOf('.');
  return (dot < 0 ? undefined : suffixes[name.slice(dot + 1)]) ?? 'none';
}

/** The usual suffix with its dot, empty for `none`. */
export function compressionSuffix(kind: Compression): string {
  return { none: '', gzip: '.gz', zstd: '.zst', xz: '.xz', lzma: '.lzma', bzip2: '.bz2' }[kind];
}

/** By the first bytes (13 are enough); `none` when nothing is recognised. */
export function detectCompression(head: Uint8Array): Compression {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  if (starts(0x1f, 0x8b)) return 'gzip';
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz';
  if (starts(0x42, 0x5a, 0x68) && head[3]! >= 0x31 && head[3]! <= 0x39) return 'bzip2';
  // LZMA alone has no magic: properties 0x5d (the only ones in use), a power-of-two-like dictionary, a plausible length.
  if (starts(0x5d, 0x00, 0x00) && head.length >= 13 && (head[12] === 0xff || head[12] === 0)) return 'lzma';
  return 'none';
}

export interface DecompressOptions {
  /** Most bytes of output; more throws `Limit`. */
  readonly limit?: number;
  /** Asked for another decoder when the data is .xz: that of the system is faster (`systemXzDecoder` of @coppice/linux). */
  readonly xz?: () => ((source: Chunks) => Chunks) | undefined;
}

/**
 * Decompresses a byte source lazily with bounded memory. `auto` looks at the first bytes. Pieces are valid until the
 * next one is asked for. Throws `Corrupt` on damaged or truncated input and `Limit` above `options.limit`.
 */
export function* decompress(
  source: Chunks,
  kind: Compression | 'auto' = 'auto',
  options: DecompressOptions = {},
): Generator<Uint8Array> {
  const limit = options.limit ?? Number.MAX_SAFE_INTEGER;
  let input = source;
  let chosen: Compression;
  if (kind === 'auto') {
    const reader = new ChunkReader(source, 'compressed data');
    chosen = detectCompression(reader.peek(13));
    input = reader.rest();
  } else chosen = kind;
  let size = 0;
  let decode = decoders[chosen];
  const other = chosen === 'xz' ? options.xz?.() : undefined;
  if (other !== undefined) {
    const reader = new ChunkReader(input, 'xz data');
    if (!needsNewDecoder(reader.peek(64))) decode = other;
    input = reader.rest();
  }
  for (const piece of decode(input)) {
    size += piece.length;
    if (size > limit) throw new CoppiceError('Limit', `decompressed data is larger than ${limit} bytes`);
    yield piece;
  }
}

const decoders: Readonly<Record<Compression, (source: Chunks) => Chunks>> = {
  none: (source) => source,
  gzip: gunzipChunks,
  zstd: unzstdChunks,
  xz: unxzChunks,
  lzma: unlzmaChunks,
  bzip2: bunzip2Chunks,
};

export interface CompressOptions {
  /** gzip 1-9 (default 9), zstd 1-22 (default 3), xz 0-9 (default 6), bzip2 1-9 (default 9). */
  readonly level?: number;
}

/** Compresses a byte source lazily. */
export function compress(source: Chunks, kind: Compression, options: CompressOptions = {}): Chunks {
  switch (kind) {
    case 'none':
      return source;
    case 'gzip':
      return gzipChunks(source, options.level ?? 9);
    case 'zstd':
      return zstdChunks(source, options.level ?? 3);
    case 'xz':
      return xzChunks(source, options.level ?? 6);
    case 'lzma':
      return lzmaChunks(source, options.level ?? 6);
    case 'bzip2':
      return bzip2Chunks(source, options.level ?? 9);
  }
}

/** One-shot `decompress`; `limit` is required because the result is held in memory. */
export function decompressBytes(bytes: Uint8Array, kind: Compression | 'auto', limit: number): Uint8Array {
  return collectBytes(decompress([bytes], kind, { limit }), limit, 'decompressed data');
}

/** One-shot `compress`. */
export function compressBytes(bytes: Uint8Array, kind: Compression, options: CompressOptions = {}): Uint8Array {
  return collectBytes(compress([bytes], kind, options), Number.MAX_SAFE_INTEGER);
}
