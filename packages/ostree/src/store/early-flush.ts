import type { FileSystem } from '@coppice/base/fs';

/** Bytes of content that are worth a flush of their own. */
const worthwhile = 48 * 1024 * 1024;

/** Has the disk write while more is made, so that the barrier at the end of a transaction has less to wait for. */
export class EarlyFlush {
  readonly #fs: FileSystem;
  readonly #path: string;
  /** Bytes since the last flush began. */
  #unflushed = 0;

  constructor(fs: FileSystem, path: string) {
    this.#fs = fs;
    this.#path = path;
  }

  /** Counts bytes that were written. */
  wrote(bytes: number): void {
    this.#unflushed += bytes;
    if (this.#unflushed < worthwhile) return;
    this.#unflushed = 0;
    this.#fs.beginSyncfs?.(this.#path, () => {});
  }
}
