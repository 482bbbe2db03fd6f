// What repositories may have beside the XML documents, made from them: SQLite databases and zchunk files.
import { createHash, hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Compression, decompress } from '@coppice/archive';
import { CoppiceError, errnoError } from '@coppice/base';
import { readFileChunks, systemXzDecoder } from '@coppice/linux';
import { writeZchunk, type ZchunkFile } from '../repository/zchunk-writer.ts';
import type { MetadataDerivation } from './create-options.ts';
import { databaseVersion } from './database-tables.ts';
import { readFilelists, readOther } from './details-reader.ts';
import { checksumAlgorithm } from './load-repository.ts';
import { MetadataDatabase } from './metadata-database.ts';
import type { PackedMetadata, PackingOptions } from './metadata-file.ts';
import { packMetadata } from './metadata-file.ts';
import { documentEnd, type MetadataKind } from './metadata-writer.ts';
import type { PackageTable, TablePackage } from './package-table.ts';
import { readPrimary } from './primary-reader.ts';
import { packageElements } from './xml-scanner.ts';

export interface DerivedOptions extends PackingOptions {
  /** Make databases, packed like this. */
  readonly database?: Compression;
  /** Make zchunk files too. */
  readonly zchunk?: boolean;
  /** The dictionary of a metadata file's zchunk file, by the file's name without compression, e.g. `primary.xml`. */
  readonly dictionary?: (name: string) => Uint8Array | undefined;
  /** What databases have in place of a location's base in the documents. */
  readonly base?: (written: string) => string;
  /** Where databases are put together, in a folder that is removed again. */
  readonly temporaryDir: string;
}

type Documents = Readonly<Record<MetadataKind, PackedMetadata>>;

const kinds: readonly MetadataKind[] = ['primary', 'filelists', 'other'];

function opened(file: PackedMetadata, compression: Compression): Iterable<Uint8Array> {
  return decompress([file.bytes], compression, { xz: systemXzDecoder });
}

/** The packages in the order of `details`, which must be theirs; `attach` is given both. */
function* packagesWith<D extends { readonly pkgid: string }>(
  table: PackageTable,
  details: Iterable<D>,
  attach: (pkg: TablePackage, detail: D) => void,
): Generator<TablePackage> {
  let index = 0;
  for (const detail of details) {
    const pkg = index < table.count ? table.package(index++) : undefined;
    if (pkg?.checksum.value !== detail.pkgid)
      throw new CoppiceError('Invalid', `package ${detail.pkgid} is not in its place in the metadata`);
    attach(pkg, detail);
    yield pkg;
  }
  if (index !== table.count) throw new CoppiceError('Invalid', 'a document describes fewer packages than another');
}

/** The packages with what the database of `kind` has of them. */
function databasePackages(
  kind: MetadataKind,
  table: PackageTable,
  documents: Documents,
  packing: Compression,
): Iterable<TablePackage> {
  if (kind === 'other')
    return packagesWith(table, readOther(opened(documents.other, packing)), (pkg, { changelogs }) => {
      pkg.changelogs = changelogs;
    });
  return packagesWith(table, readFilelists(opened(documents.filelists, packing)), (pkg, { files }) => {
    pkg.fileList = files;
  });
}

function databases(documents: Documents, table: PackageTable, options: DerivedOptions): PackedMetadata[] {
  const compression = options.database!;
  let dir: string;
  try {
    dir = mkdtempSync(join(options.temporaryDir, '.repodata.'));
  } catch (error) {
    throw errnoError(error, options.temporaryDir);
  }
  try {
    return kinds.map((kind) => {
      const name = `${kind}.sqlite`;
      const file = join(dir, name);
      {
        using database = new MetadataDatabase(file, kind);
        for (const pkg of databasePackages(kind, table, documents, options.compression ?? 'gzip'))
          database.add(pkg, options.base);
        database.finish(documents[kind].checksum.value);
      }
      const packed = packMetadata(`${kind}_db`, name, readFileChunks(file), { ...options, compression });
      rmSync(file);
      return { ...packed, databaseVersion };
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The document cut where packages of another source package begin, as createrepo_c cuts it. */
function* pieces(kind: MetadataKind, table: PackageTable, document: Iterable<Uint8Array>): Generator<Buffer> {
  let head = '';
  let parts: Uint8Array[] = [];
  let index = 0;
  const newline = Buffer.from('\n');
  for (const element of packageElements(document, `${kind}.xml`, (text) => {
    head = text;
  })) {
    if (index === 0) {
      yield Buffer.from(head);
      parts.push(Buffer.from(element));
    } else {
      const fresh = table.package(index).sourceRpm !== table.package(index - 1).sourceRpm;
      if (fresh) {
        yield Buffer.concat([...parts, newline]);
        parts = [];
      } else parts.push(newline);
      parts.push(Buffer.from(element.subarray(1)));
    }
    index++;
  }
  if (index === 0) yield Buffer.from(head);
  else yield Buffer.concat([...parts, newline, Buffer.from(documentEnd(kind))]);
}

function zchunkMetadata(
  type: string,
  name: string,
  chunks: Iterable<Uint8Array>,
  options: DerivedOptions,
): PackedMetadata {
  const checksum = options.checksum ?? 'sha256';
  const algorithm = checksumAlgorithm(checksum);
  const open = createHash(algorithm);
  let size = 0;
  const watched = function* (): Generator<Uint8Array> {
    for (const chunk of chunks) {
      open.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  };
  const dictionary = options.dictionary?.(name);
  const file: ZchunkFile = writeZchunk(watched(), dictionary === undefined ? {} : { dictionary });
  const value = hash(algorithm, file.bytes);
  return {
    type,
    fileName: `${options.simpleNames === true ? '' : `${value}-`}${name}.zck`,
    bytes: file.bytes,
    checksum: { type: checksum, value },
    open: { value: open.digest('hex'), size },
    header: { value: file.headerChecksum, size: file.headerSize },
  };
}

/** Databases and zchunk files of the three documents, which `options.compression` packed. */
function derivedDocuments(packed: readonly PackedMetadata[], options: DerivedOptions): PackedMetadata[] {
  const byType = new Map(packed.map((file) => [file.type, file]));
  const documents = Object.fromEntries(kinds.map((kind) => [kind, byType.get(kind)!])) as Documents;
  const compression = options.compression ?? 'gzip';
  const table = readPrimary(opened(documents.primary, compression));
  const out = options.database === undefined ? [] : databases(documents, table, options);
  if (options.zchunk !== true) return out;
  for (const kind of kinds) {
    const chunks = pieces(kind, table, opened(documents[kind], compression));
    const file = zchunkMetadata(`${kind}_zck`, `${kind}.xml`, chunks, options);
    const { open } = documents[kind];
    if (open !== undefined && open.value !== file.open?.value)
      throw new CoppiceError('Bug', `${kind}.xml: chunks are not what was written`);
    out.push(file);
  }
  return out;
}

/** What `derivation` of `createRepository` takes; the packing options must be those of the repository. */
export function repositoryDerivation(options: DerivedOptions): MetadataDerivation {
  return {
    ofDocuments: (packed) => derivedDocuments(packed, options),
    ofExtra: (type, name, bytes) =>
      options.zchunk === true ? [zchunkMetadata(`${type}_zck`, name, [bytes], options)] : [],
  };
}
