// One file of repodata/: compressed, named by its checksum, and its record in repomd.xml.
import { createHash, type Hash, hash } from 'node:crypto';
import { constants, createGzip, createZstdCompress, type Gzip, type ZstdCompress } from 'node:zlib';
import { type Compression, collectBytes, compress, compressionSuffix } from '@coppice/archive';
import { checksumAlgorithm } from './load-repository.ts';
import type { RepomdRecord } from './repomd.ts';

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

/** Pieces are compressed when they have about this length. */
const pieceLength = 256 * 1024;

/** The same from texts that come one after the other, compressed on Node's threads where the compression is its own. */
export class MetadataStream {
  readonly #type: string;
  readonly #name: string;
  readonly #options: PackingOptions;
  readonly #digest: Hash;
  readonly #engine: Gzip | ZstdCompress | undefined;
  readonly #out: Uint8Array[] = [];
  readonly #ended: Promise<void> | undefined;
  #size = 0;
  #text = '';

  constructor(type: string, name: string, options: PackingOptions) {
    this.#type = type;
    this.#name = name;
    this.#options = options;
    this.#digest = createHash(checksumAlgorithm(options.checksum ?? 'sha256'));
    const compression = options.compression ?? 'gzip';
    if (compression === 'gzip') this.#engine = createGzip({ chunkSize: pieceLength, ...levelOf(options) });
    else if (compression === 'zstd')
      this.#engine = createZstdCompress({
        chunkSize: pieceLength,
        params: { [constants.ZSTD_c_compressionLevel]: options.level ?? 3 },
      });
    const engine = this.#engine;
    if (engine === undefined) return;
    engine.on('data', (piece: Buffer) => this.#out.push(piece));
    this.#ended = new Promise((resolve, reject) => engine.on('end', resolve).on('error', reject));
  }

  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= pieceLength) this.#flush();
  }

  #flush(): void {
    const piece = Buffer.from(this.#text);
    this.#text = '';
    this.#size += piece.length;
    if (this.#engine === undefined) this.#out.push(piece);
    else {
      this.#digest.update(piece);
      this.#engine.write(piece);
    }
  }

  async finish(): Promise<PackedMetadata> {
    this.#flush();
    if (this.#engine === undefined) return packMetadata(this.#type, this.#name, this.#out, this.#options);
    this.#engine.end();
    await this.#ended;
    const open = { value: this.#digest.digest('hex'), size: this.#size };
    return described(this.#type, this.#name, Buffer.concat(this.#out), open, this.#options);
  }
}

/** Its record in repomd.xml. */
export function metadataRecord(file: PackedMetadata, timestamp: number): RepomdRecord {
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
