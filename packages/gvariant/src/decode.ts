import { CoppiceError } from '@coppice/base';
import { arrayChildren, type Child, tupleChildren, variantChild } from './frame.ts';
import { checkNormal } from './normal.ts';
import { type GType, isObjectPath, isSignature, maxDepth, parseType } from './type.ts';
import { type Value, Variant } from './variant.ts';

export interface DecodeOptions {
  /** Throw `Corrupt` (`Not normal form`) unless the bytes are in normal form. */
  readonly strict?: boolean;
  /** Numbers are big-endian (the whole value is byteswapped); framing offsets never are. */
  readonly bigEndian?: boolean;
}

/** Values that are read of one document: far more than any has, and as many as fit in memory with what they hold. */
const mostValues = 4_000_000;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The value of serialized bytes. As GLib does with untrusted data, parts that are malformed read as the default of their
 * type (zero, empty, `()` inside a variant) unless `strict`. Byte arrays are views of `bytes`, not copies. Throws `Limit` when crafted
 * framing would make the result far larger than the input, or when there are millions of values.
 */
export function decode(type: string, bytes: Uint8Array, options: DecodeOptions = {}): Value {
  const parsed = parseType(type);
  if (options.strict) checkNormal(parsed, bytes);
  const reader = new Reader(bytes, options.bigEndian === true);
  return reader.read(parsed, bytes, 0);
}

class Reader {
  readonly #bigEndian: boolean;
  #budget: number;

  constructor(bytes: Uint8Array, bigEndian: boolean) {
    this.#bigEndian = bigEndian;
    this.#budget = Math.min(65536 + 16 * bytes.length, mostValues);
  }

  read(type: GType, child: Child, depth: number): Value {
    if (--this.#budget < 0) throw new CoppiceError('Limit', 'GVariant: more values than bytes or memory could hold');
    const bytes = type.fixed !== undefined && child?.length !== type.fixed ? undefined : child;
    switch (type.kind) {
      case 'basic':
        return this.#basic(type, bytes);
      case 'variant': {
        const found = bytes === undefined ? undefined : variantChild(bytes);
        if (found === undefined || found.type.depth >= maxDepth - depth) return new Variant('()', []);
        return new Variant(found.type.string, this.read(found.type, found.bytes, depth + 1));
      }
      case 'maybe': {
        const inner = type.children[0]!;
        if (bytes === undefined || bytes.length === 0) return null;
        if (inner.fixed !== undefined) return bytes.length === inner.fixed ? this.read(inner, bytes, depth + 1) : null;
        const value = this.read(inner, bytes.subarray(0, bytes.length - 1), depth + 1);
        return inner.kind === 'maybe' ? [value] : value;
      }
      case 'array': {
        if (bytes === undefined) return type.string === 'ay' ? new Uint8Array(0) : [];
        if (type.string === 'ay') return bytes;
        const element = type.children[0]!;
        const out: Value[] = [];
        for (const item of arrayChildren(element, bytes)) out.push(this.read(element, item, depth + 1));
        return out;
      }
      default: {
        const children = bytes === undefined ? [] : tupleChildren(type, bytes);
        return type.children.map((member, i) => this.read(member, children[i], depth + 1));
      }
    }
  }

  #basic(type: GType, bytes: Child): Value {
    const c = type.string;
    if (type.fixed === undefined) return text(c, bytes);
    if (bytes === undefined) return c === 'b' ? false : c === 'x' || c === 't' ? 0n : 0;
    const little = !this.#bigEndian;
    switch (c) {
      case 'b':
        return bytes[0] !== 0;
      case 'y':
        return bytes[0]!;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    switch (c) {
      case 'n':
        return view.getInt16(0, little);
      case 'q':
        return view.getUint16(0, little);
      case 'i':
      case 'h':
        return view.getInt32(0, little);
      case 'u':
        return view.getUint32(0, little);
      case 'x':
        return view.getBigInt64(0, little);
      case 't':
        return view.getBigUint64(0, little);
      default:
        return view.getFloat64(0, little);
    }
  }
}

/** The text of a string's bytes, or undefined when they are not normal (no NUL at the end, one inside, not UTF-8 ...). */
export function stringOf(c: string, bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.indexOf(0) !== bytes.length - 1) return undefined;
  let out: string;
  try {
    out = utf8.decode(bytes.subarray(0, bytes.length - 1));
  } catch {
    return undefined;
  }
  if ((c === 'o' && !isObjectPath(out)) || (c === 'g' && !isSignature(out))) return undefined;
  return out;
}

function text(c: string, bytes: Child): string {
  return (bytes === undefined ? undefined : stringOf(c, bytes)) ?? (c === 'o' ? '/' : '');
}
