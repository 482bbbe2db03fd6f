import { constants } from 'node:fs';
import { CoppiceError } from '@coppice/base';
import type { StreamSink } from '@coppice/http';
import type { Repo } from '../repo.ts';
import { archivedLimit } from '../store/archived-content.ts';

/** Bodies over this go to a file while they arrive: what another thread takes in memory, and what is handled here. */
export const spoolSizes = { shared: 1024 * 1024 - 8192, own: 4 * 1024 * 1024 } as const;

const startSize = 64;
const firstRoom = 64 * 1024;

/** A body as it arrives: in memory while small, then in a file below the repository's `tmp/`. */
export class Spool implements StreamSink {
  readonly path: string;
  readonly #repo: Repo;
  #size = 0;
  #fd: number | undefined;
  /** There is a file. */
  #made = false;
  /** The body is in it. */
  #inFile = false;
  #limit: number | undefined;
  /** The beginning of a body that is in the file. */
  #start: Buffer | undefined;
  readonly #inMemory: number;
  readonly #spare: Buffer[];
  /** The body so far, while it is in memory. */
  #buffer: Buffer | undefined;

  /** Up to `inMemory` bytes are kept in a buffer, taken from `spare` and given back to it. */
  constructor(repo: Repo, path: string, inMemory: number = spoolSizes.own, spare: Buffer[] = []) {
    this.#repo = repo;
    this.path = path;
    this.#inMemory = inMemory;
    this.#spare = spare;
  }

  write(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#limit !== undefined && this.#size > this.#limit) {
      throw new CoppiceError(
        'Corrupt',
        `Corrupted archive file; over ${this.#limit} bytes where its header allows no more`,
      );
    }
    if (!this.#inFile && this.#size <= this.#inMemory) {
      this.#room(this.#size).set(chunk, this.#size - chunk.length);
      return;
    }
    // Before anything goes to disk the header must say how much is to come.
    if (this.#limit === undefined) {
      const start = Buffer.concat([this.#held(this.#size - chunk.length), chunk]);
      this.#limit = archivedLimit(start);
      this.#start = Buffer.from(start.subarray(0, startSize));
    }
    const fd = this.#open(this.#size - chunk.length);
    this.#repo.fs.write(fd, chunk, 0, chunk.length, null);
  }

  #room(size: number): Buffer {
    const before = this.#buffer ?? this.#spare.pop();
    this.#buffer = before;
    if (before !== undefined && before.length >= size) return before;
    let room = firstRoom;
    while (room < size) room *= 2;
    this.#buffer = Buffer.allocUnsafeSlow(room);
    before?.copy(this.#buffer);
    return this.#buffer;
  }

  #held(size: number): Buffer {
    return this.#buffer?.subarray(0, size) ?? Buffer.alloc(0);
  }

  #open(inMemory: number): number {
    if (this.#fd !== undefined) return this.#fd;
    const { fs } = this.#repo;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    this.#fd = fs.open(this.path, flags, 0o644);
    this.#made = true;
    this.#inFile = true;
    fs.write(this.#fd, this.#held(inMemory), 0, inMemory, null);
    this.#giveBack();
    return this.#fd;
  }

  get size(): number {
    return this.#size;
  }

  restart(): void {
    this.#close();
    this.#inFile = false;
    this.#size = 0;
    this.#limit = undefined;
    this.#start = undefined;
  }

  /** The whole body when it is in memory; a view, valid until `discard`. */
  bytes(): Buffer | undefined {
    if (this.#inFile) {
      this.#close();
      return undefined;
    }
    return this.#held(this.#size);
  }

  /** The first bytes, enough for the size and mode of a content object. */
  get start(): Buffer {
    return this.#start ?? this.bytes()?.subarray(0, startSize) ?? Buffer.alloc(0);
  }

  /** Makes sure that the body is in the file. */
  toFile(): void {
    if (!this.#inFile) this.#open(this.#size);
    this.#close();
  }

  #giveBack(): void {
    if (this.#buffer !== undefined) this.#spare.push(this.#buffer);
    this.#buffer = undefined;
  }

  #close(): void {
    if (this.#fd !== undefined) this.#repo.fs.close(this.#fd);
    this.#fd = undefined;
  }

  discard(): void {
    this.#close();
    this.#giveBack();
    if (!this.#made) return;
    try {
      this.#repo.fs.unlink(this.path);
    } catch {
      // Moved away or never there.
    }
  }
}
