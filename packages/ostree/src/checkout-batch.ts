import type { CheckoutOptions } from './checkout.ts';
import type { FileCheckout } from './checkout-file.ts';
import type { Repo } from './repo.ts';
import type { HelperThread } from './thread/helper-thread.ts';
import { SharedWork } from './thread/shared-work.ts';

/** So many are kept at most before they are written: some ten megabytes. */
const limit = 100_000;

/** Files that the helper gets at once: it is to begin soon, but a message costs as much as ten files. */
const partFiles = 512;

let checkouts = 0;

interface Entry {
  readonly name: string;
  readonly checksum: string;
}

/** What is one job for the helper, or none while so few are not worth it. */
class Part {
  readonly names: string[] = [];
  readonly directories: string[] = [];
  readonly directoryOf: number[] = [];
  /** 32 bytes each. */
  checksums = Buffer.allocUnsafe(partFiles * 32);
  work: SharedWork | undefined;

  add(directory: string, files: readonly Entry[]): void {
    const place = this.directories.push(directory) - 1;
    for (const { name, checksum } of files) {
      const at = this.names.push(name) * 32 - 32;
      if (at === this.checksums.length) this.checksums = Buffer.concat([this.checksums], at * 2);
      this.checksums.write(checksum, at, 32, 'hex');
      this.directoryOf.push(place);
    }
  }
}

/** Files of a checkout that are written by two threads: the helper begins while directories are still being made. */
export class CheckoutBatch {
  readonly #repo: Repo;
  readonly #options: CheckoutOptions;
  readonly #files: FileCheckout;
  readonly #helper: HelperThread;
  readonly #checkout = ++checkouts;
  #parts: Part[] = [new Part()];
  /** Parts before this one were given to the helper. */
  #given = 0;
  #count = 0;

  constructor(repo: Repo, options: CheckoutOptions, files: FileCheckout, helper: HelperThread) {
    this.#repo = repo;
    this.#options = options;
    this.#files = files;
    this.#helper = helper;
  }

  /** Files of a directory that is there. */
  add(directory: string, files: readonly Entry[]): void {
    if (files.length === 0) return;
    if (this.#count > limit) this.write();
    this.#count += files.length;
    const part = this.#parts.at(-1)!;
    part.add(directory, files);
    if (part.names.length < partFiles) return;
    this.#parts.push(new Part());
    this.#give(this.#parts.length - 1);
  }

  /** Writes what was added; throws what the first file that fails throws. */
  write(): void {
    const parts = this.#parts;
    this.#give(parts.length);
    try {
      for (const part of parts.toReversed())
        for (const i of part.work?.take() ?? []) {
          this.#one(part, i);
          part.work!.markDone(i);
        }
    } catch {
      // It fails below once more, unless one before it does.
    }
    this.stop();
    // What the helper could not write fails here too, and says why.
    for (const part of parts)
      for (let i = 0; i < part.names.length; i++) if (part.work?.isDone(i) !== true) this.#one(part, i);
    this.#parts = [new Part()];
    this.#given = this.#count = 0;
  }

  /** Leaves what is not written yet; the helper will touch nothing any more. */
  stop(): void {
    for (const { work } of this.#parts) work?.stop();
    for (const { work } of this.#parts) work?.finish();
  }

  #one(part: Part, i: number): void {
    const name = part.names[i]!;
    const checksum = part.checksums.toString('hex', i * 32, i * 32 + 32);
    this.#files.file(checksum, part.directories[part.directoryOf[i]!]!, name, `/${name}`);
  }

  /** Gives the first `count` parts to the helper, once it is known that there is enough for it. */
  #give(count: number): void {
    if (!this.#helper.isWorth(this.#count, 0)) return;
    for (; this.#given < count; this.#given++) this.#start(this.#parts[this.#given]!);
  }

  #start(part: Part): void {
    const { mode, forceCopy, copyEmptyFiles, uncompressedCache, fsync, passthroughWhiteouts } = this.#options;
    part.work = SharedWork.create(part.names.length);
    this.#helper.start({
      kind: 'write',
      memory: part.work.memory,
      checkout: this.#checkout,
      repo: this.#repo.path,
      checksums: part.checksums,
      names: part.names,
      directoryOf: Uint32Array.from(part.directoryOf),
      directories: part.directories,
      options: {
        ...(mode === undefined ? {} : { mode }),
        ...(forceCopy === undefined ? {} : { forceCopy }),
        ...(copyEmptyFiles === undefined ? {} : { copyEmptyFiles }),
        ...(uncompressedCache === undefined ? {} : { uncompressedCache }),
        ...(fsync === undefined ? {} : { fsync }),
        ...(passthroughWhiteouts === undefined ? {} : { passthroughWhiteouts }),
      },
    });
  }
}

/** Whether files are written one like the other, so that it does not matter who writes which and when. */
export function canBatch(repo: Repo, options: CheckoutOptions): boolean {
  const wanted = options.forceCopy === true || repo.mode === 'archive' || options.helperLinks === true;
  const { overwrite = 'none', whiteouts, passthroughWhiteouts, noCopyFallback } = options;
  if (!wanted || overwrite !== 'none' || noCopyFallback === true) return false;
  if (whiteouts === true || (passthroughWhiteouts === true && options.helperLinks !== true)) return false;
  return options.filter === undefined && options.devino === undefined && options.label === undefined;
}
