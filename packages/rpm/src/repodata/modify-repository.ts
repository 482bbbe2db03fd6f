// modifyrepo: further metadata put into a repository's index, or taken out of it.
import { basename, join } from 'node:path';
import { type Compression, compressionOfName, decompress } from '@coppice/archive';
import { type Clock, CoppiceError, errnoError, systemClock } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile, replaceFile, systemXzDecoder } from '@coppice/linux';
import type { MetadataDerivation } from './create-options.ts';
import { metadataRecord, type PackedMetadata, packMetadata } from './metadata-file.ts';
import { parseRepomd, type Repomd, type RepomdRecord, writeRepomd } from './repomd.ts';

/** One change of a repository. */
export interface RepositoryChange {
  /** The file that is added; what is removed needs none. */
  readonly path?: string;
  /** Default: the file's name up to its first dot. */
  readonly type?: string;
  readonly remove?: boolean;
  /** `none` adds it as it is (default gzip). */
  readonly compression?: Compression;
  readonly checksum?: string;
  readonly simpleNames?: boolean;
  /** In place of the file's own. */
  readonly newName?: string;
}

export interface ModifyOptions {
  readonly fs?: FileSystem;
  readonly clock?: Clock;
  readonly onWarning?: (message: string) => void;
  /** Further forms of what is added. */
  readonly derivation?: MetadataDerivation;
}

const fileLimit = 1024 ** 3;
/** With a checksum before it and a suffix, names still fit into a folder. */
const nameLimit = 100;
const longestName = 255;
const indexLimit = 8 * 1024 * 1024;

/** createrepo_c's order: what each repository has first, the rest by type. */
const firstTypes = ['', '_db', '_zck'].flatMap((form) => ['primary', 'filelists', 'other'].map((kind) => kind + form));

function sorted(records: readonly RepomdRecord[]): RepomdRecord[] {
  const place = ({ type }: RepomdRecord): number =>
    firstTypes.includes(type) ? firstTypes.indexOf(type) : firstTypes.length;
  return [...records].sort((a, b) => place(a) - place(b) || Buffer.compare(Buffer.from(a.type), Buffer.from(b.type)));
}

function checkName(name: string): string {
  if (['', '.', '..', 'repomd.xml'].includes(name) || name.includes('\0') || Buffer.byteLength(name) > nameLimit)
    throw new CoppiceError('Invalid', `not a name for metadata: ${JSON.stringify(name)}`);
  return name;
}

/** Name and type of what a change adds. */
function named(change: RepositoryChange): { readonly name: string; readonly type: string } {
  const given = basename(change.newName ?? change.path ?? '');
  const packed = change.newName === undefined && compressionOfName(given) !== 'none';
  const name = packed ? given.slice(0, given.lastIndexOf('.')) : given;
  const type = change.type ?? given.split('.')[0]!;
  if (type === '') throw new CoppiceError('Invalid', `no type of metadata can be told from ${JSON.stringify(given)}`);
  return { name: checkName(name), type };
}

function added(change: RepositoryChange, fs: FileSystem, options: ModifyOptions): readonly PackedMetadata[] {
  const { path = '', compression = 'gzip', checksum, simpleNames = false } = change;
  const { name, type } = named(change);
  let bytes: Uint8Array;
  try {
    if (((fs.stat(path)?.mode ?? 0o100000) & 0o170000) !== 0o100000)
      throw new CoppiceError('Invalid', `${path} is not a regular file`);
    bytes = readFile(path, { fs, limit: fileLimit });
  } catch (error) {
    throw errnoError(error, path);
  }
  const kind = compressionOfName(path);
  const content =
    kind === 'none'
      ? bytes
      : Buffer.concat(
          [...decompress([bytes], kind, { limit: fileLimit, xz: systemXzDecoder })].map((b) => Buffer.from(b)),
        );
  const packing = { compression, simpleNames, ...(checksum === undefined ? {} : { checksum }) };
  return [packMetadata(type, name, [content], packing), ...(options.derivation?.ofExtra(type, name, content) ?? [])];
}

/**
 * Changes the repository whose `repodata` folder is `dir`: new files first, then the index, then what nothing names any
 * more is removed. Throws `NotFound`, `Invalid`.
 */
export function modifyRepository(
  dir: string,
  changes: readonly RepositoryChange[],
  options: ModifyOptions = {},
): Repomd {
  const { fs = hostFs, clock = systemClock, onWarning } = options;
  const index = join(dir, 'repomd.xml');
  let repomd: Repomd;
  try {
    repomd = parseRepomd(readFile(index, { fs, limit: indexLimit }));
  } catch (error) {
    throw errnoError(error, index);
  }
  const present = new Set(repomd.records.map(({ type }) => type));
  const files: PackedMetadata[] = [];
  const gone = new Set<string>();
  for (const change of changes) {
    if (change.remove === true) {
      const type = change.type ?? change.path ?? '';
      if (!present.has(type)) onWarning?.(`there is no metadata of type ${JSON.stringify(type)}`);
      gone.add(type);
      continue;
    }
    for (const file of added(change, fs, options)) {
      if (present.has(file.type)) onWarning?.(`metadata of type ${JSON.stringify(file.type)} are replaced`);
      files.push(file);
      gone.add(file.type);
    }
  }
  try {
    for (const { fileName, bytes } of files) replaceFile(join(dir, fileName), bytes, { fs, syncDir: false });
    fs.syncDir(dir);
  } catch (error) {
    throw errnoError(error, dir);
  }
  const now = Math.floor(clock.now() / 1000);
  const records = [
    ...repomd.records.filter(({ type }) => !gone.has(type)),
    ...files.map((file) => metadataRecord(file, now)),
  ];
  const next = { ...repomd, records: sorted(records) };
  replaceFile(index, writeRepomd(next), { fs });
  const stays = new Set(records.map(({ href }) => href));
  for (const { type, href, base } of repomd.records) {
    const name = /^repodata\/([^/]+)$/.exec(href)?.[1];
    if (!gone.has(type) || base !== undefined || stays.has(href) || name === undefined) continue;
    if (Buffer.byteLength(name) > longestName) continue;
    if (fs.lstat(join(dir, name)) !== undefined) fs.unlink(join(dir, name));
  }
  return next;
}
