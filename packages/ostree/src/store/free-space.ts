import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { formatSize } from '../codec/format-size.ts';
import type { RepoSettings } from './settings.ts';

/** Counts what content written in a transaction may still take, after `min-free-space-percent` or `-size`. */
export class FreeSpace {
  readonly #blockSize: number;
  readonly #setting: RepoSettings['minFreeSpace'];
  #blocksLeft: number;

  constructor(fs: FileSystem, repo: string, setting: RepoSettings['minFreeSpace']) {
    const usage = fs.usage(repo);
    const free = process.getuid?.() === 0 ? usage.free : usage.available;
    const kept = 'bytes' in setting ? setting.bytes : usage.total * (setting.percent / 100);
    this.#setting = setting;
    this.#blockSize = usage.blockSize;
    this.#blocksLeft = Math.max(0, Math.floor((free - kept) / usage.blockSize));
    if ('percent' in setting && setting.percent === 0) this.#blocksLeft = Number.POSITIVE_INFINITY;
  }

  /** Takes space for an object of `size` bytes; throws `NoSpace` with libostree's words. */
  reserve(size: number): void {
    const blocks = Math.floor(size / this.#blockSize) + 1;
    if (blocks > this.#blocksLeft) throw this.#exceeded(blocks * this.#blockSize);
    this.#blocksLeft -= blocks;
  }

  /** Gives space back, for an object that was there already. */
  refund(size: number): void {
    this.#blocksLeft += Math.floor(size / this.#blockSize) + 1;
  }

  /** Bytes left to write. */
  get available(): number {
    return this.#blocksLeft * this.#blockSize;
  }

  #exceeded(bytes: number): CoppiceError {
    const what =
      'bytes' in this.#setting
        ? `min-free-space-size ${this.#setting.text}`
        : `min-free-space-percent '${this.#setting.percent}%'`;
    return new CoppiceError('NoSpace', `${what} would be exceeded, at least ${formatSize(bytes)} requested`);
  }
}
