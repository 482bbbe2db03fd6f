import { constants } from 'node:fs';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';

// PATH_MAX is 4096; a name and what is put before it for a while must still fit.
const longest = 3500;
const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Other names for directories that lie deeper than a path can say: those of descriptors, which stay open until `close`. On the
 * machine's own file system only; elsewhere every path is its own name.
 */
export class PathAnchors {
  readonly #fs: FileSystem;
  readonly #open: number[] = [];

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  /** A name of a directory that leaves room for what is below it. */
  of(path: string): string {
    if (this.#fs !== hostFs || path.length * 3 < longest || Buffer.byteLength(path) < longest) return path;
    const fd = this.#fs.open(path, flags);
    this.#open.push(fd);
    return `/proc/self/fd/${fd}`;
  }

  close(): void {
    for (const fd of this.#open.splice(0)) this.#fs.close(fd);
  }
}
