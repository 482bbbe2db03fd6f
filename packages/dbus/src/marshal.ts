// Values to bytes (D-Bus specification, "Marshaling (Wire Format)").
import { CoppiceError } from '@coppice/base';
import { isObjectPath } from './names.ts';
import { type DBusType, parseSignature, parseSingleType } from './signature.ts';
import { type DBusValue, DBusVariant, maxArrayBytes, maxDepth, maxMessageBytes } from './value.ts';

export type ByteOrder = 'little' | 'big';

const utf8 = new TextEncoder();

/** Lowest and highest value of each integer type. */
const ranges: Readonly<Record<string, readonly [bigint, bigint]>> = {
  y: [0n, 0xffn],
  n: [-0x8000n, 0x7fffn],
  q: [0n, 0xffffn],
  i: [-0x80000000n, 0x7fffffffn],
  u: [0n, 0xffffffffn],
  h: [0n, 0xffffffffn],
  x: [-(2n ** 63n), 2n ** 63n - 1n],
  t: [0n, 2n ** 64n - 1n],
};

/** Collects the bytes of values one after the other, aligned to where it began. */
export class Marshaller {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #little: boolean;

  constructor(order: ByteOrder = 'little') {
    this.#little = order === 'little';
  }

  get length(): number {
    return this.#length;
  }

  /** What was written so far. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Place for so many bytes more, which may move all there are. */
  #room(size: number): number {
    const at = this.#length;
    if (at + size > maxMessageBytes) throw new CoppiceError('Limit', 'D-Bus message larger than 128 MiB');
    if (at + size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(at + size, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = at + size;
    return at;
  }

  align(alignment: number): void {
    this.#room(-this.#length & (alignment - 1));
  }

  uint32(value: number): void {
    this.align(4);
    const at = this.#room(4);
    this.#view.setUint32(at, value, this.#little);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** One value of a type. Throws `Invalid` when it does not fit. */
  write(type: DBusType, value: DBusValue, depth = 0): void {
    if (depth > maxDepth) throw new CoppiceError('Limit', 'D-Bus value with too many levels');
    switch (type.kind) {
      case 'basic':
        this.#basic(type.code, value);
        return;
      case 'variant': {
        if (!(value instanceof DBusVariant)) throw unfit('v', value);
        this.#string('g', value.signature);
        this.write(parseSingleType(value.signature), value.value, depth + 1);
        return;
      }
      case 'array':
        this.#array(type.element, value, depth);
        return;
      case 'dict': {
        const pairs = value instanceof Map ? [...value] : value;
        if (!Array.isArray(pairs)) throw unfit('a{}', value);
        const entry = { kind: 'struct', alignment: 8, fields: [type.key, type.value] } as const;
        this.#array(entry, pairs as DBusValue, depth);
        return;
      }
      case 'struct': {
        if (!Array.isArray(value) || value.length !== type.fields.length) throw unfit('()', value);
        this.align(8);
        type.fields.forEach((field, i) => {
          this.write(field, (value as readonly DBusValue[])[i]!, depth + 1);
        });
      }
    }
  }

  #array(element: DBusType, value: DBusValue, depth: number): void {
    this.uint32(0);
    const lengthAt = this.#length - 4;
    this.align(element.alignment);
    const begin = this.#length;
    if (value instanceof Uint8Array && element.kind === 'basic' && element.code === 'y') this.raw(value);
    else if (Array.isArray(value)) for (const one of value as readonly DBusValue[]) this.write(element, one, depth + 1);
    else throw unfit('a', value);
    const size = this.#length - begin;
    if (size > maxArrayBytes) throw new CoppiceError('Limit', 'D-Bus array larger than 64 MiB');
    this.#view.setUint32(lengthAt, size, this.#little);
  }

  #basic(code: string, value: DBusValue): void {
    if (code === 's' || code === 'o' || code === 'g') {
      this.#string(code, value);
      return;
    }
    if (code === 'b') {
      if (typeof value !== 'boolean') throw unfit(code, value);
      this.uint32(value ? 1 : 0);
      return;
    }
    if (code === 'd') {
      if (typeof value !== 'number') throw unfit(code, value);
      this.align(8);
      const at = this.#room(8);
      this.#view.setFloat64(at, value, this.#little);
      return;
    }
    this.#integer(code, value);
  }

  #integer(code: string, value: DBusValue): void {
    if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isSafeInteger(value)))
      throw unfit(code, value);
    const number = BigInt(value);
    const [low, high] = ranges[code]!;
    if (number < low || number > high) throw unfit(code, value);
    const size = code === 'y' ? 1 : code === 'n' || code === 'q' ? 2 : code === 'x' || code === 't' ? 8 : 4;
    this.align(size);
    const at = this.#room(size);
    const [view, little] = [this.#view, this.#little];
    if (size === 1) view.setUint8(at, Number(number));
    else if (size === 2) view.setUint16(at, Number(number & 0xffffn), little);
    else if (size === 4) view.setUint32(at, Number(number & 0xffffffffn), little);
    else view.setBigUint64(at, BigInt.asUintN(64, number), little);
  }

  #string(code: string, value: DBusValue): void {
    if (typeof value !== 'string' || value.includes('\0') || !value.isWellFormed()) throw unfit(code, value);
    if (code === 'o' && !isObjectPath(value)) throw unfit(code, value);
    const bytes = utf8.encode(value);
    if (code === 'g') {
      parseSignature(value);
      this.raw(Uint8Array.of(bytes.length));
    } else this.uint32(bytes.length);
    this.raw(bytes);
    this.#room(1);
  }
}

function unfit(code: string, value: unknown): CoppiceError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : typeof value;
  return new CoppiceError('Invalid', `D-Bus value of type '${code}' cannot be ${shown}`);
}

/** The bytes of values with the types of `signature`. Throws `Invalid` when they do not fit. */
export function marshal(signature: string, values: readonly DBusValue[], order: ByteOrder = 'little'): Uint8Array {
  const types = parseSignature(signature);
  if (types.length !== values.length)
    throw new CoppiceError('Invalid', `D-Bus signature '${signature}' has not the types of ${values.length} values`);
  const out = new Marshaller(order);
  types.forEach((type, i) => {
    out.write(type, values[i]!);
  });
  return out.bytes();
}
