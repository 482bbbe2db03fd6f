import { constants } from 'node:fs';
import { CoppiceError } from '@coppice/base';
import type { StreamSink } from '@coppice/http';
import type { Repo } from '../repo.ts';
import { archivedLimit } from '../store/archived-content.ts';

/** Bodies over this go to a file while they arrive: what another thread takes in memory, and what is handled here. */
export const spoolSizes = { shared: 1024 * 1024 - 8192, own: 4 * 1024 * 1024 } as const;

const startSize = 64;

/** A body as it arrives: in memory while small, then in a file below the repository's `tmp/`. */
export class Spool implements StreamSink {
  readonly path: string;
  readonly #repo: Repo;
  #parts: Uint8Array[] = [];
  #size = 0;
  #fd: number | undefined;
  #made = false;
  #limit: number | undefined;
  /** The beginning of a body that is in the file. */
  #start: Buffer | undefined;
  readonly #inMemory: number;

  constructor(repo: Repo, path: string, inMemory: number = spoolSizes.own) {
    this.#repo = repo;
    this.path = path;
    this.#inMemory = inMemory;
  }

  write(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#limit !== undefined && this.#size > this.#limit) {
      throw new CoppiceError(
        'Corrupt',
        `Corrupted archive file; over ${this.#limit} bytes where its header allows no more`,
      );
    }
    if (this.#fd === undefined && this.#size <= this.#inMemory) {
      this.#parts.push(chunk);
      return;
    }
    // Before anything goes to disk the header must say how much is to come.
    if (this.#limit === undefined) {
      const start = Buffer.concat([...this.#parts, chunk]);
      this.#limit = archivedLimit(start);
      this.#start = Buffer.from(start.subarray(0, startSize));
    }
    const fd = this.#open();
    this.#repo.fs.write(fd, chunk, 0, chunk.length, null);
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd;
    const { fs } = this.#repo;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    this.#fd = fs.open(this.path, flags, 0o644);
    this.#made = true;
    for (const part of this.#parts) fs.write(this.#fd, part, 0, part.length, null);
    this.#parts = [];
    return this.#fd;
  }

  get size(): number {
    return this.#size;
  }

  restart(): void {
    this.#close();
    this.#parts = [];
    this.#size = 0;
    this.#limit = undefined;
  }

  /** The whole body when it is in memory. */
  bytes(): Buffer | undefined {
    if (this.#made) {
      this.#close();
      return undefined;
    }
    const [only] = this.#parts;
    if (this.#parts.length === 1 && only !== undefined)
      return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
    const joined = Buffer.concat(this.#parts);
    this.#parts = [joined];
    return joined;
  }

  /** The first bytes, enough for the size and mode of a content object. */
  get start(): Buffer {
    return this.#start ?? this.bytes()?.subarray(0, startSize) ?? Buffer.alloc(0);
  }

  /** Makes sure that the body is in the file. */
  toFile(): void {
    if (!this.#made) this.#open();
    this.#close();
  }

  #close(): void {
    if (this.#fd !== undefined) this.#repo.fs.close(this.#fd);
    this.#fd = undefined;
  }

  discard(): void {
    this.#close();
    if (!this.#made) return;
    try {
      this.#repo.fs.unlink(this.path);
    } catch {
      // Moved away or never there.
    }
  }
}
