import { constants } from 'node:fs';
import { join } from 'node:path';
import { errnoError, isCoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hashBytes, hostFs } from '@coppice/linux';
import type { CreateOptions } from './create-options.ts';
import { FileDigests } from './file-digests.ts';
import { type FoundPackage, findPackages } from './find-packages.ts';
import { type DigestGaps, HeaderXml } from './header-xml.ts';
import { checksumAlgorithm, loadRepository, readRepomd } from './load-repository.ts';
import { type MetadataKind, packageXml } from './metadata-writer.ts';
import { batchLimit, type PackageBatch } from './package-batch.ts';
import { describePackageFile, type FileDigest } from './package-file.ts';
import { type RepositoryPackage, writtenBase } from './repository-package.ts';
import { type WrittenPackage, writtenPackages } from './written-elements.ts';

/** What the present metadata say about a package. */
export interface KnownPackage {
  readonly base: string | undefined;
  readonly size: number;
  /** Seconds. */
  readonly time: number;
  /** Its elements, where it is relative to `base`. */
  xml(kind: MetadataKind, base: string | undefined): string;
}

function general(pkg: RepositoryPackage): KnownPackage {
  const { href, base } = pkg.location;
  return {
    base,
    size: pkg.size.package,
    time: pkg.time.file,
    xml(kind, other) {
      if (other !== pkg.location.base)
        Object.defineProperty(pkg, 'location', {
          value: other === undefined ? { href } : { href, base: other },
          configurable: true,
        });
      return packageXml(kind, pkg);
    },
  };
}

const written = ({ size, time, elements }: WrittenPackage): KnownPackage => ({
  base: undefined,
  size,
  time,
  xml: (kind) => elements[kind],
});

/** What the present metadata say, by location; nothing when there are none or they are damaged. */
function knownPackages(dir: string, checksum: string, fs: FileSystem, moves: boolean): Map<string, KnownPackage> {
  const isSame = (type: string): boolean => checksumAlgorithm(type) === checksumAlgorithm(checksum);
  try {
    // Where locations stay what they are, texts may stay too.
    const kept = moves ? undefined : writtenPackages(dir, readRepomd(dir, fs), fs);
    if (kept !== undefined)
      return new Map(kept.filter((pkg) => isSame(pkg.checksumType)).map((pkg) => [pkg.href, written(pkg)]));
    const { packages } = loadRepository(dir, { fs, filelists: true, changelogs: true });
    return new Map(
      packages
        .filter((pkg) => isSame(pkg.checksum.type) && pkg.fileList !== undefined)
        .map((pkg) => [pkg.location.href, general(pkg)]),
    );
  } catch (error) {
    if (isCoppiceError(error) && error.kind === 'input') return new Map();
    throw error;
  }
}

/** Of a large package so much is read at first: more than most headers take. */
const headLength = 32 * 1024;
/** Packages up to this size are read once, into a reused buffer. */
const wholeLimit = 512 * 1024;
/** So many bytes of larger packages are worth setting up other threads. */
const digestsFrom = 8 * 1024 * 1024;

/** The elements of a package that is known. */
export type KnownXml = (kind: MetadataKind) => string;

/** How one of the files that were found is described. */
export class PackageDescriber {
  readonly #dir: string;
  /** How the paths in each of the volumes begin. */
  readonly #starts: readonly string[];
  readonly #options: CreateOptions;
  readonly #fs: FileSystem;
  readonly #checksum: string;
  readonly #algorithm: string;
  readonly #known: Map<string, KnownPackage> | undefined;
  /** Locations that are not new. */
  readonly #recycled: readonly string[] | undefined;
  readonly #buffer: Buffer = Buffer.allocUnsafeSlow(wholeLimit);

  constructor(dir: string, options: CreateOptions) {
    this.#dir = dir;
    this.#starts = [dir, ...(options.volumes ?? [])].map((volume) => (volume.endsWith('/') ? volume : `${volume}/`));
    this.#options = options;
    this.#fs = options.fs ?? hostFs;
    this.#checksum = options.checksum ?? 'sha256';
    this.#algorithm = checksumAlgorithm(this.#checksum);
    const { outputDir = dir, updateFrom = [], update, recycle } = options;
    const moves = options.baseUrl !== undefined || options.volumes !== undefined;
    const knownIn = (from: string): Map<string, KnownPackage> => knownPackages(from, this.#checksum, this.#fs, moves);
    if (update === true || recycle === true) this.#known = new Map();
    for (const from of update === true ? [...updateFrom].reverse() : [])
      for (const [href, pkg] of knownIn(from)) this.#known!.set(href, pkg);
    const present = this.#known === undefined ? [] : [...knownIn(outputDir)];
    if (recycle === true) this.#recycled = present.map(([href]) => href);
    if (update === true) for (const [href, pkg] of present) this.#known!.set(href, pkg);
  }

  find(): FoundPackage[] {
    const { choose = {}, volumes = [] } = this.#options;
    const choice =
      this.#recycled === undefined ? choose : { ...choose, only: [...(choose.only ?? []), ...this.#recycled] };
    const found = findPackages(this.#fs, this.#dir, choice);
    volumes.forEach((dir, i) => {
      for (const file of findPackages(this.#fs, dir, choice)) found.push({ ...file, volume: i + 1 });
    });
    return found;
  }

  path(file: FoundPackage): string {
    return `${this.#starts[file.volume ?? 0]}${file.href}`;
  }

  /** What the location is relative to, where it is not the repository. */
  #base({ volume = 0 }: FoundPackage): string | undefined {
    const { baseUrl, volumes } = this.#options;
    if (volumes === undefined) return baseUrl;
    return `${baseUrl ?? 'media:'}#${volume + 1}`;
  }

  /** Where the metadata say it is. */
  location({ href }: FoundPackage): string {
    const { cutDirs = 0, locationPrefix } = this.#options;
    if (cutDirs === 0 && locationPrefix === undefined) return href;
    const parts = href.split('/');
    const cut = parts.slice(Math.min(cutDirs, parts.length - 1)).join('/');
    return locationPrefix === undefined ? cut : join(locationPrefix, cut);
  }

  /** What the present metadata say, when they still hold. */
  known(file: FoundPackage): KnownXml | undefined {
    const old = this.#known?.get(this.location(file));
    if (old === undefined) return undefined;
    if (this.#options.skipStat !== true && (old.size !== file.size || old.time !== file.mtime)) return undefined;
    const base = this.#base(file);
    const moves = old.base !== base && (old.base === undefined || old.base !== writtenBase(base));
    if (moves && this.#options.volumes !== undefined) return undefined;
    return (kind) => old.xml(kind, moves ? base : old.base);
  }

  /** `known` when something else reads and hashes the file. */
  describe(file: FoundPackage, known?: FileDigest): RepositoryPackage {
    const { changelogLimit } = this.#options;
    const path = this.path(file);
    const content = known ?? this.#options.digestOf?.(path);
    const baseUrl = this.#base(file);
    return describePackageFile(path, this.location(file), {
      fs: this.#fs,
      checksum: this.#checksum,
      buffer: this.#buffer,
      ...(content === undefined ? {} : { content }),
      ...(changelogLimit === undefined ? {} : { changelogLimit }),
      ...(baseUrl === undefined ? {} : { baseUrl }),
    });
  }

  /** Fills the buffer from `from` up to `to`; how far it came. */
  #read(fd: number, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const n = this.#fs.read(fd, this.#buffer, at, to - at, at);
      if (n === 0) break;
      at += n;
    }
    return at;
  }

  /**
   * Writes the package in the quick way, without its digest: something else hashes the file, or `batch` does. Undefined when it
   * cannot be done so.
   */
  quick(file: FoundPackage, xml: HeaderXml, hashed: boolean, batch: PackageBatch | undefined): DigestGaps | undefined {
    if (this.#options.digestOf !== undefined || this.#options.volumes !== undefined) return undefined;
    let fd: number;
    try {
      fd = this.#fs.open(this.path(file), constants.O_RDONLY);
    } catch {
      return undefined;
    }
    try {
      return hashed ? this.#quickHead(fd, file, xml) : this.#quickWhole(fd, file, xml, batch);
    } finally {
      this.#fs.close(fd);
    }
  }

  #quickHead(fd: number, file: FoundPackage, xml: HeaderXml): DigestGaps | undefined {
    const buffer = this.#buffer;
    const { size, mtimeMs } = this.#fs.fstat(fd);
    let length = this.#read(fd, 0, Math.min(headLength, size));
    const end = HeaderXml.extent(buffer, length);
    if (end > buffer.length) return undefined;
    length = this.#read(fd, length, end);
    return xml.write(buffer, length, {
      digest: undefined,
      fileSize: size,
      fileTime: Math.floor(mtimeMs / 1000),
      href: this.location(file),
    });
  }

  #quickWhole(fd: number, file: FoundPackage, xml: HeaderXml, given: PackageBatch | undefined): DigestGaps | undefined {
    const { size, mtime } = file;
    if (size >= wholeLimit) return undefined;
    const batch = size > batchLimit ? undefined : given;
    const buffer = batch?.room(size) ?? this.#buffer;
    // One more shows whether it is still as long as when it was found.
    const length = this.#fs.read(fd, buffer, 0, size + 1, 0);
    if (length !== size) return undefined;
    const gaps = xml.write(buffer, length, {
      digest: batch === undefined ? hashBytes(this.#algorithm, buffer.subarray(0, length)) : undefined,
      fileSize: size,
      fileTime: mtime,
      href: this.location(file),
    });
    if (gaps !== undefined) batch?.add(size, gaps);
    return gaps;
  }

  /** Calls `onBadPackage`, or throws when nobody wants to be told or the package is not to blame. */
  bad(file: FoundPackage, error: unknown): void {
    const path = this.path(file);
    const typed = isCoppiceError(error) ? error : errnoError(error, path);
    if (typed.kind === 'bug' || this.#options.onBadPackage === undefined) throw typed;
    this.#options.onBadPackage(path, typed);
  }

  /** Starts to hash the large ones beside this thread where that is worth it. */
  startDigests(files: readonly FoundPackage[]): FileDigests | undefined {
    if (this.#fs !== hostFs || this.#options.digestOf !== undefined) return undefined;
    if (files.reduce((n, file) => n + file.size, 0) < digestsFrom) return undefined;
    return FileDigests.start(
      files.map((file) => ({ path: this.path(file), size: file.size })),
      this.#algorithm,
    );
  }
}
