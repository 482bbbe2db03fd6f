import { createHash, timingSafeEqual } from 'node:crypto';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { type Compression, collectBytes, compressionOfName, decompress } from '@coppice/archive';
import { CoppiceError, errnoError, isCoppiceError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { chunksOf, hostFs, readFile, systemXzDecoder } from '@coppice/linux';
import { unzchunk } from '../repository/zchunk.ts';
import { readFilelists, readOther } from './details-reader.ts';
import type { PackageTable, TablePackage } from './package-table.ts';
import { readPrimary } from './primary-reader.ts';
import { parseRepomd, type Repomd, type RepomdRecord } from './repomd.ts';
import { cacheKey, cachePath, loadTable, saveTable } from './table-cache.ts';

export interface LoadOptions {
  readonly fs?: FileSystem;
  /** Read every file name too (filelists.xml). */
  readonly filelists?: boolean;
  /** Read changelogs too (other.xml). */
  readonly changelogs?: boolean;
  /** Keep the parsed packages in this folder (which must exist), and take them from there when they fit. */
  readonly cacheDir?: string;
  /** Only read what that folder has. */
  readonly cacheReadOnly?: boolean;
}

export interface LoadedRepository {
  /** The directory that holds `repodata/`. */
  readonly path: string;
  readonly repomd: Repomd;
  readonly table: PackageTable;
  /** Made when first asked for. */
  readonly packages: readonly TablePackage[];
}

class Loaded implements LoadedRepository {
  readonly path: string;
  readonly repomd: Repomd;
  readonly table: PackageTable;
  #packages: readonly TablePackage[] | undefined;

  constructor(path: string, repomd: Repomd, table: PackageTable) {
    this.path = path;
    this.repomd = repomd;
    this.table = table;
  }

  get packages(): readonly TablePackage[] {
    this.#packages ??= this.table.packages();
    return this.#packages;
  }
}

/** Node's hash name of a checksum type in metadata. Throws `Unsupported`. */
export function checksumAlgorithm(type: string): string {
  const name = type.toLowerCase() === 'sha' ? 'sha1' : type.toLowerCase();
  if (!['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'].includes(name))
    throw new CoppiceError('Unsupported', `checksum type ${JSON.stringify(type)} is not supported`);
  return name;
}

/** Largest uncompressed metadata file accepted when the record does not say: 4 GiB. */
const openLimit = 4 * 1024 ** 3;

/**
 * The uncompressed bytes of a metadata file, checked on the way: the file against its checksum, before the last piece
 * is given out, and the content against its open-checksum and size. Throws `Corrupt`.
 */
export function* metadataBytes(path: string, record: RepomdRecord, fs: FileSystem = hostFs): Generator<Uint8Array> {
  let fd: number;
  try {
    fd = fs.open(path, constants.O_RDONLY);
  } catch (error) {
    throw errnoError(error, path);
  }
  const packed = createHash(checksumAlgorithm(record.checksum.type));
  const open = record.openChecksum === undefined ? undefined : createHash(checksumAlgorithm(record.openChecksum.type));
  const source = function* (): Generator<Uint8Array> {
    for (const piece of chunksOf(fs, fd)) {
      packed.update(piece);
      yield piece;
    }
  };
  const check = (hash: Buffer, expected: string, what: string): void => {
    const want = Buffer.from(expected, 'hex');
    if (want.length !== hash.length || !timingSafeEqual(want, hash))
      throw new CoppiceError('Corrupt', `${path}: ${what} does not match repomd.xml`);
  };
  try {
    if (path.endsWith('.zck')) {
      // Chunks are found through the header: the whole file is needed.
      const whole = collectBytes(source(), record.size > 0 ? record.size : openLimit, path);
      check(packed.digest(), record.checksum.value, 'checksum');
      for (const piece of unzchunk(whole, record.openSize ?? openLimit)) {
        open?.update(piece);
        yield piece;
      }
      if (open !== undefined) check(open.digest(), record.openChecksum!.value, 'open checksum');
      return;
    }
    const kind: Compression | 'auto' = compressionOfName(path) === 'none' ? 'auto' : compressionOfName(path);
    const input = source();
    const limit = record.openSize ?? openLimit;
    for (const piece of decompress(input, kind, { limit, xz: systemXzDecoder })) {
      open?.update(piece);
      yield piece;
    }
    for (const rest of input) void rest;
    check(packed.digest(), record.checksum.value, 'checksum');
    if (open !== undefined) check(open.digest(), record.openChecksum!.value, 'open checksum');
  } finally {
    fs.close(fd);
  }
}

/** Runs `work` on a file; input that is damaged is told of with its path. */
function ofFile<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isCoppiceError(error) || error.kind !== 'input' || error.message.includes(path)) throw error;
    throw prefixError(error, path);
  }
}

export function findRecord(repomd: Repomd, type: string): RepomdRecord | undefined {
  return repomd.records.find((record) => record.type === type);
}

/** Attaches filelists and changelogs to packages that are loaded already. */
export function loadDetails(repository: LoadedRepository, options: LoadOptions): void {
  const fs = options.fs ?? hostFs;
  const byId = new Map(repository.packages.map((pkg) => [pkg.checksum.value, pkg]));
  const withFile = (type: string, work: (bytes: Generator<Uint8Array>) => void): void => {
    const record = findRecord(repository.repomd, type);
    if (record === undefined) return;
    const path = join(repository.path, record.href);
    ofFile(path, () => work(metadataBytes(path, record, fs)));
  };
  if (options.filelists)
    withFile('filelists', (bytes) => {
      for (const { pkgid, files } of readFilelists(bytes)) {
        const pkg = byId.get(pkgid);
        if (pkg !== undefined) pkg.fileList = files;
      }
    });
  if (options.changelogs)
    withFile('other', (bytes) => {
      for (const { pkgid, changelogs } of readOther(bytes)) {
        const pkg = byId.get(pkgid);
        if (pkg !== undefined) pkg.changelogs = changelogs;
      }
    });
}

/** The bytes of a repository's index, and its path. */
function indexOf(path: string, fs: FileSystem): [bytes: Uint8Array, path: string] {
  const repomdPath = join(path, 'repodata', 'repomd.xml');
  try {
    return [readFile(repomdPath, { fs, limit: 8 * 1024 * 1024 }), repomdPath];
  } catch (error) {
    throw errnoError(error, repomdPath);
  }
}

/** The index of the repository in a directory. Throws `NotFound`, `Corrupt`, `Invalid`. */
export function readRepomd(path: string, fs: FileSystem): Repomd {
  const [bytes, repomdPath] = indexOf(path, fs);
  return ofFile(repomdPath, () => parseRepomd(bytes));
}

/** Reads the repository in a directory. Throws `NotFound`, `Corrupt`, `Invalid`. */
export function loadRepository(path: string, options: LoadOptions = {}): LoadedRepository {
  const fs = options.fs ?? hostFs;
  const [bytes, repomdPath] = indexOf(path, fs);
  const repomd = ofFile(repomdPath, () => parseRepomd(bytes));
  const primary = findRecord(repomd, 'primary') ?? findRecord(repomd, 'primary_zck');
  if (primary === undefined) throw new CoppiceError('Invalid', `${repomdPath}: no primary metadata`);
  const key = options.cacheDir === undefined ? undefined : cacheKey(bytes);
  const cache = key === undefined ? undefined : cachePath(options.cacheDir!, key);
  const primaryPath = join(path, primary.href);
  const read = (): PackageTable => ofFile(primaryPath, () => readPrimary(metadataBytes(primaryPath, primary, fs)));
  let table = cache === undefined ? undefined : loadTable(cache, key!, read, fs);
  if (table === undefined) {
    table = read();
    if (cache !== undefined && options.cacheReadOnly !== true) {
      try {
        saveTable(cache, key!, table, fs);
      } catch {
        // A full or read-only disk: the next load reads the metadata again.
      }
    }
  }
  const repository = new Loaded(path, repomd, table);
  if (options.filelists || options.changelogs) loadDetails(repository, options);
  return repository;
}
