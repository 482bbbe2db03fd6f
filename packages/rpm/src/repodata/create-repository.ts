// createrepo: scans a directory of packages and writes repodata/ beside them.
import { join } from 'node:path';
import type { Compression } from '@coppice/archive';
import { type Clock, type CoppiceError, isCoppiceError, systemClock } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, replaceFile, replaceFiles } from '@coppice/linux';
import { FileDigests } from './file-digests.ts';
import { type FoundPackage, findPackages } from './find-packages.ts';
import { checksumAlgorithm, loadRepository } from './load-repository.ts';
import { MetadataStream, metadataRecord, type PackedMetadata, packMetadata } from './metadata-file.ts';
import { documentEnd, documentStart, type MetadataKind, metadataChunks, packageXml } from './metadata-writer.ts';
import { describePackageFile, type FileDigest } from './package-file.ts';
import { type Repomd, writeRepomd } from './repomd.ts';
import type { RepositoryPackage } from './repository-package.ts';

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

/** Packages up to this size are read once, into a reused buffer. */
const wholeLimit = 512 * 1024;
/** So many bytes of larger packages are worth setting up other threads. */
const digestsFrom = 8 * 1024 * 1024;

/** How one of the files that were found is described. */
class Describer {
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
    return findPackages(this.#fs, this.#dir);
  }

  path(file: FoundPackage): string {
    return join(this.#dir, file.href);
  }

  /** What the present metadata say, when they still hold. */
  known(file: FoundPackage): RepositoryPackage | undefined {
    const old = this.#known?.get(file.href);
    return old !== undefined && old.size.package === file.size && old.time.file === file.mtime ? old : undefined;
  }

  /** `content` when something else reads and hashes the file. */
  describe(file: FoundPackage, content?: FileDigest): RepositoryPackage {
    const { changelogLimit, baseUrl } = this.#options;
    return describePackageFile(this.path(file), file.href, {
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
      this.#checksum,
    );
  }
}

/** All files of a new repodata/ except its index. */
interface Prepared {
  readonly fs: FileSystem;
  /** The folder, which is there. */
  readonly output: string;
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly repomd: Repomd;
}

function prepare(dir: string, packed: readonly PackedMetadata[], options: CreateOptions): Prepared {
  const fs = options.fs ?? hostFs;
  const now = Math.floor((options.clock ?? systemClock).now() / 1000);
  const output = join(options.outputDir ?? dir, 'repodata');
  if (fs.stat(output) === undefined) fs.mkdir(output, 0o755);
  const extra = (options.extra ?? []).map(({ type, name, bytes }) => packMetadata(type, name, [bytes], options));
  const all = [...packed, ...extra];
  const repomd: Repomd = {
    revision: options.revision ?? String(now),
    contentTags: options.contentTags ?? [],
    repoTags: options.repoTags ?? [],
    distroTags: options.distroTags ?? [],
    records: all.map((file) => metadataRecord(file, options.timestamp ?? now)),
  };
  return { fs, output, files: all.map(({ fileName, bytes }) => ({ name: fileName, bytes })), repomd };
}

/** The files have their names for good before the index speaks of them. */
function publish({ fs, output, files, repomd }: Prepared): Repomd {
  const previous = fs.readdir(output);
  replaceFile(join(output, 'repomd.xml'), writeRepomd(repomd), { fs });
  const keep = new Set(['repomd.xml', ...files.map((file) => file.name)]);
  for (const name of previous) if (!keep.has(name) && isMetadataName(name)) fs.unlink(join(output, name));
  return repomd;
}

/**
 * Writes the repository metadata of `dir`. The new files are written beside the old ones and repomd.xml is replaced last,
 * so that a reader sees the old repository or the new one; files of the old one are removed after that.
 */
export function createRepository(dir: string, options: CreateOptions = {}): CreatedRepository {
  const describer = new Describer(dir, options);
  const xml: Record<MetadataKind, string[]> = { primary: [], filelists: [], other: [] };
  const found = describer.find();
  let reused = 0;
  let bad = 0;
  for (const file of found) {
    const old = describer.known(file);
    try {
      const pkg = old ?? describer.describe(file);
      const elements = kinds.map((kind) => packageXml(kind, pkg));
      kinds.forEach((kind, i) => {
        xml[kind].push(elements[i]!);
      });
      if (old !== undefined) reused++;
    } catch (error) {
      describer.bad(file, error);
      bad++;
    }
  }
  const packages = found.length - bad;
  const packed = kinds.map((kind) =>
    packMetadata(kind, `${kind}.xml`, metadataChunks(kind, packages, xml[kind]), options),
  );
  const prepared = prepare(dir, packed, options);
  const { fs, output, files } = prepared;
  for (const { name, bytes } of files) replaceFile(join(output, name), bytes, { fs, syncDir: false });
  fs.syncDir(output);
  return { repomd: publish(prepared), packages, reused, bad };
}

/** A package that is described except for its digest, which task `task` finds. */
interface Described {
  readonly pkg: RepositoryPackage;
  readonly task: number | undefined;
}

/** The XML of `files` in their order, without those that are bad. */
class Writing {
  readonly bad = new Set<FoundPackage>();
  reused = 0;
  readonly #describer: Describer;
  readonly #streams: readonly MetadataStream[];
  readonly #files: readonly FoundPackage[];
  readonly #described: (Described | undefined)[] = [];
  readonly #digests: FileDigests | undefined;
  readonly #large: readonly FoundPackage[];
  #written = 0;

  constructor(describer: Describer, files: readonly FoundPackage[], options: CreateOptions) {
    this.#describer = describer;
    this.#files = files;
    this.#large = files.filter((file) => file.size > wholeLimit && describer.known(file) === undefined);
    this.#digests = describer.startDigests(this.#large);
    this.#streams = kinds.map((kind) => new MetadataStream(kind, `${kind}.xml`, options));
    kinds.forEach((kind, i) => {
      this.#streams[i]!.write(documentStart(kind, files.length));
    });
  }

  #describe(index: number, task: number | undefined): Described | undefined {
    const file = this.#files[index]!;
    const old = this.#describer.known(file);
    try {
      if (old !== undefined) this.reused++;
      const pending = task === undefined ? undefined : { digest: '', size: file.size, mtimeMs: file.mtime * 1000 };
      return { pkg: old ?? this.#describer.describe(file, pending), task };
    } catch (error) {
      this.#describer.bad(file, error);
      this.bad.add(file);
      return undefined;
    }
  }

  /** Writes what is described and has its digest, up to the first that has none. */
  #flush(): boolean {
    for (; this.#written < this.#described.length; this.#written++) {
      const described = this.#described[this.#written];
      if (described === undefined) continue;
      let { pkg } = described;
      if (described.task !== undefined) {
        try {
          const content = this.#digests!.result(described.task);
          if (content === undefined) return false;
          const { checksum, size, time } = pkg;
          pkg = {
            ...pkg,
            checksum: { ...checksum, value: content.digest },
            size: { ...size, package: content.size },
            time: { ...time, file: Math.floor(content.mtimeMs / 1000) },
          };
        } catch (error) {
          const file = this.#files[this.#written]!;
          this.#describer.bad(file, error);
          this.bad.add(file);
          continue;
        }
      }
      kinds.forEach((kind, i) => {
        this.#streams[i]!.write(packageXml(kind, pkg));
      });
      this.#described[this.#written] = undefined;
    }
    return true;
  }

  async run(): Promise<PackedMetadata[]> {
    try {
      let task = 0;
      for (let i = 0; i < this.#files.length; i++) {
        const isLarge = this.#digests !== undefined && this.#files[i] === this.#large[task];
        this.#described.push(this.#describe(i, isLarge ? task++ : undefined));
        this.#flush();
        // Other threads are given more to do.
        if (this.#digests !== undefined) await new Promise(setImmediate);
      }
      while (!this.#flush()) await this.#digests!.help();
    } finally {
      await this.#digests?.stop();
    }
    kinds.forEach((kind, i) => {
      this.#streams[i]!.write(documentEnd(kind));
    });
    return Promise.all(this.#streams.map((stream) => stream.finish()));
  }
}

/** The same with large packages hashed and metadata compressed on Node's own threads, and without holding the metadata. */
export async function createRepositoryConcurrently(
  dir: string,
  options: CreateOptions = {},
): Promise<CreatedRepository> {
  const describer = new Describer(dir, options);
  let files = describer.find();
  const total = files.length;
  for (;;) {
    const writing = new Writing(describer, files, options);
    const packed = await writing.run();
    // The documents begin with the number of packages: when some are bad, all is written again without them.
    if (writing.bad.size === 0) {
      const { reused } = writing;
      const prepared = prepare(dir, packed, options);
      await replaceFiles(prepared.output, prepared.files, { fs: prepared.fs });
      return { repomd: publish(prepared), packages: files.length, reused, bad: total - files.length };
    }
    files = files.filter((file) => !writing.bad.has(file));
  }
}

/** Names createrepo gives its own files; anything else in repodata/ is left alone. */
function isMetadataName(name: string): boolean {
  return /^([0-9a-f]{32,128}-)?(primary|filelists|other)\.(xml|sqlite)(\.\w+)?$|^[0-9a-f]{32,128}-|^repomd\.xml\.(asc|key)$/.test(
    name,
  );
}
