// One file of repodata/: compressed, named by its checksum, and its record in repomd.xml.
import { createHash } from 'node:crypto';
import { constants, createGzip, createZstdCompress, type Gzip, type ZstdCompress } from 'node:zlib';
import { type Compression, collectBytes, compress, compressionSuffix } from '@coppice/archive';
import { hashBytes, NativeGzip, type PieceDigest, pieceDigest } from '@coppice/linux';
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

/** Compresses beside this thread. */
interface Engine {
  write(piece: Uint8Array): void;
  /** `last` is one more piece. */
  finish(last?: Uint8Array): Promise<Uint8Array>;
  abandon?(): void;
}

/** One of Node's streams. */
function streaming(stream: Gzip | ZstdCompress): Engine {
  const out: Uint8Array[] = [];
  stream.on('data', (piece: Buffer) => out.push(piece));
  const ended = new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));
  return {
    write: (piece) => void stream.write(piece),
    async finish(last) {
      stream.end(last);
      await ended;
      return Buffer.concat(out);
    },
  };
}

/** Undefined where the compression is not Node's own. */
function engineOf({ compression = 'gzip', level }: PackingOptions): Engine | undefined {
  if (compression === 'gzip')
    return streaming(createGzip({ chunkSize, ...levelOf(level === undefined ? {} : { level }) }));
  if (compression !== 'zstd') return undefined;
  return streaming(createZstdCompress({ chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level ?? 3 } }));
}

/** The engine that takes no time to load. */
function quickEngine({ compression = 'gzip', level = 6 }: PackingOptions): Engine | undefined {
  return compression === 'gzip' && level >= 1 ? NativeGzip.start(level) : undefined;
}

/** A document that grows, compressed on Node's threads where the compression is its own. */
export class MetadataStream {
  readonly pieces = new XmlPieces();
  readonly #type: string;
  readonly #name: string;
  readonly #options: PackingOptions;
  readonly #digest: PieceDigest;
  #engine: Engine | undefined;
  /** What is not compressed yet. */
  #held: Uint8Array[] = [];
  #size = 0;

  constructor(type: string, name: string, options: PackingOptions) {
    this.#type = type;
    this.#name = name;
    this.#options = options;
    this.#digest = pieceDigest(checksumAlgorithm(options.checksum ?? 'sha256'));
    this.#engine = quickEngine(options);
  }

  /** From here on in pieces, where Node can. */
  #start(): void {
    this.#engine = engineOf(this.#options);
    if (this.#engine === undefined) return;
    for (const piece of this.#held) this.#engine.write(piece);
    this.#held = [];
  }

  /** Takes the pieces that are ready; whether there are some for other threads. */
  flush(): boolean {
    let some = false;
    for (const piece of this.pieces.take()) {
      this.#count(piece);
      this.#compress(piece);
      some = this.#engine !== undefined;
    }
    return some;
  }

  #count(piece: Uint8Array): void {
    this.#size += piece.length;
    this.#digest.update(piece);
  }

  #compress(piece: Uint8Array): void {
    if (this.#engine !== undefined) this.#engine.write(piece);
    else {
      this.#held.push(piece);
      if (this.#size > streamedFrom) this.#start();
    }
  }

  /** In place of `finish`. */
  abandon(): void {
    this.#digest.hex();
    this.#engine?.abandon?.();
  }

  async finish(): Promise<PackedMetadata> {
    const rest = this.pieces.take(true);
    const last = rest.pop();
    for (const piece of rest) this.#compress(piece);
    if (this.#engine === undefined) this.#start();
    const bytes = this.#engine?.finish(last);
    // Meanwhile.
    for (const piece of rest) this.#count(piece);
    if (last !== undefined) this.#count(last);
    const open = { value: this.#digest.hex(), size: this.#size };
    if (bytes !== undefined) return described(this.#type, this.#name, await bytes, open, this.#options);
    if (last !== undefined) this.#held.push(last);
    return packMetadata(this.#type, this.#name, this.#held, this.#options);
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
