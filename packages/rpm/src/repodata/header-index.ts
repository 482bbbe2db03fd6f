// The values of a header as texts of its bytes (Latin-1), cut out by the engine's own functions: for what goes through many
// headers in a short time, in which a loop over bytes would hardly be compiled.
import { HeaderType } from '../header/tag.ts';

const dataLimit = 0x0fffffff;
const valueLimit = 1 << 23;
/** Headers with more entries are left to others. */
const entryCount = 1024;
/** Tags that are looked up are lower. */
const tagLimit = 6000;
/** Numbers of data areas up to this size are all turned to the machine's byte order at once. */
const smallData = 32 * 1024;

const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

// By type; 255: there is no such type.
const alignments = Uint8Array.of(1, 1, 1, 2, 4, 8, 1, 1, 1, 1);
const widths = Uint8Array.of(0, 1, 1, 2, 4, 8, 0, 1, 0, 0);

/**
 * Texts of the tags of one group are decoded together. Between those that are asked for are scripts and what else is said of
 * files: digests, owners and so on, most of a header.
 */
function groupOf(tag: number): number {
  return tag < 1023 ? 0 : tag < 1044 ? 1 : tag < 1095 ? 2 : tag < 1110 ? 3 : 4;
}

/** One header after the other, in a buffer of the caller's. Anything that `Header` refuses is refused here too. */
export class HeaderIndex {
  /** What is behind the header, in the buffer. */
  end = 0;
  /** The buffer. */
  bytes: Buffer = Buffer.alloc(0);
  /** What `words` points into; holds until the next header. */
  numbers = new Uint32Array(smallData / 4);
  /** The texts that were asked for last as one, a NUL after each of them. */
  joined = '';
  #data = 0;
  #size = 0;
  /** Part of the data area as text, which is from `#textStart` to `#textEnd` in it. */
  #text = '';
  #textStart = 0;
  #textEnd = 0;
  /** The index in the machine's byte order, four numbers per entry. */
  readonly #index = new Uint32Array(entryCount * 4);
  readonly #indexBytes = Buffer.from(this.#index.buffer);
  /** Position of a tag's entry in the index, one more than it is; 0: none. */
  readonly #entries = new Int32Array(tagLimit);
  readonly #tags = new Int32Array(entryCount);
  #count = 0;
  #entryCount = 0;
  #numberBytes = Buffer.from(this.numbers.buffer);

  #u32(at: number): number {
    const bytes = this.bytes;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  /** Reads the index of the header whose magic is at `start`; false when it is not whole, malformed or unusually large. */
  read(bytes: Buffer, start: number, length: number): boolean {
    for (let i = 0; i < this.#count; i++) this.#entries[this.#tags[i]!] = 0;
    this.#count = 0;
    this.bytes = bytes;
    if (start + 16 > length || this.#u32(start) !== 0x8eade801 || this.#u32(start + 4) !== 0) return false;
    const count = this.#u32(start + 8);
    const size = this.#u32(start + 12);
    if (count > entryCount || size > dataLimit) return false;
    const index = start + 16;
    this.#data = index + count * 16;
    this.#size = size;
    this.#textEnd = 0;
    this.end = this.#data + size;
    if (this.end > length) return false;
    const numbers = this.#index;
    swapped(bytes, index, this.#indexBytes, count * 16);
    for (let i = 0, at = 0; i < count; i++, at += 4) {
      const tag = numbers[at]!;
      const type = numbers[at + 1]!;
      const offset = numbers[at + 2]!;
      const values = numbers[at + 3]!;
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
    this.#entryCount = count;
    if (size <= smallData) swapped(bytes, this.#data, this.#numberBytes, (size + 3) & ~3);
    return true;
  }

  #regionFits(type: number, offset: number, values: number, count: number, size: number): boolean {
    if (type !== HeaderType.Binary || values !== 16) return false;
    if (offset === 0) return true;
    if (offset + 16 > size) return false;
    const length = -(this.#u32(this.#data + offset + 8) | 0);
    return length > 0 && length % 16 === 0 && length / 16 <= count;
  }

  has(tag: number): boolean {
    return this.#entries[tag] !== 0;
  }

  count(tag: number): number {
    const entry = this.#entries[tag]!;
    return entry === 0 ? 0 : this.#index[entry * 4 - 1]!;
  }

  #type(tag: number): number {
    const entry = this.#entries[tag]!;
    return entry === 0 ? -1 : this.#index[entry * 4 - 3]!;
  }

  /** Offset of the first value in the data area. */
  #at(tag: number): number {
    return this.#index[this.#entries[tag]! * 4 - 2]!;
  }

  /** Where what comes after entry `i` begins in the data area; its end when that is not told by the order of entries. */
  #after(i: number): number {
    const next = i * 4 + 6;
    return i + 1 < this.#entryCount && this.#index[next]! >= this.#index[next - 4]! ? this.#index[next]! : this.#size;
  }

  /** Decodes the texts of entry `i` and of those beside it. */
  #decode(i: number): void {
    const numbers = this.#index;
    const group = groupOf(numbers[i * 4]!);
    let first = i;
    while (
      first > 0 &&
      groupOf(numbers[first * 4 - 4]!) === group &&
      numbers[first * 4 - 2]! <= numbers[first * 4 + 2]!
    )
      first--;
    let last = i;
    while (last + 1 < this.#entryCount && groupOf(numbers[last * 4 + 4]!) === group && this.#after(last) < this.#size)
      last++;
    this.#textStart = numbers[first * 4 + 2]!;
    this.#textEnd = this.#after(last);
    this.#text = this.bytes.toString('latin1', this.#data + this.#textStart, this.#data + this.#textEnd);
  }

  /** The texts of a tag, with a NUL after each and maybe more behind them. */
  #joined(tag: number): string {
    const i = this.#entries[tag]! - 1;
    const at = this.#at(tag);
    const end = this.#after(i);
    if (at < this.#textStart || end > this.#textEnd) this.#decode(i);
    return this.#text.slice(at - this.#textStart, end - this.#textStart);
  }

  /** A text, the first if there are several; undefined when it is none. */
  text(tag: number): string | undefined {
    const type = this.#type(tag);
    if (type !== HeaderType.String && type !== HeaderType.I18nString && type !== HeaderType.StringArray)
      return undefined;
    if (this.count(tag) === 0) return undefined;
    const data = this.#joined(tag);
    const end = data.indexOf('\0');
    return end < 0 ? undefined : data.slice(0, end);
  }

  /** The first `some` of `count` texts, undefined when the tag has others or fewer. */
  texts(tag: number, count: number, some: number = count): string[] | undefined {
    const type = this.#type(tag);
    const fits =
      type === HeaderType.StringArray || type === HeaderType.I18nString || (type === HeaderType.String && count === 1);
    if (!fits || this.count(tag) !== count) return undefined;
    this.joined = this.#joined(tag);
    // One more shows that the last one ends.
    const texts = this.joined.split('\0', some + 1);
    return texts.pop() === undefined || texts.length < some ? undefined : texts;
  }

  /** Where the first of `count` numbers of 32 bits is in `numbers`, -1 when the tag has others or fewer. */
  words(tag: number, count: number): number {
    if (this.#type(tag) !== HeaderType.Int32 || this.count(tag) !== count) return -1;
    const at = this.#at(tag);
    if (this.#size > smallData) {
      if (at + count * 4 > this.#numberBytes.length) this.#enlarge();
      swapped(this.bytes, this.#data + at, this.#numberBytes.subarray(at), count * 4);
    }
    return at / 4;
  }

  /** Makes room for the numbers of the whole data area; those that are there stay. */
  #enlarge(): void {
    const before = this.numbers;
    this.numbers = new Uint32Array((this.#size >> 1) + 1);
    this.numbers.set(before);
    this.#numberBytes = Buffer.from(this.numbers.buffer);
  }

  /** Where the first of `count` numbers of 16 bits is in the buffer, -1 when the tag has others or fewer. */
  shorts(tag: number, count: number): number {
    if (this.#type(tag) !== HeaderType.Int16 || this.count(tag) !== count) return -1;
    return this.#data + this.#at(tag);
  }

  /** The first number, undefined when there is none; -1 when it is unusual. */
  number(tag: number): number | undefined {
    if (this.count(tag) === 0) return undefined;
    const at = this.#data + this.#at(tag);
    const type = this.#type(tag);
    if (type === HeaderType.Int32) return this.#u32(at);
    if (type === HeaderType.Int64 && this.#u32(at) < 1 << 20) return this.#u32(at) * 2 ** 32 + this.#u32(at + 4);
    return -1;
  }
}

/** Copies big-endian numbers of 32 bits to `target` in the machine's order. */
function swapped(source: Buffer, start: number, target: Buffer, length: number): void {
  source.copy(target, 0, start, start + length);
  if (littleEndian) target.subarray(0, length).swap32();
}
