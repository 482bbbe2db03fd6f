import { CoppiceError } from '@coppice/base';
import { notNormal, offsetWidth, readWidth } from './framing.ts';

const what = 'dirtree';

/**
 * Goes over a dirtree object entry by entry, files before directories, without making anything: prune and fsck see millions.
 * Throws `Corrupt` unless the object is normal form with 32-byte checksums; names are the caller's to check.
 */
export class DirTreeCursor {
  /** Where the entry's name starts. */
  nameStart = 0;
  /** Behind the name's NUL, where the checksum of the file or of the dirtree lies; a directory's dirmeta is 32 further. */
  nameEnd = 0;
  #bytes: Buffer = Buffer.alloc(0);
  /** Where the lists of files and of directories end. */
  #filesEnd = 0;
  #dirsEnd = 0;
  /** Of the list that is walked over: where it starts, its framing offsets and their width, and how many are left. */
  #listStart = 0;
  #offset = 0;
  #width = 1;
  #left = 0;
  #entryStart = 0;

  /** Begins with an object that fills the first `length` bytes. */
  start(bytes: Buffer, length: number): void {
    this.#bytes = bytes;
    const width = readWidth(length);
    this.#dirsEnd = length - width;
    if (this.#dirsEnd < 0 || offsetWidth(this.#dirsEnd, 1) !== width) throw notNormal(what);
    this.#filesEnd = read(bytes, this.#dirsEnd, width);
    if (this.#filesEnd > this.#dirsEnd) throw notNormal(what);
    this.#openList(0, this.#filesEnd);
  }

  /** Goes to the next file; false when there are no more, and then directories follow. */
  nextFile(): boolean {
    if (this.#left === 0) {
      this.#openList(this.#filesEnd, this.#dirsEnd);
      return false;
    }
    const from = this.#entryStart;
    const to = this.#nextEnd();
    const width = readWidth(to - from);
    const end = to - width;
    if (end < from || offsetWidth(end - from, 1) !== width) throw notNormal(what);
    this.#setName(from, read(this.#bytes, end, width), end);
    checkLength(this.nameEnd, end);
    return true;
  }

  /** Goes to the next directory, after the last file. */
  nextDir(): boolean {
    if (this.#left === 0) return false;
    const from = this.#entryStart;
    const to = this.#nextEnd();
    const width = readWidth(to - from);
    const end = to - 2 * width;
    if (end < from || offsetWidth(end - from, 2) !== width) throw notNormal(what);
    this.#setName(from, read(this.#bytes, end + width, width), end);
    const treeEnd = from + read(this.#bytes, end, width);
    if (treeEnd < this.nameEnd || treeEnd > end) throw notNormal(what);
    checkLength(this.nameEnd, treeEnd);
    checkLength(treeEnd, end);
    return true;
  }

  #setName(start: number, length: number, limit: number): void {
    this.nameStart = start;
    this.nameEnd = start + length;
    if (this.nameEnd > limit) throw notNormal(what);
  }

  #nextEnd(): number {
    const to = this.#listStart + read(this.#bytes, this.#offset, this.#width);
    this.#offset += this.#width;
    this.#left--;
    this.#entryStart = to;
    return to;
  }

  /** The entries fill `[start, end)` with their framing offsets, which must lie in order. */
  #openList(start: number, end: number): void {
    const size = end - start;
    this.#listStart = start;
    this.#entryStart = start;
    this.#left = 0;
    if (size === 0) return;
    const width = readWidth(size);
    if (size < width) throw notNormal(what);
    const last = read(this.#bytes, end - width, width);
    const table = size - last;
    if (table <= 0 || table % width !== 0) throw notNormal(what);
    this.#left = table / width;
    if (offsetWidth(last, this.#left) !== width) throw notNormal(what);
    this.#offset = start + last;
    this.#width = width;
    let before = 0;
    for (let at = start + last; at < end; at += width) {
      const next = read(this.#bytes, at, width);
      if (next < before || next > last) throw notNormal(what);
      before = next;
    }
  }
}

/** A framing offset. */
function read(bytes: Buffer, at: number, width: number): number {
  const low = bytes[at]!;
  if (width === 1) return low;
  if (width === 2) return low | (bytes[at + 1]! << 8);
  return (low | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function checkLength(start: number, end: number): void {
  if (end - start !== 32) throw new CoppiceError('Corrupt', `Invalid checksum of length ${end - start} expected 32`);
}
