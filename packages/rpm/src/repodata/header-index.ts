// The values of a header as texts of its bytes (Latin-1), cut out by the engine's own functions: for what goes through many
// headers in a short time, in which a loop over bytes would hardly be compiled.
import { HeaderType } from '../header/tag.ts';

const dataLimit = 0x0fffffff;
const valueLimit = 1 << 23;
/** Headers with more entries are left to others. */
const entryCount = 1024;
/** Tags that are looked up are lower. */
const tagLimit = 6000;

const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

// By type; 255: there is no such type.
const alignments = Uint8Array.of(1, 1, 1, 2, 4, 8, 1, 1, 1, 1);
const widths = Uint8Array.of(0, 1, 1, 2, 4, 8, 0, 1, 0, 0);

/** One header after the other, in a buffer of the caller's. Anything that `Header` refuses is refused here too. */
export class HeaderIndex {
  /** What is behind the header, in the buffer. */
  end = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #data = 0;
  /** The data area as text. */
  #text: string | undefined;
  /** The index in the machine's byte order, four numbers per entry. */
  readonly #index = new Uint32Array(entryCount * 4);
  readonly #indexBytes = Buffer.from(this.#index.buffer);
  /** Position of a tag's entry in the index, one more than it is; 0: none. */
  readonly #entries = new Int32Array(tagLimit);
  readonly #tags = new Int32Array(entryCount);
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
    if (count > entryCount || size > dataLimit) return false;
    const index = start + 16;
    this.#data = index + count * 16;
    this.#text = undefined;
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

  #dataText(): string {
    this.#text ??= this.#bytes.toString('latin1', this.#data, this.end);
    return this.#text;
  }

  /** A text, the first if there are several; undefined when it is none. */
  text(tag: number): string | undefined {
    const type = this.#type(tag);
    if (type !== HeaderType.String && type !== HeaderType.I18nString && type !== HeaderType.StringArray)
      return undefined;
    if (this.count(tag) === 0) return undefined;
    const data = this.#dataText();
    const at = this.#at(tag);
    const end = data.indexOf('\0', at);
    return end < 0 ? undefined : data.slice(at, end);
  }

  /** The first `some` of `count` texts, undefined when the tag has others or fewer. */
  texts(tag: number, count: number, some: number = count): string[] | undefined {
    const type = this.#type(tag);
    const fits =
      type === HeaderType.StringArray || type === HeaderType.I18nString || (type === HeaderType.String && count === 1);
    if (!fits || this.count(tag) !== count) return undefined;
    // One more shows that the last one ends.
    const texts = this.#dataText()
      .slice(this.#at(tag))
      .split('\0', some + 1);
    return texts.pop() === undefined || texts.length < some ? undefined : texts;
  }

  /** `count` numbers of 32 bits, undefined when the tag has others or fewer. */
  words(tag: number, count: number): Uint32Array | undefined {
    if (this.#type(tag) !== HeaderType.Int32 || this.count(tag) !== count) return undefined;
    const words = new Uint32Array(count);
    const at = this.#data + this.#at(tag);
    if (count > 64) swapped(this.#bytes, at, Buffer.from(words.buffer), count * 4);
    else for (let i = 0; i < count; i++) words[i] = this.#u32(at + i * 4);
    return words;
  }

  /** The high bytes of `count` numbers of 16 bits, each at twice its place; undefined when the tag has others or fewer. */
  highBytes(tag: number, count: number): Uint8Array | undefined {
    if (this.#type(tag) !== HeaderType.Int16 || this.count(tag) !== count) return undefined;
    const at = this.#data + this.#at(tag);
    return this.#bytes.subarray(at, at + count * 2);
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
