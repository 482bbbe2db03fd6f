import { join } from 'node:path';
import { isCoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import type { CreateOptions } from './create-options.ts';
import { FileDigests } from './file-digests.ts';
import { type FoundPackage, findPackages } from './find-packages.ts';
import { checksumAlgorithm, loadRepository } from './load-repository.ts';
import { describePackageFile, type FileDigest } from './package-file.ts';
import type { RepositoryPackage } from './repository-package.ts';

/** What the present metadata says, by location; nothing when there is none or it is damaged. */
function knownPackages(dir: string, checksum: string, fs: FileSystem): Map<string, RepositoryPackage> {
  try {
    const { packages } = loadRepository(dir, { fs, filelists: true, changelogs: true });
    return new Map(
      packages
        .filter(
          (pkg) => checksumAlgorithm(pkg.checksum.type) === checksumAlgorithm(checksum) && pkg.fileList !== undefined,
        )
        .map((pkg) => [pkg.location.href, pkg]),
    );
  } catch (error) {
    if (isCoppiceError(error) && error.kind === 'input') return new Map();
    throw error;
  }
}

/** Packages up to this size are read once, into a reused buffer. */
export const wholeLimit = 512 * 1024;
/** So many bytes of larger packages are worth setting up other threads. */
const digestsFrom = 8 * 1024 * 1024;

/** How one of the files that were found is described. */
export class PackageDescriber {
  readonly #dir: string;
  readonly #options: CreateOptions;
  readonly #fs: FileSystem;
  readonly #checksum: string;
  readonly #known: Map<string, RepositoryPackage> | undefined;
  readonly #buffer: Buffer = Buffer.allocUnsafeSlow(wholeLimit);

  constructor(dir: string, options: CreateOptions) {
    this.#dir = dir;
    this.#options = options;
    this.#fs = options.fs ?? hostFs;
    this.#checksum = options.checksum ?? 'sha256';
    this.#known = options.update ? knownPackages(options.outputDir ?? dir, this.#checksum, this.#fs) : undefined;
  }

  find(): FoundPackage[] {
    return findPackages(this.#fs, this.#dir, this.#options.choose);
  }

  path(file: FoundPackage): string {
    return join(this.#dir, file.href);
  }

  /** Where the metadata say it is. */
  location({ href }: FoundPackage): string {
    const { cutDirs = 0, locationPrefix } = this.#options;
    const parts = href.split('/');
    const cut = parts.slice(Math.min(cutDirs, parts.length - 1)).join('/');
    return locationPrefix === undefined ? cut : join(locationPrefix, cut);
  }

  /** What the present metadata say, when they still hold. */
  known(file: FoundPackage): RepositoryPackage | undefined {
    const old = this.#known?.get(this.location(file));
    return old !== undefined && old.size.package === file.size && old.time.file === file.mtime ? old : undefined;
  }

  /** `content` when something else reads and hashes the file. */
  describe(file: FoundPackage, content?: FileDigest): RepositoryPackage {
    const { changelogLimit, baseUrl } = this.#options;
    return describePackageFile(this.path(file), this.location(file), {
      fs: this.#fs,
      checksum: this.#checksum,
      buffer: this.#buffer,
      ...(content === undefined ? {} : { content }),
      ...(changelogLimit === undefined ? {} : { changelogLimit }),
      ...(baseUrl === undefined ? {} : { baseUrl }),
    });
  }

  /** Calls `onBadPackage`, or throws when nobody wants to be told or the package is not to blame. */
  bad(file: FoundPackage, error: unknown): void {
    if (!isCoppiceError(error) || error.kind !== 'input' || this.#options.onBadPackage === undefined) throw error;
    this.#options.onBadPackage(this.path(file), error);
  }

  /** Starts to hash the large ones beside this thread where that is worth it. */
  startDigests(files: readonly FoundPackage[]): FileDigests | undefined {
    if (this.#fs !== hostFs || files.reduce((n, file) => n + file.size, 0) < digestsFrom) return undefined;
    return FileDigests.start(
      files.map((file) => this.path(file)),
      checksumAlgorithm(this.#checksum),
    );
  }
}
