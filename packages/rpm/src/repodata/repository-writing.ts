// The metadata of a directory as its packages are described, large ones hashed beside the rest.
import type { CreateOptions } from './create-options.ts';
import { metadataKinds } from './create-options.ts';
import type { FileDigests } from './file-digests.ts';
import type { FoundPackage } from './find-packages.ts';
import { MetadataStream, type PackedMetadata } from './metadata-file.ts';
import { documentEnd, documentStart, packageXml } from './metadata-writer.ts';
import { type PackageDescriber, wholeLimit } from './package-describer.ts';
import type { RepositoryPackage } from './repository-package.ts';

/** A package that is described except for its digest, which task `task` finds. */
interface Described {
  readonly pkg: RepositoryPackage;
  readonly task: number | undefined;
}

/** The XML of `files` in their order, without those that are bad. */
export class RepositoryWriting {
  readonly bad = new Set<FoundPackage>();
  reused = 0;
  readonly #describer: PackageDescriber;
  readonly #streams: readonly MetadataStream[];
  readonly #files: readonly FoundPackage[];
  readonly #described: (Described | undefined)[] = [];
  readonly #digests: FileDigests | undefined;
  readonly #large: readonly FoundPackage[];
  #written = 0;

  constructor(describer: PackageDescriber, files: readonly FoundPackage[], options: CreateOptions) {
    this.#describer = describer;
    this.#files = files;
    this.#large = files.filter((file) => file.size > wholeLimit && describer.known(file) === undefined);
    this.#digests = describer.startDigests(this.#large);
    this.#streams = metadataKinds.map((kind) => new MetadataStream(kind, `${kind}.xml`, options));
    metadataKinds.forEach((kind, i) => {
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
      metadataKinds.forEach((kind, i) => {
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
    metadataKinds.forEach((kind, i) => {
      this.#streams[i]!.write(documentEnd(kind));
    });
    return Promise.all(this.#streams.map((stream) => stream.finish()));
  }
}
