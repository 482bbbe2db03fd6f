import { type DecodeOptions, decode } from './decode.ts';
import { encode } from './encode.ts';
import { parseVariant } from './parse.ts';
import { printVariant } from './print.ts';

/**
 * A GVariant value as JavaScript: `b` boolean; `y n q i u h d` number; `x t` bigint (number is accepted when encoding);
 * `s o g` string; `v` Variant; `ay` Uint8Array; `m*` null or the value (`mm*`: null or a one-element list of the inner
 * maybe); other arrays and tuples lists; dictionaries lists of [key, value] (Map is accepted when encoding).
 */
export type Value =
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Variant
  | null
  | readonly Value[]
  | ReadonlyMap<Value, Value>
  | ReadonlyMap<string, Variant>;

/** A value with its type: what stands inside a `v`, and what prints as GVariant text. */
export class Variant {
  readonly type: string;
  readonly value: Value;

  constructor(type: string, value: Value) {
    this.type = type;
    this.value = value;
  }

  /** Reads serialized bytes; see `decode`. */
  static decode(type: string, bytes: Uint8Array, options?: DecodeOptions): Variant {
    return new Variant(type, decode(type, bytes, options));
  }

  /** Reads GVariant text; see `parseVariant`. */
  static parse(text: string, type?: string): Variant {
    return parseVariant(text, type);
  }

  /** The serialized bytes. Throws `Invalid` when the value does not fit its type. */
  encode(): Uint8Array {
    return encode(this.type, this.value);
  }

  /** GVariant text; `annotate` (as g_variant_print's type_annotate) makes it parse back to the same type. */
  toString(annotate = true): string {
    return printVariant(this, annotate);
  }

  static string(text: string): Variant {
    return new Variant('s', text);
  }
  static boolean(flag: boolean): Variant {
    return new Variant('b', flag);
  }
  static uint32(number: number): Variant {
    return new Variant('u', number);
  }
  static uint64(number: number | bigint): Variant {
    return new Variant('t', BigInt(number));
  }
  static bytes(bytes: Uint8Array): Variant {
    return new Variant('ay', bytes);
  }
  static strings(list: readonly string[]): Variant {
    return new Variant('as', list);
  }
}
