// Digests of large files beside the main thread: it hands out reading and hashing to Node's threads and goes on with the
// packages' headers; when it has nothing else to do, it waits or hashes too.
import { constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { errnoError } from '@coppice/base';
import { hasNativeDigest, hasSha256Instructions, hostFs, type NativeDigest, nativeDigest } from '@coppice/linux';
import { FilePair, type FileQueue } from './file-pair.ts';
import type { FileDigest } from './package-file.ts';

const pieceSize = 1024 * 1024;
// Small enough to stay near the processor from reading to hashing; so many of them in one turn of the loop.
const helpSize = 64 * 1024;
const helpPieces = 8;
/** One works while the other waits for a turn of the loop. */
const lanes = 2;
/** As many as Node has threads: some read, some wait for a turn of the loop, and two processors are to be busy. */
const pairs = 4;
/** Such files come first: a last one that takes long would keep one thread busy and leave the others idle. */
const longFrom = 4 * 1024 * 1024;

type Outcome = { readonly content: FileDigest } | { readonly error: unknown };

export interface SizedPath {
  readonly path: string;
  readonly size: number;
}

/** The numbers of `files` in the order in which they are hashed. Documents wait for digests: most come as they are needed. */
function orderOf(files: readonly SizedPath[]): number[] {
  const size = (i: number): number => (files[i]!.size < longFrom ? 0 : files[i]!.size);
  return [...files.keys()].sort((a, b) => size(b) - size(a));
}

/** Files of the host's file system, by number; each is hashed once, on one thread or another. */
export class FileDigests implements FileQueue {
  readonly #files: readonly SizedPath[];
  readonly #order: readonly number[];
  readonly #algorithm: string;
  readonly #results: (Outcome | undefined)[];
  readonly #running: Promise<void>[] = [];
  #next = 0;
  #end: number;
  #inPairs = false;
  /** How many files are done with. */
  finished = 0;
  #wake: (() => void) | undefined;

  private constructor(files: readonly SizedPath[], algorithm: string) {
    this.#files = files;
    this.#order = orderOf(files);
    this.#algorithm = algorithm;
    this.#results = new Array(files.length);
    this.#end = files.length;
  }

  /** Undefined where there is no second processor or Node's OpenSSL cannot be called. */
  static start(
    files: readonly SizedPath[],
    algorithm: string,
    wantsPairs: boolean = hasSha256Instructions(),
  ): FileDigests | undefined {
    if (availableParallelism() === 1) return undefined;
    const digests = new FileDigests(files, algorithm);
    const count = wantsPairs && algorithm === 'sha256' ? pairs : 0;
    const some = Array.from({ length: count }, () => FilePair.start(digests));
    for (const pair of some) if (pair !== undefined) digests.#running.push(pair.run());
    digests.#inPairs = digests.#running.length > 0;
    if (digests.#inPairs) return digests;
    if (!hasNativeDigest(algorithm)) return undefined;
    for (let i = 0; i < lanes; i++) digests.#running.push(digests.#lane());
    return digests;
  }

  next(): { readonly path: string; readonly task: number } | undefined {
    if (this.#next >= this.#end) return undefined;
    const task = this.#order[this.#next++]!;
    return { task, path: this.#files[task]!.path };
  }

  #finish(task: number, outcome: Outcome): void {
    this.#results[task] = outcome;
    this.finished++;
    this.#wake?.();
  }

  settle(task: number, content: FileDigest): void {
    this.#finish(task, { content });
  }

  fail(task: number, error: unknown): void {
    this.#finish(task, { error: errnoError(error, this.#files[task]!.path) });
  }

  async #lane(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(pieceSize);
    for (let file = this.next(); file !== undefined; file = this.next()) await this.#hash(file, buffer);
  }

  async #withDigest(
    { path, task }: { readonly path: string; readonly task: number },
    hash: (digest: NativeDigest) => Promise<number>,
  ): Promise<void> {
    try {
      const fd = hostFs.open(path, constants.O_RDONLY);
      try {
        const digest = nativeDigest(this.#algorithm, fd)!;
        try {
          const { mtimeMs } = hostFs.fstat(fd);
          const size = await hash(digest);
          this.settle(task, { digest: digest.hex(), size, mtimeMs });
        } finally {
          digest.free();
        }
      } finally {
        hostFs.close(fd);
      }
    } catch (error) {
      this.fail(task, error);
    }
  }

  #hash(file: { readonly path: string; readonly task: number }, buffer: Buffer): Promise<void> {
    return this.#withDigest(file, async (digest) => {
      let size = 0;
      for (let n = -1; n !== 0; size += n) n = await digest.update(buffer);
      return size;
    });
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
    const file = this.#inPairs ? undefined : this.next();
    if (file !== undefined) {
      await this.#hashHere(file);
      return;
    }
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  #hashHere(file: { readonly path: string; readonly task: number }): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(helpSize);
    return this.#withDigest(file, async (digest) => {
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
    await Promise.all(this.#running);
  }
}
