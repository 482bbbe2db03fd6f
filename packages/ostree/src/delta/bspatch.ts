import { CoppiceError } from '@coppice/base';
import { type SummingMemory, summingMemory } from './byte-sum.ts';

function corrupt(): CoppiceError {
  return new CoppiceError('Corrupt', 'bsdiff: malformed patch');
}

/** Bytes of the old file, by position, that a patch is applied to. */
export interface OldBytes {
  readonly size: number;
  /** Fills `into` from `position` on; as many bytes are there. */
  read(into: Uint8Array, position: number): void;
}

const pieceSize = 256 * 1024;
/** An old file up to this size is read whole: patches may go to and fro in it. */
const wholeSize = 8 * 1024 * 1024;
const windowSize = 1024 * 1024;
/** What is read at a place that does not follow the last one, and before one that the patch goes back to. */
const jumpSize = 64 * 1024;
const behind = 16 * 1024;
/** In memory, behind the piece that is made: so much of the patch, then of the old file. */
const patchSize = pieceSize >> 2;
const patchAt = pieceSize;
const oldAt = patchAt + patchSize;

/** Parts of the patch and of the old file in memory, and the piece that is made of them. */
class Workspace {
  #old: OldBytes = { size: 0, read: () => {} };
  #patch: Uint8Array = new Uint8Array(0);
  #patchStart = 0;
  #patchEnd = 0;
  readonly memory: SummingMemory = summingMemory(oldAt + windowSize);
  #start = 0;
  #end = 0;

  /** Takes another file and its patch. */
  begin(old: OldBytes, patch: Uint8Array): void {
    this.#old = old;
    this.#patch = patch;
    this.#patchStart = 0;
    this.#patchEnd = 0;
    this.#start = 0;
    this.#end = 0;
    const { memory } = this;
    const room = old.size <= wholeSize ? old.size : windowSize;
    if (memory.bytes.length < oldAt + room) memory.grow(oldAt + Math.min(wholeSize, room * 2));
    if (old.size <= wholeSize) this.#fill(0, old.size);
  }

  #fill(start: number, size: number): void {
    this.#start = start;
    this.#end = Math.min(this.#old.size, start + size);
    this.#old.read(this.memory.bytes.subarray(oldAt, oldAt + this.#end - start), start);
  }

  /** Where in memory the old file's byte `at` is; `length` bytes follow it, at most a quarter of a piece. */
  placeOld(at: number, length: number): number {
    if (at < this.#start) this.#fill(Math.max(0, at - behind), behind + jumpSize);
    else if (at + length > this.#end) this.#fill(at, at <= this.#end ? windowSize : jumpSize);
    return oldAt + at - this.#start;
  }

  /** Of the patch's bytes from `at` on, how many are in memory at once, up to `length`; all of them where it is `whole`. */
  havePatch(at: number, length: number, whole: boolean): number {
    if (at + (whole ? length : 1) > this.#patchEnd) {
      this.#patchStart = at;
      this.#patchEnd = Math.min(this.#patch.length, at + patchSize);
      this.memory.bytes.set(this.#patch.subarray(at, this.#patchEnd), patchAt);
    }
    return Math.min(length, this.#patchEnd - at);
  }

  /** Where in memory the patch's byte `at` is, after `havePatch`. */
  placePatch(at: number): number {
    return patchAt + at - this.#patchStart;
  }

  /** One of the patch's numbers: sign and magnitude, little-endian. */
  offset(at: number): number {
    const { bytes } = this.memory;
    const place = this.placePatch(at);
    const high = bytes.readUInt32LE(place + 4);
    const value = (high & 0x7fffffff) * 2 ** 32 + bytes.readUInt32LE(place);
    if (!Number.isSafeInteger(value)) throw corrupt();
    return (high & 0x80000000) !== 0 ? -value : value;
  }
}

/** What a patch needs goes from one to the next: left to the garbage collector it piles up. */
let spare: Workspace | undefined;

/**
 * Applies a bsdiff stream (control triples with their diff and extra bytes, no header, not compressed) to a file of any size
 * in bounded memory. Gives the new file in pieces, each valid until the next is taken. Throws `Corrupt`.
 */
export function* bspatchPieces(old: OldBytes, patch: Uint8Array, size: number): Generator<Uint8Array> {
  const workspace = spare ?? new Workspace();
  spare = undefined;
  try {
    workspace.begin(old, patch);
    yield* patched(workspace, old.size, patch.length, size);
  } finally {
    spare = workspace;
  }
}

function* patched(workspace: Workspace, oldSize: number, patchLength: number, size: number): Generator<Uint8Array> {
  const { memory } = workspace;
  const out = memory.bytes.subarray(0, pieceSize);
  let filled = 0;
  let at = 0;
  let oldStart = 0;
  for (let newAt = 0; newAt < size; ) {
    if (at + 24 > patchLength) throw corrupt();
    workspace.havePatch(at, 24, true);
    const diff = workspace.offset(at);
    const extra = workspace.offset(at + 8);
    const seek = workspace.offset(at + 16);
    at += 24;
    if (diff < 0 || extra < 0 || newAt + diff + extra > size || at + diff + extra > patchLength) throw corrupt();
    for (let done = 0; done < diff + extra; ) {
      const from = oldStart + done;
      let count = Math.min((done < diff ? diff : diff + extra) - done, pieceSize - filled);
      // Outside the old file there are zeros.
      const isInside = done < diff && from >= 0 && from < oldSize;
      if (isInside) count = Math.min(count, oldSize - from);
      else if (done < diff && from < 0) count = Math.min(count, -from);
      count = workspace.havePatch(at, count, false);
      const place = workspace.placePatch(at);
      if (isInside) memory.add(filled, workspace.placeOld(from, count), place, count);
      else memory.bytes.copyWithin(filled, place, place + count);
      done += count;
      at += count;
      filled += count;
      if (filled === pieceSize) {
        yield out;
        filled = 0;
      }
    }
    newAt += diff + extra;
    oldStart += diff + seek;
    if (diff === 0 && extra === 0 && at + 24 > patchLength) throw corrupt();
  }
  if (filled > 0) yield out.subarray(0, filled);
}
