// Type signatures (D-Bus specification, "Type System").
import { CoppiceError } from '@coppice/base';

/** A complete type. */
export type DBusType =
  | { readonly kind: 'basic'; readonly code: string; readonly alignment: number }
  | { readonly kind: 'variant'; readonly alignment: 1 }
  | { readonly kind: 'array'; readonly alignment: 4; readonly element: DBusType }
  | { readonly kind: 'dict'; readonly alignment: 4; readonly key: DBusType; readonly value: DBusType }
  | { readonly kind: 'struct'; readonly alignment: 8; readonly fields: readonly DBusType[] };

const alignments: Readonly<Record<string, number>> = {
  y: 1,
  b: 4,
  n: 2,
  q: 2,
  i: 4,
  u: 4,
  x: 8,
  t: 8,
  d: 8,
  h: 4,
  s: 4,
  o: 4,
  g: 1,
};

/** Characters of a signature, and levels of arrays and of structures within it. */
const longest = 255;
const deepest = 32;

class SignatureReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  fault(what: string): CoppiceError {
    return new CoppiceError('Invalid', `D-Bus signature '${this.#text.slice(0, longest)}': ${what}`);
  }

  type(arrays = 0, structs = 0): DBusType {
    const code = this.#text[this.#at++];
    if (code === undefined) throw this.fault('ends too early');
    if (Object.hasOwn(alignments, code)) return { kind: 'basic', code, alignment: alignments[code]! };
    if (code === 'v') return { kind: 'variant', alignment: 1 };
    if (code === 'a') {
      if (arrays >= deepest) throw this.fault('too many levels of arrays');
      if (this.#text[this.#at] === '{') return this.#dict(arrays + 1, structs);
      return { kind: 'array', alignment: 4, element: this.type(arrays + 1, structs) };
    }
    if (code !== '(') throw this.fault(`no type starts with '${code}'`);
    if (structs >= deepest) throw this.fault('too many levels of structures');
    const fields: DBusType[] = [];
    while (this.#text[this.#at] !== ')') fields.push(this.type(arrays, structs + 1));
    this.#at++;
    if (fields.length === 0) throw this.fault('a structure without fields');
    return { kind: 'struct', alignment: 8, fields };
  }

  #dict(arrays: number, structs: number): DBusType {
    if (structs >= deepest) throw this.fault('too many levels of structures');
    this.#at++;
    const key = this.type(arrays, structs + 1);
    if (key.kind !== 'basic') throw this.fault('a dictionary key that is not of a basic type');
    const value = this.type(arrays, structs + 1);
    if (this.#text[this.#at++] !== '}') throw this.fault('a dictionary entry without two types');
    return { kind: 'dict', alignment: 4, key, value };
  }
}

/** The types of a signature, one after the other. Throws `Invalid`. */
export function parseSignature(signature: string): DBusType[] {
  const reader = new SignatureReader(signature);
  if (signature.length > longest) throw reader.fault('too long');
  const out: DBusType[] = [];
  while (!reader.done) out.push(reader.type());
  return out;
}

/** The one type of a signature, as variants have it. Throws `Invalid`. */
export function parseSingleType(signature: string): DBusType {
  const [type, ...more] = parseSignature(signature);
  if (type === undefined || more.length > 0)
    throw new CoppiceError('Invalid', `D-Bus signature '${signature}': not one complete type`);
  return type;
}
