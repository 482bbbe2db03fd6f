import type { CheckoutOptions } from './checkout.ts';
import type { FileCheckout } from './checkout-file.ts';
import type { Repo } from './repo.ts';
import type { HelperThread } from './thread/helper-thread.ts';
import { SharedWork } from './thread/shared-work.ts';

/** So many are kept at most before they are written: some ten megabytes. */
const limit = 100_000;

/** Files of a checkout that are written by two threads, once their directories are there. */
export class CheckoutBatch {
  readonly #repo: Repo;
  readonly #options: CheckoutOptions;
  readonly #files: FileCheckout;
  readonly #helper: HelperThread;
  readonly #directories: string[] = [];
  /** 32 bytes each. */
  #checksums = Buffer.allocUnsafe(256 * 32);
  readonly #names: string[] = [];
  readonly #directoryOf: number[] = [];

  constructor(repo: Repo, options: CheckoutOptions, files: FileCheckout, helper: HelperThread) {
    this.#repo = repo;
    this.#options = options;
    this.#files = files;
    this.#helper = helper;
  }

  add(directory: string, files: readonly { readonly name: string; readonly checksum: string }[]): void {
    if (this.#names.length > limit) this.write();
    const place = this.#directories.push(directory) - 1;
    for (const { name, checksum } of files) {
      const at = this.#names.push(name) * 32 - 32;
      if (at === this.#checksums.length) this.#checksums = Buffer.concat([this.#checksums], at * 2);
      this.#checksums.write(checksum, at, 32, 'hex');
      this.#directoryOf.push(place);
    }
  }

  /** Writes what was added; throws what the first file that fails throws. */
  write(): void {
    const names = this.#names;
    const work = SharedWork.create(names.length);
    const helped = this.#helper.isWorth(names.length, 0);
    if (helped) this.#start(work);
    const one = (i: number): void => {
      const name = names[i]!;
      this.#files.file(this.#checksum(i), this.#directories[this.#directoryOf[i]!]!, name, `/${name}`);
      work.markDone(i);
    };
    try {
      for (const i of work.take()) one(i);
    } finally {
      work.stop();
      if (helped) work.finish();
    }
    // What the helper could not write fails here too, and says why.
    for (let i = 0; i < names.length; i++) if (!work.isDone(i)) one(i);
    this.#directories.length = 0;
    this.#directoryOf.length = 0;
    names.length = 0;
  }

  #checksum(i: number): string {
    return this.#checksums.toString('hex', i * 32, i * 32 + 32);
  }

  #start(work: SharedWork): void {
    const { mode, forceCopy, copyEmptyFiles, uncompressedCache, fsync, passthroughWhiteouts } = this.#options;
    this.#helper.start({
      kind: 'write',
      memory: work.memory,
      repo: this.#repo.path,
      checksums: this.#checksums,
      names: this.#names,
      directoryOf: Uint32Array.from(this.#directoryOf),
      directories: this.#directories,
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
