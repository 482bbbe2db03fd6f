// The metadata of a directory as its packages are described, large ones hashed beside the rest.
import { digestLength } from '../package/hash-algorithm.ts';
import type { CreateOptions } from './create-options.ts';
import { metadataKinds, packingOf } from './create-options.ts';
import type { FileDigests } from './file-digests.ts';
import type { FoundPackage } from './find-packages.ts';
import { type DigestGaps, HeaderXml } from './header-xml.ts';
import { checksumAlgorithm } from './load-repository.ts';
import { MetadataStream, type PackedMetadata } from './metadata-file.ts';
import { documentEnd, documentStart, packageXml } from './metadata-writer.ts';
import { batchLimit, PackageBatch } from './package-batch.ts';
import type { PackageDescriber } from './package-describer.ts';
import { type RepositoryPackage, writtenBase } from './repository-package.ts';

/** A package that is written except for its digest, which task `task` finds. */
interface Unfinished {
  readonly file: FoundPackage;
  readonly task: number;
  readonly gaps: DigestGaps;
}

/** The XML of `files` in their order, without those that are bad. */
export class RepositoryWriting {
  readonly bad = new Set<FoundPackage>();
  reused = 0;
  readonly #describer: PackageDescriber;
  readonly #streams: readonly MetadataStream[];
  readonly #quick: HeaderXml;
  readonly #files: readonly FoundPackage[];
  readonly #digests: FileDigests | undefined;
  readonly #large: readonly FoundPackage[];
  readonly #batch: PackageBatch | undefined;
  readonly #digestLength: number;
  readonly #onRead: CreateOptions['onRead'];
  #unfinished: Unfinished[] = [];

  constructor(describer: PackageDescriber, files: readonly FoundPackage[], options: CreateOptions) {
    this.#describer = describer;
    this.#files = files;
    this.#onRead = options.onRead;
    this.#large = files.filter((file) => file.size > batchLimit && describer.known(file) === undefined);
    this.#digests = describer.startDigests(this.#large);
    if (this.#digests !== undefined) options.onDigests?.(files.length);
    this.#streams = metadataKinds.map((kind) => new MetadataStream(kind, `${kind}.xml`, packingOf(options)));
    const [primary, filelists, other] = this.#streams.map(({ pieces }) => pieces);
    const checksum = options.checksum ?? 'sha256';
    this.#digestLength = digestLength(checksumAlgorithm(checksum));
    this.#batch = PackageBatch.start(checksumAlgorithm(checksum), (gaps, digest) => this.#fill(gaps, digest));
    this.#quick = new HeaderXml(
      { primary: primary!, filelists: filelists!, other: other! },
      {
        checksum,
        digestLength: this.#digestLength,
        changelogLimit: options.changelogLimit ?? 10,
        baseUrl: writtenBase(options.baseUrl),
      },
    );
    metadataKinds.forEach((kind, i) => {
      this.#streams[i]!.pieces.xml(documentStart(kind, files.length));
    });
  }

  /** Writes what is known of a package; its digest is filled in later where `digest` stands in its place. */
  #write(pkg: RepositoryPackage, digest?: string): DigestGaps {
    const gaps: DigestGaps[number][] = [];
    metadataKinds.forEach((kind, i) => {
      const { pieces } = this.#streams[i]!;
      const xml = packageXml(kind, pkg);
      const at = digest === undefined ? -1 : xml.indexOf(digest);
      if (at < 0) pieces.xml(xml);
      else {
        pieces.xml(xml.slice(0, at));
        gaps.push(pieces.gap(this.#digestLength));
        pieces.xml(xml.slice(at + this.#digestLength));
      }
    });
    return gaps;
  }

  #fill(gaps: DigestGaps, digest: string): void {
    gaps.forEach((gap, i) => {
      this.#streams[i]!.pieces.fill(gap, digest);
    });
  }

  #describe(file: FoundPackage, task: number | undefined): void {
    const describer = this.#describer;
    try {
      const old = describer.known(file);
      if (old !== undefined) {
        this.reused++;
        metadataKinds.forEach((kind, i) => {
          this.#streams[i]!.pieces.xml(old(kind));
        });
        return;
      }
      this.#onRead?.(file.href);
      const quick = describer.quick(file, this.#quick, task !== undefined, this.#batch);
      if (task === undefined) {
        if (quick === undefined) this.#write(describer.describe(file));
        return;
      }
      // Nothing else in the XML before it looks like this.
      const digest = '_'.repeat(this.#digestLength);
      const pending = { digest, size: file.size, mtimeMs: file.mtime * 1000 };
      this.#unfinished.push({
        file,
        task,
        gaps: quick ?? this.#write(describer.describe(file, pending), digest),
      });
    } catch (error) {
      describer.bad(file, error);
      this.bad.add(file);
    }
  }

  /** Fills in the digests that are known by now; whether all are. */
  #settle(): boolean {
    this.#unfinished = this.#unfinished.filter(({ file, task, gaps }) => {
      try {
        const content = this.#digests!.result(task);
        if (content === undefined) return true;
        this.#fill(gaps, content.digest);
      } catch (error) {
        this.#describer.bad(file, error);
        this.bad.add(file);
      }
      return false;
    });
    return this.#unfinished.length === 0;
  }

  /** Whether there was something for other threads. */
  #flush(): boolean {
    let some = false;
    for (const stream of this.#streams) some = stream.flush() || some;
    return some;
  }

  async run(): Promise<PackedMetadata[]> {
    try {
      let task = 0;
      let settled = 0;
      for (const file of this.#files) {
        const isLarge = this.#digests !== undefined && file === this.#large[task];
        this.#describe(file, isLarge ? task++ : undefined);
        // Other threads are given more to do.
        if (this.#flush() || this.#digests !== undefined) {
          await new Promise(setImmediate);
          if (this.#digests !== undefined && this.#digests.finished > settled) {
            settled = this.#digests.finished;
            this.#settle();
          }
        }
      }
      this.#batch?.hash();
      while (!this.#settle()) {
        this.#flush();
        await this.#digests!.help();
      }
    } catch (error) {
      for (const stream of this.#streams) stream.abandon();
      throw error;
    } finally {
      await this.#digests?.stop();
    }
    metadataKinds.forEach((kind, i) => {
      this.#streams[i]!.pieces.xml(documentEnd(kind));
    });
    return Promise.all(this.#streams.map((stream) => stream.finish()));
  }
}
