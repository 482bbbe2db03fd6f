import { encodeText } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { Header } from './header.ts';
import { HeaderType, Tag } from './tag.ts';
import { tagInfo } from './tag-table.ts';

interface Value {
  readonly type: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

const alignment: readonly number[] = [1, 1, 1, 2, 4, 8, 1, 1, 1, 1];

function numbers(type: number, values: readonly number[]): Uint8Array {
  if (type === HeaderType.Char || type === HeaderType.Int8) return Uint8Array.from(values);
  const width = alignment[type]!;
  const out = Buffer.alloc(values.length * width);
  values.forEach((value, i) => {
    if (type === HeaderType.Int16) out.writeUInt16BE(value & 0xffff, i * 2);
    else if (type === HeaderType.Int32) out.writeUInt32BE(value >>> 0, i * 4);
    else out.writeBigUInt64BE(BigInt(value), i * 8);
  });
  return out;
}

/** Collects tags and lays them out as rpm does: sorted, aligned, inside one region. */
export class HeaderBuilder {
  readonly #values = new Map<number, Value>();

  has(tag: number): boolean {
    return this.#values.has(tag);
  }

  delete(tag: number): void {
    this.#values.delete(tag);
  }

  /** Sets a tag whose type comes from the tag table. An empty array leaves it out. */
  put(tag: number, value: string | number | Uint8Array | readonly string[] | readonly number[], type?: number): this {
    const info = tagInfo(tag);
    const kind = type ?? info?.type;
    if (kind === undefined) throw new CoppiceError('Bug', `RPM tag ${tag} has no known type`);
    if (value instanceof Uint8Array) {
      this.#values.set(tag, { type: kind, count: value.length, bytes: value });
      return this;
    }
    const list = Array.isArray(value) ? (value as readonly (string | number)[]) : [value as string | number];
    if (list.length === 0) return this;
    if (kind === HeaderType.String || kind === HeaderType.StringArray || kind === HeaderType.I18nString) {
      const parts: Buffer[] = [];
      for (const item of list) {
        const bytes = encodeText(String(item));
        if (bytes.includes(0))
          throw new CoppiceError('Invalid', `RPM tag ${info?.name ?? tag}: text contains a NUL byte`);
        parts.push(bytes, Buffer.alloc(1));
      }
      this.#values.set(tag, { type: kind, count: list.length, bytes: Buffer.concat(parts) });
      return this;
    }
    this.#values.set(tag, { type: kind, count: list.length, bytes: numbers(kind, list as number[]) });
    return this;
  }

  /** The header without magic, closed by the trailer of region `regionTag` (62 signature, 63 main header). */
  build(regionTag: number = Tag.HeaderImmutable): Header {
    const tags = [...this.#values.keys()].sort((a, b) => a - b);
    const { index, data, size } = layOut(
      tags.map((tag) => [tag, this.#values.get(tag)!] as const),
      0,
    );
    const trailer = Buffer.alloc(16);
    trailer.writeInt32BE(regionTag, 0);
    trailer.writeUInt32BE(HeaderType.Binary, 4);
    trailer.writeInt32BE(-(tags.length + 1) * 16, 8);
    trailer.writeUInt32BE(16, 12);
    const region = Buffer.alloc(16);
    region.writeInt32BE(regionTag, 0);
    region.writeUInt32BE(HeaderType.Binary, 4);
    region.writeInt32BE(size, 8);
    region.writeUInt32BE(16, 12);
    return assemble(tags.length + 1, size + 16, [region, index, ...data, trailer]);
  }

  /** `base` with these tags appended after its region, as rpm stores an installed header. Tags of `base` outside its region are kept unless replaced. */
  extend(base: Header): Header {
    const count = base.region?.entries ?? Buffer.from(base.blob.buffer, base.blob.byteOffset).readUInt32BE(0);
    const baseData = base.region?.dataLength ?? base.blob.length - 8 - count * 16;
    const start = 8 + Buffer.from(base.blob.buffer, base.blob.byteOffset).readUInt32BE(0) * 16;
    const tags = [...this.#values.keys()].sort((a, b) => a - b);
    const { index, data, size } = layOut(
      tags.map((tag) => [tag, this.#values.get(tag)!] as const),
      baseData,
    );
    return assemble(count + tags.length, size, [
      base.blob.subarray(8, 8 + count * 16),
      index,
      base.blob.subarray(start, start + baseData),
      ...data,
    ]);
  }
}

function layOut(
  values: readonly (readonly [number, Value])[],
  start: number,
): { index: Buffer; data: Uint8Array[]; size: number } {
  const index = Buffer.alloc(values.length * 16);
  const data: Uint8Array[] = [];
  let at = start;
  values.forEach(([tag, value], i) => {
    const rest = at % alignment[value.type]!;
    if (rest !== 0) {
      const padding = alignment[value.type]! - rest;
      data.push(new Uint8Array(padding));
      at += padding;
    }
    index.writeInt32BE(tag, i * 16);
    index.writeUInt32BE(value.type, i * 16 + 4);
    index.writeInt32BE(at, i * 16 + 8);
    index.writeUInt32BE(value.count, i * 16 + 12);
    data.push(value.bytes);
    at += value.bytes.length;
  });
  return { index, data, size: at };
}

function assemble(count: number, size: number, parts: readonly Uint8Array[]): Header {
  const intro = Buffer.alloc(8);
  intro.writeUInt32BE(count, 0);
  intro.writeUInt32BE(size, 4);
  return Header.parse(Buffer.concat([intro, ...parts]));
}
