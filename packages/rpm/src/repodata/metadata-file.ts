// One file of repodata/: compressed, named by its checksum, and its record in repomd.xml.
import { createHash, type Hash } from 'node:crypto';
import { constants, createGzip, createZstdCompress, type Gzip, type ZstdCompress } from 'node:zlib';
import { type Compression, collectBytes, compress, compressionSuffix } from '@coppice/archive';
import { hashBytes, nativeGzip } from '@coppice/linux';
import { checksumAlgorithm } from './load-repository.ts';
import type { RepomdRecord } from './repomd.ts';
import { XmlPieces } from './xml-pieces.ts';

/** Of the compressed pieces. */
const chunkSize = 64 * 1024;
/** Documents up to this size are compressed at once: Node's streams take longer to load than a small one takes. */
const streamedFrom = 4 * 1024 * 1024;

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
  const value = hashBytes(checksumAlgorithm(checksum), bytes);
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

/** Node's streams that compress on its threads; undefined where the compression is not its own. */
function engineOf(options: PackingOptions): Gzip | ZstdCompress | undefined {
  const compression = options.compression ?? 'gzip';
  if (compression === 'gzip') return createGzip({ chunkSize, ...levelOf(options) });
  if (compression !== 'zstd') return undefined;
  return createZstdCompress({ chunkSize, params: { [constants.ZSTD_c_compressionLevel]: options.level ?? 3 } });
}

/** The rest of one that is too large to be compressed at once. */
class PackingStream {
  readonly #engine: Gzip | ZstdCompress;
  readonly #digest: Hash;
  readonly #out: Uint8Array[] = [];
  readonly #ended: Promise<void>;
  #size = 0;

  constructor(engine: Gzip | ZstdCompress, algorithm: string) {
    this.#engine = engine;
    this.#digest = createHash(algorithm);
    engine.on('data', (piece: Buffer) => this.#out.push(piece));
    this.#ended = new Promise((resolve, reject) => engine.on('end', resolve).on('error', reject));
  }

  write(piece: Uint8Array): void {
    this.#size += piece.length;
    this.#digest.update(piece);
    this.#engine.write(piece);
  }

  async finish(): Promise<{ bytes: Uint8Array; open: { value: string; size: number } }> {
    this.#engine.end();
    await this.#ended;
    return { bytes: Buffer.concat(this.#out), open: { value: this.#digest.digest('hex'), size: this.#size } };
  }
}

/** One that grows, compressed on Node's threads where the compression is its own. */
export class MetadataStream {
  readonly pieces = new XmlPieces();
  readonly #type: string;
  readonly #name: string;
  readonly #options: PackingOptions;
  readonly #algorithm: string;
  /** What is not compressed yet. */
  #held: Uint8Array[] = [];
  #size = 0;
  #stream: PackingStream | undefined;

  constructor(type: string, name: string, options: PackingOptions) {
    this.#type = type;
    this.#name = name;
    this.#options = options;
    this.#algorithm = checksumAlgorithm(options.checksum ?? 'sha256');
  }

  /** From here on in pieces, where Node can. */
  #startStream(): void {
    const engine = engineOf(this.#options);
    if (engine === undefined) return;
    this.#stream = new PackingStream(engine, this.#algorithm);
    for (const piece of this.#held) this.#stream.write(piece);
    this.#held = [];
  }

  /** Takes the pieces that are ready; whether there are some for other threads. */
  flush(end = false): boolean {
    let some = false;
    for (const piece of this.pieces.take(end)) {
      if (this.#stream !== undefined) this.#stream.write(piece);
      else {
        this.#held.push(piece);
        this.#size += piece.length;
        if (this.#size > streamedFrom) this.#startStream();
      }
      some = this.#stream !== undefined;
    }
    return some;
  }

  /** Compresses what is held in one call, where that can be done. */
  async #packed(): Promise<PackedMetadata | undefined> {
    const { compression = 'gzip', level = 6 } = this.#options;
    if (this.#stream !== undefined || compression !== 'gzip' || level < 1) return undefined;
    const whole = Buffer.concat(this.#held);
    const packing = nativeGzip(whole, level);
    if (packing === undefined) return undefined;
    // Meanwhile.
    const open = { value: hashBytes(this.#algorithm, whole), size: whole.length };
    const bytes = await packing;
    return described(this.#type, this.#name, bytes, open, this.#options);
  }

  async finish(): Promise<PackedMetadata> {
    this.flush(true);
    const packed = await this.#packed();
    if (packed !== undefined) return packed;
    if (this.#stream === undefined) this.#startStream();
    if (this.#stream === undefined) return packMetadata(this.#type, this.#name, this.#held, this.#options);
    const { bytes, open } = await this.#stream.finish();
    return described(this.#type, this.#name, bytes, open, this.#options);
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
