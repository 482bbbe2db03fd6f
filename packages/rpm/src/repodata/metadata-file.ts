// One file of repodata/: compressed, named by its checksum, and its record in repomd.xml.
import { createHash, type Hash, hash } from 'node:crypto';
import { constants, createGzip, createZstdCompress, type Gzip, type ZstdCompress } from 'node:zlib';
import { type Compression, collectBytes, compress, compressionSuffix } from '@coppice/archive';
import { checksumAlgorithm } from './load-repository.ts';
import type { RepomdRecord } from './repomd.ts';
import { XmlPieces } from './xml-pieces.ts';

/** Of the compressed pieces. */
const chunkSize = 64 * 1024;

export interface PackingOptions {
  readonly compression?: Compression;
  readonly level?: number;
  readonly checksum?: string;
  /** Names without the checksum. */
  readonly simpleNames?: boolean;
}

export interface PackedMetadata {
  readonly type: string;
  readonly fileName: string;
  readonly bytes: Uint8Array;
  readonly checksum: { readonly type: string; readonly value: string };
  /** Of the content, where it is compressed. */
  readonly open: { readonly value: string; readonly size: number } | undefined;
  /** SHA-256 and size of a zchunk file's header. */
  readonly header?: { readonly value: string; readonly size: number };
  readonly databaseVersion?: number;
}

function described(
  type: string,
  name: string,
  bytes: Uint8Array,
  open: { readonly value: string; readonly size: number },
  options: PackingOptions,
): PackedMetadata {
  const checksum = options.checksum ?? 'sha256';
  const compression = options.compression ?? 'gzip';
  const value = hash(checksumAlgorithm(checksum), bytes);
  return {
    type,
    fileName: `${options.simpleNames === true ? '' : `${value}-`}${name}${compressionSuffix(compression)}`,
    bytes,
    checksum: { type: checksum, value },
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
  const digest = createHash(checksumAlgorithm(options.checksum ?? 'sha256'));
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

/** One that grows, compressed on Node's threads where the compression is its own. */
export class MetadataStream {
  readonly pieces = new XmlPieces();
  readonly #type: string;
  readonly #name: string;
  readonly #options: PackingOptions;
  readonly #digest: Hash;
  readonly #engine: Gzip | ZstdCompress | undefined;
  readonly #out: Uint8Array[] = [];
  readonly #ended: Promise<void> | undefined;
  #size = 0;

  constructor(type: string, name: string, options: PackingOptions) {
    this.#type = type;
    this.#name = name;
    this.#options = options;
    this.#digest = createHash(checksumAlgorithm(options.checksum ?? 'sha256'));
    const compression = options.compression ?? 'gzip';
    if (compression === 'gzip') this.#engine = createGzip({ chunkSize, ...levelOf(options) });
    else if (compression === 'zstd')
      this.#engine = createZstdCompress({
        chunkSize,
        params: { [constants.ZSTD_c_compressionLevel]: options.level ?? 3 },
      });
    const engine = this.#engine;
    if (engine === undefined) return;
    engine.on('data', (piece: Buffer) => this.#out.push(piece));
    this.#ended = new Promise((resolve, reject) => engine.on('end', resolve).on('error', reject));
  }

  /** Takes the pieces that are ready; whether there were any. */
  flush(end = false): boolean {
    const pieces = this.pieces.take(end);
    for (const piece of pieces) {
      this.#size += piece.length;
      if (this.#engine === undefined) this.#out.push(piece);
      else {
        this.#digest.update(piece);
        this.#engine.write(piece);
      }
    }
    return pieces.length > 0;
  }

  async finish(): Promise<PackedMetadata> {
    this.flush(true);
    if (this.#engine === undefined) return packMetadata(this.#type, this.#name, this.#out, this.#options);
    this.#engine.end();
    await this.#ended;
    const open = { value: this.#digest.digest('hex'), size: this.#size };
    return described(this.#type, this.#name, Buffer.concat(this.#out), open, this.#options);
  }
}

/** Its record in repomd.xml. */
export function metadataRecord(file: PackedMetadata, timestamp: number): RepomdRecord {
  const { type, checksum, open, header, databaseVersion } = file;
  return {
    type,
    checksum,
    ...(open === undefined ? {} : { openChecksum: { type: checksum.type, value: open.value }, openSize: open.size }),
    href: `repodata/${file.fileName}`,
    timestamp,
    size: file.bytes.length,
    ...(header === undefined
      ? {}
      : { headerChecksum: { type: 'sha256', value: header.value }, headerSize: header.size }),
    ...(databaseVersion === undefined ? {} : { databaseVersion }),
  };
}
