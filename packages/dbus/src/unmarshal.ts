// Bytes to values (D-Bus specification, "Marshaling (Wire Format)"): all that the specification forbids is refused.
import { CoppiceError } from '@coppice/base';
import type { ByteOrder } from './marshal.ts';
import { isObjectPath } from './names.ts';
import { type DBusType, parseSignature, parseSingleType } from './signature.ts';
import { type DBusValue, DBusVariant, maxArrayBytes, maxDepth } from './value.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads values one after the other, aligned to where `bytes` begins. Everything throws `Invalid` for malformed bytes. */
export class Unmarshaller {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  #at: number;

  constructor(bytes: Uint8Array, order: ByteOrder, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#little = order === 'little';
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }

  fault(what: string): CoppiceError {
    return new CoppiceError('Invalid', `D-Bus message: ${what} at byte ${this.#at}`);
  }

  #take(size: number): number {
    const at = this.#at;
    if (size > this.#bytes.length - at) throw this.fault('ends too early');
    this.#at = at + size;
    return at;
  }

  align(alignment: number): void {
    for (let left = -this.#at & (alignment - 1); left > 0; left--) {
      if (this.#bytes[this.#take(1)] !== 0) throw this.fault('padding that is not zero');
    }
  }

  uint32(): number {
    this.align(4);
    return this.#view.getUint32(this.#take(4), this.#little);
  }

  read(type: DBusType, depth = 0): DBusValue {
    if (depth > maxDepth) throw this.fault('too many levels');
    switch (type.kind) {
      case 'basic':
        return this.#basic(type.code);
      case 'variant': {
        const signature = this.#signature();
        return new DBusVariant(signature, this.read(parseSingleType(signature), depth + 1));
      }
      case 'array': {
        const { element } = type;
        if (element.kind === 'basic' && element.code === 'y') {
          const length = this.#arrayLength(1);
          const at = this.#take(length);
          return this.#bytes.slice(at, at + length);
        }
        const out: DBusValue[] = [];
        this.#elements(element.alignment, () => out.push(this.read(element, depth + 1)));
        return out;
      }
      case 'dict': {
        const out = new Map<DBusValue, DBusValue>();
        this.#elements(8, () => {
          this.align(8);
          const key = this.read(type.key, depth + 1);
          out.set(key, this.read(type.value, depth + 1));
        });
        return out;
      }
      case 'struct':
        this.align(8);
        return type.fields.map((field) => this.read(field, depth + 1));
    }
  }

  #arrayLength(alignment: number): number {
    const length = this.uint32();
    if (length > maxArrayBytes) throw this.fault('array larger than 64 MiB');
    this.align(alignment);
    if (length > this.#bytes.length - this.#at) throw this.fault('ends too early');
    return length;
  }

  #elements(alignment: number, one: () => void): void {
    const length = this.#arrayLength(alignment);
    const end = this.#at + length;
    while (this.#at < end) one();
    if (this.#at !== end) throw this.fault('array element beyond the end of its array');
  }

  #basic(code: string): DBusValue {
    const [view, little] = [this.#view, this.#little];
    switch (code) {
      case 'y':
        return view.getUint8(this.#take(1));
      case 'n':
        this.align(2);
        return view.getInt16(this.#take(2), little);
      case 'q':
        this.align(2);
        return view.getUint16(this.#take(2), little);
      case 'i':
        this.align(4);
        return view.getInt32(this.#take(4), little);
      case 'x':
        this.align(8);
        return view.getBigInt64(this.#take(8), little);
      case 't':
        this.align(8);
        return view.getBigUint64(this.#take(8), little);
      case 'd':
        this.align(8);
        return view.getFloat64(this.#take(8), little);
      case 'b': {
        const value = this.uint32();
        if (value > 1) throw this.fault('boolean that is neither 0 nor 1');
        return value === 1;
      }
      case 's':
        return this.#text(this.uint32());
      case 'o': {
        const path = this.#text(this.uint32());
        if (!isObjectPath(path)) throw this.fault('malformed object path');
        return path;
      }
      case 'g':
        return this.#signature();
      default:
        return this.uint32();
    }
  }

  #signature(): string {
    const signature = this.#text(this.#view.getUint8(this.#take(1)));
    parseSignature(signature);
    return signature;
  }

  #text(length: number): string {
    const at = this.#take(length);
    const bytes = this.#bytes.subarray(at, at + length);
    if (this.#bytes[this.#take(1)] !== 0) throw this.fault('string without a zero byte at its end');
    if (bytes.includes(0)) throw this.fault('string with a zero byte in it');
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.fault('string that is not UTF-8');
    }
  }
}

/** The values of all `bytes`, with the types of `signature`. Throws `Invalid`. */
export function unmarshal(signature: string, bytes: Uint8Array, order: ByteOrder = 'little'): DBusValue[] {
  const reader = new Unmarshaller(bytes, order);
  const out = parseSignature(signature).map((type) => reader.read(type));
  if (reader.position !== bytes.length) throw reader.fault('bytes after the last value');
  return out;
}
