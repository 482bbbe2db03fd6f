import { constants, fsync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { FileSystem } from '@coppice/base/fs';
import { nameEnd } from './atomic.ts';
import { hostFs } from './host-fs.ts';
import { removeLeftovers } from './staged-leftovers.ts';

export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const syncBeside = (fd: number): Promise<void> =>
  new Promise((resolve, reject) => {
    fsync(fd, (error) => (error === null ? resolve() : reject(error)));
  });

/**
 * Files of one directory that replace older ones together: any crash leaves an index with all the files it names, the old one
 * or the new. A directory that is not there is made beside its place and gets its name as a whole, when all in it is on the
 * disk. `write`, then `sync` or `syncHere`, then `publish`; `abandon` after an error in any of them.
 */
export class StagedFiles {
  readonly #dir: string;
  readonly #fs: FileSystem;
  #isNew = false;
  /** Where the files are written. */
  #folder: string;
  readonly #names: string[] = [];
  readonly #end = nameEnd();
  readonly #open: number[] = [];

  constructor(dir: string, fs: FileSystem = hostFs) {
    this.#dir = dir;
    this.#fs = fs;
    this.#folder = dir;
  }

  #temporary(name: string): string {
    return join(this.#folder, this.#isNew ? name : `.${name}.${this.#end}`);
  }

  /** Writes them, the index last. Throws Node's errors, as all that follows. */
  write(files: readonly NamedBytes[]): void {
    const fs = this.#fs;
    this.#isNew = fs.stat(this.#dir) === undefined;
    if (this.#isNew) removeLeftovers(fs, dirname(this.#dir), basename(this.#dir));
    else removeLeftovers(fs, this.#dir, undefined);
    if (this.#isNew) {
      this.#folder = join(dirname(this.#dir), `.${basename(this.#dir)}.${this.#end}`);
      fs.mkdir(this.#folder, 0o755);
    }
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    for (const { name, bytes } of files) {
      const fd = fs.open(this.#temporary(name), flags, 0o600);
      this.#names.push(name);
      this.#open.push(fd);
      // Held until all have their names: what is not locked was left by a run that is no more.
      this.#lock(fd);
      fs.write(fd, bytes, 0, bytes.length, null);
      fs.fchmod(fd, 0o644);
    }
    if (this.#isNew) this.#open.push(fs.open(this.#folder, constants.O_RDONLY | constants.O_DIRECTORY));
  }

  #lock(fd: number): void {
    try {
      this.#fs.tryLock(fd, 'exclusive');
    } catch {
      // There are no locks here; then nothing is found to be left over, either.
    }
  }

  #close(): void {
    for (const fd of this.#open.splice(0)) this.#fs.close(fd);
  }

  /** Makes their content durable, one after the other. */
  syncHere(): void {
    for (const fd of this.#open) this.#fs.fsync(fd);
  }

  /** The same, all at once on Node's threads. */
  async sync(): Promise<void> {
    if (this.#fs !== hostFs) return this.syncHere();
    const synced = await Promise.allSettled(this.#open.map(syncBeside));
    for (const result of synced) if (result.status === 'rejected') throw result.reason;
  }

  /** Gives them their names, and the index its own when those of the others are durable. */
  publish(): void {
    const fs = this.#fs;
    if (this.#isNew) {
      fs.rename(this.#folder, this.#dir);
      fs.syncDir(dirname(this.#dir));
      this.#close();
      return;
    }
    const give = (name: string): void => fs.rename(this.#temporary(name), join(this.#dir, name));
    for (const name of this.#names.slice(0, -1)) give(name);
    fs.syncDir(this.#dir);
    for (const name of this.#names.slice(-1)) give(name);
    fs.syncDir(this.#dir);
    this.#close();
  }

  /** Takes away what has no name yet, as far as that can be done: the error before is the one to tell. */
  abandon(): void {
    const fs = this.#fs;
    try {
      this.#close();
      for (const path of this.#names.map((name) => this.#temporary(name)))
        if (fs.lstat(path) !== undefined) fs.unlink(path);
      if (this.#isNew && fs.lstat(this.#folder) !== undefined) fs.rmdir(this.#folder);
    } catch {
      // It stays.
    }
  }
}
