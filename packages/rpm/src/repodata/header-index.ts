// Where the values of a header lie, without a value being made: for what goes through many headers.
import { HeaderType } from '../header/tag.ts';

const entryLimit = 0xffff;
const dataLimit = 0x0fffffff;
const valueLimit = 1 << 23;
/** Tags that are looked up are lower. */
const tagLimit = 6000;

// By type; 255: there is no such type.
const alignments = Uint8Array.of(1, 1, 1, 2, 4, 8, 1, 1, 1, 1);
const widths = Uint8Array.of(0, 1, 1, 2, 4, 8, 0, 1, 0, 0);

/** One header after the other, in a buffer of the caller's. Anything that `Header` refuses is refused here too. */
export class HeaderIndex {
  /** Offset of the data area in the buffer. */
  data = 0;
  /** What is behind the header. */
  end = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #index = 0;
  /** Position of a tag's entry in the index, one more than it is; 0: none. */
  readonly #entries = new Int32Array(tagLimit);
  readonly #tags = new Int32Array(1024);
  #count = 0;

  #u32(at: number): number {
    const bytes = this.#bytes;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  /** Reads the index of the header whose magic is at `start`; false when it is not whole, malformed or unusually large. */
  read(bytes: Buffer, start: number, length: number): boolean {
    for (let i = 0; i < this.#count; i++) this.#entries[this.#tags[i]!] = 0;
    this.#count = 0;
    this.#bytes = bytes;
    if (start + 16 > length || this.#u32(start) !== 0x8eade801 || this.#u32(start + 4) !== 0) return false;
    const count = this.#u32(start + 8);
    const size = this.#u32(start + 12);
    if (count > entryLimit || count > this.#tags.length || size > dataLimit) return false;
    const index = start + 16;
    const data = index + count * 16;
    this.#index = index;
    this.data = data;
    this.end = data + size;
    if (this.end > length) return false;
    for (let i = 0, at = index; i < count; i++, at += 16) {
      const tag = this.#u32(at);
      const type = this.#u32(at + 4);
      const offset = this.#u32(at + 8);
      const values = this.#u32(at + 12);
      if (tag >= 61 && tag <= 63) {
        if (i === 0 && !this.#regionFits(type, offset, values, count, size)) return false;
        continue;
      }
      if (type > 9 || offset > size || values > size || offset % alignments[type]! !== 0) return false;
      if (values > valueLimit && type !== HeaderType.Binary) return false;
      if (widths[type]! > 0 && offset + values * widths[type]! > size) return false;
      if (tag >= tagLimit) continue;
      this.#entries[tag] = i + 1;
      this.#tags[this.#count++] = tag;
    }
    return true;
  }

  #regionFits(type: number, offset: number, values: number, count: number, size: number): boolean {
    if (type !== HeaderType.Binary || values !== 16) return false;
    if (offset === 0) return true;
    if (offset + 16 > size) return false;
    const length = -(this.#u32(this.data + offset + 8) | 0);
    return length > 0 && length % 16 === 0 && length / 16 <= count;
  }

  has(tag: number): boolean {
    return this.#entries[tag] !== 0;
  }

  count(tag: number): number {
    const entry = this.#entries[tag]!;
    return entry === 0 ? 0 : this.#u32(this.#index + entry * 16 - 4);
  }

  type(tag: number): number {
    const entry = this.#entries[tag]!;
    return entry === 0 ? -1 : this.#u32(this.#index + entry * 16 - 12);
  }

  /** Offset of the first value in the buffer. */
  at(tag: number): number {
    return this.data + this.#u32(this.#index + this.#entries[tag]! * 16 - 8);
  }

  /** Where `count` strings begin, -1 when the tag has others or fewer. */
  strings(tag: number, count: number): number {
    const type = this.type(tag);
    if (
      type !== HeaderType.StringArray &&
      type !== HeaderType.I18nString &&
      !(type === HeaderType.String && count === 1)
    )
      return -1;
    return this.count(tag) === count ? this.at(tag) : -1;
  }

  /** Where `count` 32-bit numbers begin, -1 when the tag has others or fewer. */
  words(tag: number, count: number): number {
    return this.type(tag) === HeaderType.Int32 && this.count(tag) === count ? this.at(tag) : -1;
  }

  word(at: number): number {
    return this.#u32(at);
  }

  /** The first number, undefined when there is none; -1 when it is unusual. */
  number(tag: number): number | undefined {
    if (this.count(tag) === 0) return undefined;
    const at = this.at(tag);
    const type = this.type(tag);
    if (type === HeaderType.Int32) return this.#u32(at);
    if (type === HeaderType.Int64 && this.#u32(at) < 1 << 20) return this.#u32(at) * 2 ** 32 + this.#u32(at + 4);
    return -1;
  }
}
