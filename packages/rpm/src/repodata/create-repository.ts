// createrepo: scans a directory of packages and writes repodata/ beside them.
import { createHash, hash } from 'node:crypto';
import { constants } from 'node:fs';
import { join } from 'node:path';
import type { Compression } from '@coppice/archive';
import { type Clock, type CoppiceError, compareBytes, errnoError, isCoppiceError, systemClock } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, replaceFile } from '@coppice/linux';
import { rpmvercmp } from '../evr.ts';
import { SigTag, Tag } from '../header/tag.ts';
import { type RpmPackage, readPackage } from '../package/rpm-package.ts';
import { checksumAlgorithm, loadRepository } from './load-repository.ts';
import { type PackedMetadata, packConcurrently, packMetadata, writeMetadata } from './metadata-file.ts';
import { type MetadataKind, metadataChunks, packageXml } from './metadata-writer.ts';
import { type Repomd, writeRepomd } from './repomd.ts';
import { describePackage, type RepositoryPackage } from './repository-package.ts';

export interface CreateOptions {
  readonly fs?: FileSystem;
  readonly clock?: Clock;
  /** Where `repodata/` goes; default: the directory itself. */
  readonly outputDir?: string;
  /** Compression of the metadata; gzip as createrepo_c 0.17 has it. */
  readonly compression?: Compression;
  readonly level?: number;
  /** `sha256` (default), `sha1`, `sha512` ...: of packages and of metadata files. */
  readonly checksum?: string;
  /** Newest changelog entries kept per package (default 10). */
  readonly changelogLimit?: number;
  /** Default: the time of writing, in seconds. */
  readonly revision?: string;
  /** Timestamps in repomd.xml; default: the time of writing. */
  readonly timestamp?: number;
  readonly baseUrl?: string;
  readonly contentTags?: readonly string[];
  readonly repoTags?: readonly string[];
  readonly distroTags?: readonly { readonly cpeid?: string; readonly text: string }[];
  /** Reuse what the present repodata says about packages of unchanged size and time. */
  readonly update?: boolean;
  /** Told of packages that cannot be read, which are then left out; without it they end the call. */
  readonly onBadPackage?: (path: string, error: CoppiceError) => void;
  /** More metadata: type (`group`, `updateinfo`, `modules`) and content. */
  readonly extra?: readonly { readonly type: string; readonly name: string; readonly bytes: Uint8Array }[];
}

export interface CreatedRepository {
  readonly repomd: Repomd;
  readonly packages: number;
  /** Packages whose old metadata was reused. */
  readonly reused: number;
  /** Packages that could not be read. */
  readonly bad: number;
}

interface Found {
  readonly href: string;
  readonly name: string;
  readonly size: number;
  readonly mtime: number;
}

/** `.rpm` files below `dir`; symbolic links are followed to files but not to directories. */
function findPackages(fs: FileSystem, dir: string): Found[] {
  const out: Found[] = [];
  const walk = (relative: string): void => {
    let names: string[];
    try {
      names = fs.readdir(join(dir, relative));
    } catch (error) {
      throw errnoError(error, join(dir, relative));
    }
    for (const name of names) {
      const href = relative === '' ? name : `${relative}/${name}`;
      const stat = fs.lstat(join(dir, href));
      const type = (stat?.mode ?? 0) & 0o170000;
      if (type === 0o040000) {
        if (name !== 'repodata' && name !== '.repodata' && !name.startsWith('.repodata.')) walk(href);
        continue;
      }
      if (!name.endsWith('.rpm')) continue;
      const target = type === 0o120000 ? fs.stat(join(dir, href)) : stat;
      if (target === undefined || (target.mode & 0o170000) !== 0o100000) continue;
      out.push({ href, name, size: target.size, mtime: Math.floor(target.mtimeMs / 1000) });
    }
  };
  walk('');
  // createrepo_c orders by file name, then by path.
  return out.sort(
    (a, b) =>
      compareBytes(Buffer.from(a.name), Buffer.from(b.name)) || compareBytes(Buffer.from(a.href), Buffer.from(b.href)),
  );
}

/** Packages up to this size are read once, into a reused buffer. */
const wholeLimit = 4 * 1024 * 1024;

/** The file's digest, and the package in it: of a small file from memory, which holds until the buffer is used again. */
function digestAndOpen(
  fs: FileSystem,
  path: string,
  algorithm: string,
  buffer: Buffer,
): { digest: string; pkg: RpmPackage; size: number; mtimeMs: number } {
  let fd: number;
  try {
    fd = fs.open(path, constants.O_RDONLY);
  } catch (error) {
    throw errnoError(error, path);
  }
  try {
    const { size, mtimeMs } = fs.fstat(fd);
    let total = 0;
    if (size <= buffer.length) {
      while (total < size) {
        const n = fs.read(fd, buffer, total, size - total, null);
        if (n === 0) break;
        total += n;
      }
      const bytes = buffer.subarray(0, total);
      const pkg = readPackage(bytes, { fs, name: path });
      return { digest: hash(algorithm, bytes), pkg, size: total, mtimeMs };
    }
    const digest = createHash(algorithm);
    for (let n = -1; n !== 0; total += n) {
      n = fs.read(fd, buffer, 0, buffer.length, null);
      digest.update(buffer.subarray(0, n));
    }
    return { digest: digest.digest('hex'), pkg: readPackage(path, { fs }), size: total, mtimeMs };
  } finally {
    fs.close(fd);
  }
}

/** What createrepo says about one package file. Throws what `readPackage` throws. */
export function describePackageFile(
  path: string,
  href: string,
  options: { fs?: FileSystem; checksum?: string; changelogLimit?: number; baseUrl?: string; buffer?: Buffer } = {},
): RepositoryPackage {
  const checksum = options.checksum ?? 'sha256';
  const buffer = options.buffer ?? Buffer.allocUnsafe(256 * 1024);
  const { digest, pkg, size, mtimeMs } = digestAndOpen(options.fs ?? hostFs, path, checksum, buffer);
  const { signature } = pkg;
  return describePackage(pkg.header, {
    checksum: { type: checksum === 'sha1' ? 'sha' : checksum, value: digest },
    fileTime: Math.floor(mtimeMs / 1000),
    fileSize: size,
    location: options.baseUrl === undefined ? { href } : { href, base: options.baseUrl },
    headerRange: pkg.headerRange,
    archiveSize:
      signature.getNumber(SigTag.PayloadSize) ??
      pkg.header.getNumber(Tag.ArchiveSize) ??
      signature.getNumber(Tag.LongArchiveSize) ??
      0,
    compareVersions: rpmvercmp,
    ...(options.changelogLimit === undefined ? {} : { changelogLimit: options.changelogLimit }),
  });
}

/** What the present metadata says, by location; nothing when there is none or it is damaged. */
function knownPackages(dir: string, checksum: string, fs: FileSystem): Map<string, RepositoryPackage> {
  try {
    const { packages } = loadRepository(dir, { fs, filelists: true, changelogs: true });
    return new Map(
      packages
        .filter((pkg) => checksumAlgorithm(pkg.checksum.type) === checksum && pkg.fileList !== undefined)
        .map((pkg) => [pkg.location.href, pkg]),
    );
  } catch (error) {
    if (isCoppiceError(error) && error.kind === 'input') return new Map();
    throw error;
  }
}

const kinds: readonly MetadataKind[] = ['primary', 'filelists', 'other'];

/** What the packages of a directory come to. */
interface Scan {
  readonly output: string;
  readonly xml: Readonly<Record<MetadataKind, readonly string[]>>;
  readonly count: number;
  readonly reused: number;
  readonly bad: number;
}

function scan(dir: string, options: CreateOptions): Scan {
  const fs = options.fs ?? hostFs;
  const checksum = options.checksum ?? 'sha256';
  const found = findPackages(fs, dir);
  const xml: Record<MetadataKind, string[]> = { primary: [], filelists: [], other: [] };
  const buffer = Buffer.allocUnsafe(wholeLimit);
  const known = options.update ? knownPackages(options.outputDir ?? dir, checksum, fs) : undefined;
  let reused = 0;
  let bad = 0;
  for (const file of found) {
    const old = known?.get(file.href);
    const unchanged = old !== undefined && old.size.package === file.size && old.time.file === file.mtime;
    if (unchanged) reused++;
    try {
      const pkg = unchanged
        ? old
        : describePackageFile(join(dir, file.href), file.href, {
            fs,
            checksum,
            buffer,
            ...(options.changelogLimit === undefined ? {} : { changelogLimit: options.changelogLimit }),
            ...(options.baseUrl === undefined ? {} : { baseUrl: options.baseUrl }),
          });
      const elements = kinds.map((kind) => packageXml(kind, pkg));
      kinds.forEach((kind, i) => {
        xml[kind].push(elements[i]!);
      });
    } catch (error) {
      if (!isCoppiceError(error) || error.kind !== 'input' || options.onBadPackage === undefined) throw error;
      options.onBadPackage(join(dir, file.href), error);
      bad++;
    }
  }
  const output = join(options.outputDir ?? dir, 'repodata');
  return { output, xml, count: found.length - bad, reused, bad };
}

function publish(found: Scan, packed: readonly PackedMetadata[], options: CreateOptions): CreatedRepository {
  const fs = options.fs ?? hostFs;
  const now = Math.floor((options.clock ?? systemClock).now() / 1000);
  const { output, count, reused, bad } = found;
  if (fs.stat(output) === undefined) fs.mkdir(output, 0o755);
  const timestamp = options.timestamp ?? now;
  const records = packed.map((file) => writeMetadata(fs, output, file, timestamp));
  for (const { type, name, bytes } of options.extra ?? [])
    records.push(writeMetadata(fs, output, packMetadata(type, name, [bytes], options), timestamp));
  const repomd: Repomd = {
    revision: options.revision ?? String(now),
    contentTags: options.contentTags ?? [],
    repoTags: options.repoTags ?? [],
    distroTags: options.distroTags ?? [],
    records,
  };
  // The files have their names for good before the index speaks of them.
  fs.syncDir(output);
  const previous = fs.readdir(output);
  replaceFile(join(output, 'repomd.xml'), writeRepomd(repomd), { fs });
  const keep = new Set(['repomd.xml', ...records.map((r) => r.href.slice('repodata/'.length))]);
  for (const name of previous) if (!keep.has(name) && isMetadataName(name)) fs.unlink(join(output, name));
  return { repomd, packages: count, reused, bad };
}

/**
 * Writes the repository metadata of `dir`. The new files are written beside the old ones and repomd.xml is replaced last,
 * so that a reader sees the old repository or the new one; files of the old one are removed after that.
 */
export function createRepository(dir: string, options: CreateOptions = {}): CreatedRepository {
  const found = scan(dir, options);
  const chunks = (kind: MetadataKind) => metadataChunks(kind, found.count, found.xml[kind]);
  return publish(
    found,
    kinds.map((kind) => packMetadata(kind, `${kind}.xml`, chunks(kind), options)),
    options,
  );
}

/** The same with the files compressed side by side on Node's own threads. */
export async function createRepositoryConcurrently(
  dir: string,
  options: CreateOptions = {},
): Promise<CreatedRepository> {
  const found = scan(dir, options);
  const chunks = (kind: MetadataKind) => metadataChunks(kind, found.count, found.xml[kind]);
  const packed = kinds.map((kind) => packConcurrently(kind, `${kind}.xml`, chunks(kind), options));
  return publish(found, await Promise.all(packed), options);
}

/** Names createrepo gives its own files; anything else in repodata/ is left alone. */
function isMetadataName(name: string): boolean {
  return /^([0-9a-f]{32,128}-)?(primary|filelists|other)\.(xml|sqlite)(\.\w+)?$|^[0-9a-f]{32,128}-|^repomd\.xml\.(asc|key)$/.test(
    name,
  );
}
