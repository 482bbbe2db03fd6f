// One file of repodata/: compressed, named by its checksum, and its record in repomd.xml.
import { createHash, hash } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, gzip, type ZstdOptions, zstdCompress } from 'node:zlib';
import { type Compression, collectBytes, compress, compressionSuffix } from '@coppice/archive';
import type { FileSystem } from '@coppice/base/fs';
import { replaceFile } from '@coppice/linux';
import type { RepomdRecord } from './repomd.ts';

export interface PackingOptions {
  readonly compression?: Compression;
  readonly level?: number;
  readonly checksum?: string;
}

export interface PackedMetadata {
  readonly type: string;
  readonly fileName: string;
  readonly bytes: Uint8Array;
  readonly checksum: { readonly type: string; readonly value: string };
  /** Of the content, where it is compressed. */
  readonly open: { readonly value: string; readonly size: number } | undefined;
}

function described(
  type: string,
  name: string,
  bytes: Uint8Array,
  open: { readonly value: string; readonly size: number },
  options: PackingOptions,
): PackedMetadata {
  const algorithm = options.checksum ?? 'sha256';
  const compression = options.compression ?? 'gzip';
  const value = hash(algorithm, bytes);
  return {
    type,
    fileName: `${value}-${name}${compressionSuffix(compression)}`,
    bytes,
    checksum: { type: algorithm === 'sha1' ? 'sha' : algorithm, value },
    open: compression === 'none' ? undefined : open,
  };
}

function levelOf(options: PackingOptions): { level?: number } {
  const level = options.level ?? ((options.compression ?? 'gzip') === 'gzip' ? 6 : undefined);
  return level === undefined ? {} : { level };
}

/** Compresses metadata. */
export function packMetadata(
  type: string,
  name: string,
  chunks: Iterable<Uint8Array>,
  options: PackingOptions,
): PackedMetadata {
  const digest = createHash(options.checksum ?? 'sha256');
  let size = 0;
  const watched = function* (): Generator<Uint8Array> {
    for (const chunk of chunks) {
      digest.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  };
  const compression = options.compression ?? 'gzip';
  const bytes = collectBytes(compress(watched(), compression, levelOf(options)), Number.MAX_SAFE_INTEGER);
  return described(type, name, bytes, { value: digest.digest('hex'), size }, options);
}

const zstdOptions = (level = 3): ZstdOptions => ({ params: { [constants.ZSTD_c_compressionLevel]: level } });

/** Metadata up to this size are held in memory to be compressed on another thread. */
const concurrentLimit = 256 * 1024 * 1024;

/** The same on one of Node's threads where the compression is its own and the metadata are not huge. */
export async function packConcurrently(
  type: string,
  name: string,
  chunks: Iterable<Uint8Array>,
  options: PackingOptions,
): Promise<PackedMetadata> {
  const compression = options.compression ?? 'gzip';
  const parts: Uint8Array[] = [];
  let size = 0;
  const rest = chunks[Symbol.iterator]();
  for (let next = rest.next(); !next.done; next = rest.next()) {
    parts.push(next.value);
    size += next.value.length;
    if (size > concurrentLimit || (compression !== 'gzip' && compression !== 'zstd'))
      return packMetadata(type, name, joined(parts, rest), options);
  }
  const plain = Buffer.concat(parts);
  const packing =
    compression === 'gzip'
      ? promisify(gzip)(plain, levelOf(options))
      : promisify(zstdCompress)(plain, zstdOptions(options.level));
  const open = { value: hash(options.checksum ?? 'sha256', plain), size };
  return described(type, name, await packing, open, options);
}

function* joined(first: readonly Uint8Array[], rest: Iterator<Uint8Array>): Generator<Uint8Array> {
  yield* first;
  for (let next = rest.next(); !next.done; next = rest.next()) yield next.value;
}

/** Writes a packed file into `dir` and gives its record. The directory is the caller's to sync, after the last of them. */
export function writeMetadata(fs: FileSystem, dir: string, file: PackedMetadata, timestamp: number): RepomdRecord {
  replaceFile(join(dir, file.fileName), file.bytes, { fs, syncDir: false });
  const { type, checksum, open } = file;
  return {
    type,
    checksum,
    ...(open === undefined ? {} : { openChecksum: { type: checksum.type, value: open.value }, openSize: open.size }),
    href: `repodata/${file.fileName}`,
    timestamp,
    size: file.bytes.length,
  };
}
