import { type GType, parseType } from './type.ts';
import type { Value, Variant } from './variant.ts';

/** GVariant text as `g_variant_print` writes it. */
export function printVariant(variant: { readonly type: string; readonly value: Value }, annotate: boolean): string {
  return print(parseType(variant.type), variant.value, annotate);
}

/** Values of these types are annotated with a keyword instead of `@type`. */
const keywords: Readonly<Record<string, string>> = {
  y: 'byte ',
  n: 'int16 ',
  q: 'uint16 ',
  h: 'handle ',
  u: 'uint32 ',
  x: 'int64 ',
  t: 'uint64 ',
  o: 'objectpath ',
  g: 'signature ',
};

function print(type: GType, value: Value, annotate: boolean): string {
  switch (type.kind) {
    case 'basic':
      return (annotate ? (keywords[type.string] ?? '') : '') + printBasic(type.string, value);
    case 'variant': {
      const inner = value as Variant;
      return `<${print(parseType(inner.type), inner.value, true)}>`;
    }
    case 'maybe':
      return (annotate ? `@${type.string} ` : '') + printMaybe(type, value);
    case 'array':
      return printArray(type, value, annotate);
    case 'tuple': {
      const items = (value as readonly Value[]).map((item, i) => print(type.children[i]!, item, annotate));
      return `(${items.join(', ')}${items.length === 1 ? ',' : ''})`;
    }
    case 'entry': {
      const [key, item] = value as readonly Value[];
      return `{${print(type.children[0]!, key!, annotate)}, ${print(type.children[1]!, item!, annotate)}}`;
    }
  }
}

function printMaybe(type: GType, value: Value): string {
  let inner = type;
  let at = value;
  let depth = 0;
  for (; inner.kind === 'maybe'; depth++) {
    if (at === null) return `${'just '.repeat(depth)}nothing`;
    const child = inner.children[0]!;
    if (child.kind === 'maybe') at = (at as readonly Value[])[0]!;
    inner = child;
  }
  return print(inner, at, false);
}

function printArray(type: GType, value: Value, annotate: boolean): string {
  const element = type.children[0]!;
  if (value instanceof Uint8Array) {
    if (value.length > 0 && value.indexOf(0) === value.length - 1) return printBytestring(value.subarray(0, -1));
    if (value.length === 0) return annotate ? '@ay []' : '[]';
    const bytes = [...value].map((b) => `0x${b.toString(16).padStart(2, '0')}`);
    return `[${annotate ? 'byte ' : ''}${bytes.join(', ')}]`;
  }
  const list = value instanceof Map ? [...value] : (value as readonly Value[]);
  const dictionary = element.kind === 'entry';
  if (list.length === 0) return (annotate ? `@${type.string} ` : '') + (dictionary ? '{}' : '[]');
  const items = list.map((item, i) => {
    const first = annotate && i === 0;
    if (!dictionary) return print(element, item as Value, first);
    const [key, entry] = item as readonly Value[];
    return `${print(element.children[0]!, key!, first)}: ${print(element.children[1]!, entry!, first)}`;
  });
  return dictionary ? `{${items.join(', ')}}` : `[${items.join(', ')}]`;
}

const bytestringEscapes: Readonly<Record<number, string>> = {
  8: '\\b',
  12: '\\f',
  10: '\\n',
  13: '\\r',
  9: '\\t',
  11: '\\v',
  34: '\\"',
  92: '\\\\',
};

function printBytestring(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) {
    if (bytestringEscapes[byte] !== undefined) out += bytestringEscapes[byte];
    else if (byte < 0x20 || byte >= 0x7f) out += `\\${byte.toString(8).padStart(3, '0')}`;
    else out += String.fromCharCode(byte);
  }
  return bytes.includes(0x27) ? `b"${out}"` : `b'${out}'`;
}

const stringEscapes: Readonly<Record<string, string>> = {
  '\x07': 'a',
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
  '\v': 'v',
};

/** A quoted string as in GVariant text: single quotes, double ones when it holds a single quote. */
export function printString(text: string): string {
  const quote = text.includes("'") ? '"' : "'";
  let out = quote;
  for (const c of text) {
    if (c === quote || c === '\\') out += `\\${c}`;
    else if (!/[\p{Cc}\p{Cf}\p{Cn}\p{Cs}]/u.test(c)) out += c;
    else if (stringEscapes[c] !== undefined) out += `\\${stringEscapes[c]}`;
    else {
      const code = c.codePointAt(0)!;
      out += code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
    }
  }
  return out + quote;
}

function printBasic(type: string, value: Value): string {
  switch (type) {
    case 'b':
      return value === true ? 'true' : 'false';
    case 's':
      return printString(value as string);
    case 'o':
    case 'g':
      return `'${value as string}'`;
    case 'y':
      return `0x${(value as number).toString(16).padStart(2, '0')}`;
    case 'd':
      return printDouble(value as number);
    default:
      return String(value);
  }
}

/** C's `%.17g`, with `.0` added to a whole number. */
export function printDouble(value: number): string {
  if (Number.isNaN(value)) return Object.is(Math.sign(value), -0) ? '-nan' : 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa, exponentText] = value.toExponential(16).split('e') as [string, string];
  const exponent = Number(exponentText);
  const trim = (s: string): string => (s.includes('.') ? s.replace(/\.?0+$/, '') : s);
  if (exponent < -4 || exponent >= 17) {
    return `${trim(mantissa)}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const out = trim(value.toFixed(Math.min(100, Math.max(0, 16 - exponent))));
  return out.includes('.') ? out : `${out}.0`;
}
