// Digests of large files beside the main thread: it hands out reading and hashing to Node's threads and goes on with the
// packages' headers; when it has nothing else to do, it hashes too.
import { constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { errnoError } from '@coppice/base';
import { hasNativeDigest, hostFs, type NativeDigest, nativeDigest } from '@coppice/linux';
import type { FileDigest } from './package-file.ts';

const pieceSize = 1024 * 1024;
// Small enough to stay near the processor from reading to hashing; so many of them in one turn of the loop.
const helpSize = 64 * 1024;
const helpPieces = 8;
/** One works while the other waits for a turn of the loop. */
const lanes = 2;

type Outcome = { readonly content: FileDigest } | { readonly error: unknown };

/** Files of the host's file system, by number; each is hashed once, on one thread or another. */
export class FileDigests {
  readonly #paths: readonly string[];
  readonly #algorithm: string;
  readonly #results: (Outcome | undefined)[];
  readonly #lanes: Promise<void>[] = [];
  #next = 0;
  #end: number;
  /** How many files are done with. */
  finished = 0;
  #wake: (() => void) | undefined;

  private constructor(paths: readonly string[], algorithm: string) {
    this.#paths = paths;
    this.#algorithm = algorithm;
    this.#results = new Array(paths.length);
    this.#end = paths.length;
  }

  /** Undefined where there is no second processor or Node's OpenSSL cannot be called. */
  static start(paths: readonly string[], algorithm: string): FileDigests | undefined {
    if (availableParallelism() === 1 || !hasNativeDigest(algorithm)) return undefined;
    const digests = new FileDigests(paths, algorithm);
    for (let i = 0; i < lanes; i++) digests.#lanes.push(digests.#lane());
    return digests;
  }

  async #lane(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(pieceSize);
    while (this.#next < this.#end) {
      const task = this.#next++;
      this.#results[task] = await this.#outcome(task, this.#hash(this.#paths[task]!, buffer));
      this.finished++;
      this.#wake?.();
    }
  }

  async #withDigest(path: string, hash: (digest: NativeDigest) => Promise<number>): Promise<FileDigest> {
    const fd = hostFs.open(path, constants.O_RDONLY);
    try {
      const digest = nativeDigest(this.#algorithm, fd)!;
      try {
        const { mtimeMs } = hostFs.fstat(fd);
        const size = await hash(digest);
        return { digest: digest.hex(), size, mtimeMs };
      } finally {
        digest.free();
      }
    } finally {
      hostFs.close(fd);
    }
  }

  #hash(path: string, buffer: Buffer): Promise<FileDigest> {
    return this.#withDigest(path, async (digest) => {
      let size = 0;
      for (let n = -1; n !== 0; size += n) n = await digest.update(buffer);
      return size;
    });
  }

  async #outcome(task: number, work: Promise<FileDigest>): Promise<Outcome> {
    try {
      return { content: await work };
    } catch (error) {
      return { error: errnoError(error, this.#paths[task]!) };
    }
  }

  /** The digest of a file, undefined when it is not known yet. Throws what went wrong with it. */
  result(task: number): FileDigest | undefined {
    const result = this.#results[task];
    if (result === undefined) return undefined;
    if ('error' in result) throw result.error;
    return result.content;
  }

  /** Hashes one file here, letting the other threads get more to do in between, or waits for the next digest. */
  async help(): Promise<void> {
    if (this.#next >= this.#end) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      return;
    }
    const task = this.#next++;
    this.#results[task] = await this.#outcome(task, this.#hashHere(this.#paths[task]!));
    this.finished++;
  }

  #hashHere(path: string): Promise<FileDigest> {
    const buffer = Buffer.allocUnsafeSlow(helpSize);
    return this.#withDigest(path, async (digest) => {
      let size = 0;
      for (let n = -1; n !== 0; ) {
        for (let i = 0; i < helpPieces && n !== 0; i++) {
          n = digest.updateHere(buffer);
          size += n;
        }
        await new Promise(setImmediate);
      }
      return size;
    });
  }

  /** Starts nothing more and waits for what runs. */
  async stop(): Promise<void> {
    this.#end = this.#next;
    await Promise.all(this.#lanes);
  }
}
