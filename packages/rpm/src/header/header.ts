// The RPM header: an index of (tag, type, offset, count) over one data area, big-endian (rpm's header.c).
// A region (tag 61-63, first in the index) marks the part that digests and signatures cover; entries after it were
// added at installation.
import { isAscii } from 'node:buffer';
import { decodeText } from '@coppice/archive';
import { ByteReader, CoppiceError } from '@coppice/base';
import { HeaderType } from './tag.ts';
import { tagInfo } from './tag-table.ts';

export const headerMagic: Uint8Array = Uint8Array.of(0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0);

/** rpm's own bounds: 65,535 entries, 256 MiB of data. */
const entryLimit = 0xffff;
const dataLimit = 0x0fffffff;
/** Most values of one tag: an array of JavaScript values costs far more than the bytes it was read from. */
const valueLimit = 1 << 23;

/** Where a value lies: `offset` into the data area. */
export interface HeaderEntry {
  readonly tag: number;
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

export interface HeaderRegion {
  readonly tag: number;
  /** Entries of the region, its own included. */
  readonly entries: number;
  /** Bytes of data the region covers, the 16-byte trailer included. */
  readonly dataLength: number;
}

const alignments: readonly number[] = [1, 1, 1, 2, 4, 8, 1, 1, 1, 1];
const widths: readonly number[] = [0, 1, 1, 2, 4, 8, 0, 1, 0, 0];

export class Header {
  /** Index count, data size, index and data: the form of the rpmdb and of a package without the 8-byte magic. */
  readonly blob: Uint8Array;
  readonly region: HeaderRegion | undefined;
  readonly #entries = new Map<number, HeaderEntry>();
  readonly #data: Buffer;
  readonly #what: string;

  private constructor(blob: Uint8Array, what: string) {
    this.blob = blob;
    this.#what = what;
    const reader = new ByteReader(blob, what);
    const count = reader.u32be();
    const size = reader.u32be();
    if (count > entryLimit || size > dataLimit)
      throw new CoppiceError('Corrupt', `${what}: implausible size (${count} entries, ${size} bytes)`);
    const index = reader.take(count * 16);
    const data = reader.take(size);
    if (reader.remaining !== 0) throw new CoppiceError('Corrupt', `${what}: ${reader.remaining} bytes too many`);
    this.#data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const view = new DataView(index.buffer, index.byteOffset, index.byteLength);
    let region: HeaderRegion | undefined;
    for (let i = 0; i < count; i++) {
      const entry = {
        tag: view.getInt32(i * 16),
        type: view.getUint32(i * 16 + 4),
        offset: view.getInt32(i * 16 + 8),
        count: view.getUint32(i * 16 + 12),
      };
      if (entry.tag >= 61 && entry.tag <= 63) {
        if (i === 0) region = this.#readRegion(entry, count);
        continue;
      }
      const alignment = alignments[entry.type];
      if (alignment === undefined)
        throw new CoppiceError('Corrupt', `${what}: tag ${entry.tag} has type ${entry.type}`);
      if (entry.offset < 0 || entry.offset > size || entry.count > size || entry.offset % alignment !== 0)
        throw new CoppiceError('Corrupt', `${what}: tag ${entry.tag} lies outside (${entry.offset}, ${entry.count})`);
      if (entry.count > valueLimit && entry.type !== HeaderType.Binary)
        throw new CoppiceError('Limit', `${what}: tag ${entry.tag} has ${entry.count} values`);
      const width = widths[entry.type]!;
      if (width > 0 && entry.offset + entry.count * width > size)
        throw new CoppiceError('Corrupt', `${what}: tag ${entry.tag} is truncated`);
      this.#entries.set(entry.tag, entry);
    }
    this.region = region;
  }

  #readRegion(entry: HeaderEntry, count: number): HeaderRegion {
    const bad = (why: string): CoppiceError => new CoppiceError('Corrupt', `${this.#what}: region ${why}`);
    if (entry.type !== HeaderType.Binary || entry.count !== 16) throw bad('entry is malformed');
    if (entry.offset === 0) return { tag: entry.tag, entries: count, dataLength: this.#data.length };
    if (entry.offset < 0 || entry.offset + 16 > this.#data.length) throw bad('trailer lies outside');
    const length = -this.#data.readInt32BE(entry.offset + 8);
    if (length <= 0 || length % 16 !== 0 || length / 16 > count) throw bad('trailer is malformed');
    return { tag: entry.tag, entries: length / 16, dataLength: entry.offset + 16 };
  }

  /** Reads a header without magic. Throws `Corrupt`. */
  static parse(blob: Uint8Array, what = 'RPM header'): Header {
    return new Header(blob, what);
  }

  /** Tags present, in ascending order; regions are not listed. */
  tags(): number[] {
    return [...this.#entries.keys()].sort((a, b) => a - b);
  }

  has(tag: number): boolean {
    return this.#entries.has(tag);
  }

  entry(tag: number): HeaderEntry | undefined {
    return this.#entries.get(tag);
  }

  #truncated(tag: number): CoppiceError {
    return new CoppiceError('Corrupt', `${this.#what}: tag ${tag} (${tagInfo(tag)?.name ?? 'unknown'}) is truncated`);
  }

  /** The bytes of each string; undefined when absent. Throws `Corrupt` when the tag is not a string. */
  rawStrings(tag: number): Uint8Array[] | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return undefined;
    const { type, count } = entry;
    if (type !== HeaderType.String && type !== HeaderType.StringArray && type !== HeaderType.I18nString)
      throw new CoppiceError('Corrupt', `${this.#what}: tag ${tag} is not a string`);
    const out: Uint8Array[] = new Array(type === HeaderType.String ? 1 : count);
    let at = entry.offset;
    for (let i = 0; i < out.length; i++) {
      const end = this.#data.indexOf(0, at);
      if (end < 0) throw this.#truncated(tag);
      out[i] = this.#data.subarray(at, end);
      at = end + 1;
    }
    return out;
  }

  /** All strings, empty when absent. Bytes that are not UTF-8 survive (see `decodeText`). */
  getStrings(tag: number): string[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    if (entry.type < HeaderType.String || entry.type === HeaderType.Binary)
      throw new CoppiceError('Corrupt', `${this.#what}: tag ${tag} is not a string`);
    const count = entry.type === HeaderType.String ? 1 : entry.count;
    const data = this.#data;
    if (count > 4) {
      const all = this.#asciiStrings(entry.offset, count);
      if (all !== undefined) return all;
    }
    const out: string[] = new Array(count);
    let at = entry.offset;
    for (let i = 0; i < count; i++) {
      const end = data.indexOf(0, at);
      if (end < 0) throw this.#truncated(tag);
      const text = data.toString('utf8', at, end);
      out[i] = text.includes('\ufffd') ? decodeText(data.subarray(at, end)) : text;
      at = end + 1;
    }
    return out;
  }

  /** Strings of an array where all of it, up to the value that follows in the data, is ASCII; decoding once is many times faster. */
  #asciiStrings(offset: number, count: number): string[] | undefined {
    let end = this.#data.length;
    for (const other of this.#entries.values()) if (other.offset > offset && other.offset < end) end = other.offset;
    const block = this.#data.subarray(offset, end);
    if (!isAscii(block)) return undefined;
    const out = block.toString('latin1').split('\0', count + 1);
    // The text behind the last NUL is none of the strings.
    return out.length > count ? out.slice(0, count) : undefined;
  }

  /** The first string (of translated texts: the untranslated one). */
  getString(tag: number): string | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return undefined;
    if (entry.type < HeaderType.String || entry.type === HeaderType.Binary)
      throw new CoppiceError('Corrupt', `${this.#what}: tag ${tag} is not a string`);
    if (entry.count === 0) return undefined;
    const end = this.#data.indexOf(0, entry.offset);
    if (end < 0) throw this.#truncated(tag);
    const text = this.#data.toString('utf8', entry.offset, end);
    return text.includes('\ufffd') ? decodeText(this.#data.subarray(entry.offset, end)) : text;
  }

  /** All integers as unsigned values, empty when absent. 64-bit values above 2^53 throw `Limit`. */
  getNumbers(tag: number): number[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    const { type, count, offset } = entry;
    const data = this.#data;
    const out: number[] = new Array(count);
    switch (type) {
      case HeaderType.Char:
      case HeaderType.Int8:
        for (let i = 0; i < count; i++) out[i] = data[offset + i]!;
        return out;
      case HeaderType.Int16:
        for (let i = 0, at = offset; i < count; i++, at += 2) out[i] = (data[at]! << 8) | data[at + 1]!;
        return out;
      case HeaderType.Int32:
        for (let i = 0, at = offset; i < count; i++, at += 4)
          out[i] = ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0;
        return out;
      case HeaderType.Int64:
        for (let i = 0; i < count; i++) {
          const value = Number(data.readBigUInt64BE(offset + i * 8));
          if (!Number.isSafeInteger(value)) throw new CoppiceError('Limit', `${this.#what}: tag ${tag} is too large`);
          out[i] = value;
        }
        return out;
      default:
        throw new CoppiceError('Corrupt', `${this.#what}: tag ${tag} is not a number`);
    }
  }

  getNumber(tag: number): number | undefined {
    const entry = this.#entries.get(tag);
    return entry === undefined || entry.count === 0 ? undefined : this.getNumbers(tag)[0];
  }

  /** A view of a binary value; undefined when absent. */
  getBinary(tag: number): Uint8Array | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return undefined;
    if (entry.type !== HeaderType.Binary) throw new CoppiceError('Corrupt', `${this.#what}: tag ${tag} is not binary`);
    return this.#data.subarray(entry.offset, entry.offset + entry.count);
  }

  /** What header digests and signatures cover: magic, index and data of the region (of everything when there is none). */
  *signedBytes(): Generator<Uint8Array> {
    yield headerMagic;
    if (this.region === undefined) {
      yield this.blob;
      return;
    }
    const { entries, dataLength } = this.region;
    const intro = Buffer.alloc(8);
    intro.writeUInt32BE(entries, 0);
    intro.writeUInt32BE(dataLength, 4);
    yield intro;
    yield this.blob.subarray(8, 8 + entries * 16);
    yield this.#data.subarray(0, dataLength);
  }
}
