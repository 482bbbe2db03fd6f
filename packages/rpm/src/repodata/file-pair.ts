// Two files at a time, hashed together: a processor with instructions for SHA-256 does so in the time of one.
import { constants } from 'node:fs';
import { hostFs, padSha256, readBeside, Sha256Lanes, sha256Padding } from '@coppice/linux';
import type { FileDigest } from './package-file.ts';

const pieceSize = 512 * 1024;
/** Less than this is not left for a further run, in which there may be nothing beside it. */
const restSize = 64 * 1024;

/** Where files come from and digests go to. */
export interface FileQueue {
  /** The path and number of the next file, if there is one. */
  next(): { readonly path: string; readonly task: number } | undefined;
  settle(task: number, content: FileDigest): void;
  fail(task: number, error: unknown): void;
}

interface OpenFile {
  readonly task: number;
  readonly fd: number;
  readonly mtimeMs: number;
}

/** One of the two places. */
class Slot {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(pieceSize + sha256Padding);
  readonly address: number;
  readonly #queue: FileQueue;
  readonly #lanes: Sha256Lanes;
  readonly #lane: number;
  #file: OpenFile | undefined;
  /** So much of the file was read. */
  #size = 0;
  #isWhole = false;
  /** What is not hashed yet, in `bytes`. */
  at = 0;
  end = 0;

  constructor(queue: FileQueue, lanes: Sha256Lanes, lane: number) {
    this.#queue = queue;
    this.#lanes = lanes;
    this.#lane = lane;
    this.address = lanes.addressOf(this.bytes);
  }

  /** Sees to it that there is something to hash, `length` bytes or what is left of a file, unless there are no more files. */
  async fill(length: number): Promise<void> {
    while (this.at === this.end) {
      if (this.#file === undefined && !this.#open()) return;
      const file = this.#file!;
      if (this.#isWhole) {
        this.close();
        this.#queue.settle(file.task, {
          digest: this.#lanes.hex(this.#lane),
          size: this.#size,
          mtimeMs: file.mtimeMs,
        });
        continue;
      }
      try {
        await this.#read(file.fd, length);
      } catch (error) {
        this.fail(error);
      }
    }
  }

  /** Gives up the file, if there is one. */
  fail(error: unknown): void {
    const file = this.#file;
    this.at = this.end = 0;
    this.close();
    if (file !== undefined) this.#queue.fail(file.task, error);
  }

  /** Whether there is a file. */
  #open(): boolean {
    for (let next = this.#queue.next(); next !== undefined; next = this.#queue.next()) {
      const { task, path } = next;
      try {
        const fd = hostFs.open(path, constants.O_RDONLY);
        this.#file = { task, fd, mtimeMs: 0 };
        this.#file = { task, fd, mtimeMs: hostFs.fstat(fd).mtimeMs };
        this.#size = 0;
        this.#isWhole = false;
        this.#lanes.begin(this.#lane);
        return true;
      } catch (error) {
        this.close();
        this.#queue.fail(task, error);
      }
    }
    return false;
  }

  async #read(fd: number, wanted: number): Promise<void> {
    let length = await readBeside(fd, this.bytes, 0, wanted);
    // Less than asked for is mostly the end, which takes no thread to see.
    for (let n = length; n !== 0 && length < wanted; length += n)
      n = hostFs.read(fd, this.bytes, length, wanted - length, null);
    this.#size += length;
    this.at = 0;
    this.#isWhole = length < wanted;
    this.end = this.#isWhole ? padSha256(this.bytes, length, this.#size) : length;
  }

  close(): void {
    if (this.#file !== undefined) hostFs.close(this.#file.fd);
    this.#file = undefined;
  }
}

/** Hashes files with SHA-256 until there are none left. */
export class FilePair {
  readonly #lanes: Sha256Lanes;
  readonly #slots: readonly Slot[];

  private constructor(queue: FileQueue, lanes: Sha256Lanes) {
    this.#lanes = lanes;
    this.#slots = [0, 1].map((lane) => new Slot(queue, lanes, lane));
  }

  /** Undefined where files cannot be hashed together. */
  static start(queue: FileQueue): FilePair | undefined {
    const lanes = Sha256Lanes.start();
    return lanes === undefined ? undefined : new FilePair(queue, lanes);
  }

  /** So much as both can give, or the one that has something. */
  #common(): number {
    return this.#slots.reduce((least, { at, end }) => (end === at ? least : Math.min(least, end - at)), pieceSize);
  }

  async run(): Promise<void> {
    const slots = this.#slots;
    try {
      for (;;) {
        // As much as the other one has left, so that both go on in step.
        const wanted = this.#common();
        await Promise.all(slots.map((slot) => slot.fill(wanted)));
        if (slots.every(({ at, end }) => at === end)) return;
        const length = this.#common();
        slots.forEach((slot, lane) => {
          const rest = slot.end - slot.at;
          const taken = rest - length < restSize ? rest : length;
          this.#lanes.take(lane, slot.address + slot.at, taken);
          slot.at += taken;
        });
        try {
          await this.#lanes.run();
        } catch (error) {
          for (const slot of slots) slot.fail(error);
        }
      }
    } finally {
      for (const slot of slots) slot.close();
    }
  }
}
