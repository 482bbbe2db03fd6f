import { hostFs } from '@coppice/linux';
import type { ChecksumSet } from './checksum-set.ts';
import type { Repo } from './repo.ts';
import type { HelperThread } from './thread/helper-thread.ts';
import { SharedWork } from './thread/shared-work.ts';

/** Files given to the helper at once while more are looked for. */
const partSize = 512;

interface Part {
  /** Number of its first file. */
  readonly first: number;
  readonly work: SharedWork;
}

/**
 * The content objects that fsck checks, by their numbers in the set that they are found in, shared with a helper where there
 * is one and enough to do. It begins with the first ones while the set still grows; this thread begins with the last.
 */
export class SharedContents {
  readonly #repo: Repo;
  readonly #files: ChecksumSet;
  readonly #helper: HelperThread | undefined;
  readonly #parts: Part[] = [];
  #helped = false;
  /** Files that are in parts. */
  #parted = 0;
  /** The part that this thread is at. */
  #mine: Part | undefined;

  constructor(repo: Repo, files: ChecksumSet, helper: HelperThread | undefined) {
    this.#repo = repo;
    this.#files = files;
    // It reads the machine's own files.
    this.#helper = repo.fs === hostFs ? helper : undefined;
    if (this.#helper?.isWorth(roughCount(repo) / 2, 0) === true) this.#helper.prepare();
  }

  /** To be called while files are found: the helper gets those that came. */
  grew(): void {
    if (this.#files.size - this.#parted < partSize || this.#helper?.isWorth(this.#files.size, 0) !== true) return;
    this.#helped = true;
    this.#addPart();
  }

  /** Calls the helper when so many bytes have been read that it is worth its start. */
  read(bytes: number): void {
    if (this.#helped || this.#helper?.isWorth(this.#files.size, bytes) !== true) return;
    this.#helped = true;
    for (const part of this.#parts) this.#give(part);
  }

  /** Numbers of the files that this thread checks, when no more are found. */
  *take(): Generator<number, void, undefined> {
    this.read(0);
    this.#addPart();
    for (const part of this.#parts.toReversed()) {
      this.#mine = part;
      for (const i of part.work.take()) yield part.first + i;
    }
  }

  /** The file that `take` gave last is right. */
  markDone(file: number): void {
    this.#mine?.work.markDone(file - this.#mine.first);
  }

  /** Leaves what nobody took yet, and waits for the helper. */
  finish(): void {
    for (const { work } of this.#parts) work.stop();
    if (this.#helped) for (const { work } of this.#parts) work.finish();
  }

  /** After `finish`: numbers of those that were not checked or are not right. */
  *left(): Generator<number, void, undefined> {
    for (const { first, work } of this.#parts) {
      for (let i = 0; i < work.count; i++) if (!work.isDone(i)) yield first + i;
    }
  }

  #addPart(): void {
    const first = this.#parted;
    this.#parted = this.#files.size;
    const part = { first, work: SharedWork.create(this.#parted - first) };
    this.#parts.push(part);
    if (this.#helped) this.#give(part);
  }

  #give({ first, work }: Part): void {
    // A copy, because all of the memory that a part lies in would be sent.
    const checksums = new Uint8Array(this.#files.bytes.subarray(first * 32, (first + work.count) * 32));
    this.#helper?.start({ kind: 'check', memory: work.memory, repo: this.#repo.path, checksums });
  }
}

/** About how many loose objects there are: their names fall evenly into 256 directories, of which this looks at one. */
function roughCount(repo: Repo): number {
  try {
    return repo.fs.readdir(`${repo.path}/objects/80`).length * 256;
  } catch {
    return 0;
  }
}
