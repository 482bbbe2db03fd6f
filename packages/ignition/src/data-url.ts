import { decodeBase64, latin1 } from './base64.ts';

// Data URLs (RFC 2397) as the original's library reads and writes them.

const unreserved = new Uint8Array(256);
for (const c of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")
  unreserved[c.charCodeAt(0)] = 1;
const upperHex = Uint8Array.from('0123456789ABCDEF', (c) => c.charCodeAt(0));

/** Length of `escapeData(bytes)` without making it. */
export function escapedLength(bytes: Uint8Array): number {
  let length = 0;
  for (const byte of bytes) length += unreserved[byte] === 1 ? 1 : 3;
  return length;
}

/** Percent-escapes every byte but letters, digits and `-_.!~*'()`, in upper case. */
export function escapeData(bytes: Uint8Array): string {
  const out = new Uint8Array(escapedLength(bytes));
  let to = 0;
  for (const byte of bytes) {
    if (unreserved[byte] === 1) {
      out[to++] = byte;
      continue;
    }
    out[to++] = 0x25;
    out[to++] = upperHex[byte >> 4]!;
    out[to++] = upperHex[byte & 15]!;
  }
  return latin1(out);
}

function isToken(c: string): boolean {
  return c > ' ' && c < '\x7f' && !'()<>@,;:\\"/[]?='.includes(c);
}

/** The bytes of a data URL, or the library's error text. */
export function decodeDataUrl(url: string): Uint8Array | string {
  if (!url.startsWith('data:')) return 'missing data prefix';
  const head = readHead(url);
  if (typeof head === 'string') return head;
  const data = url.slice(head.dataAt);
  if (head.base64) {
    if (/[^A-Za-z0-9+/=]/.test(data)) return 'invalid data character';
    const bytes = decodeBase64(data);
    return typeof bytes === 'number' ? `illegal base64 data at input byte ${bytes}` : bytes;
  }
  if (/[^\x21-\x7e]|[<>#"{}|\\^[\]`]/.test(data)) return 'invalid data character';
  return unescapeData(data);
}

/** Removes percent escapes; a string is the library's error text. */
function unescapeData(data: string): Uint8Array | string {
  const out = new Uint8Array(data.length);
  let to = 0;
  for (let i = 0; i < data.length; i++) {
    const code = data.charCodeAt(i);
    if (code !== 0x25) {
      out[to++] = code;
      continue;
    }
    for (const at of [i + 1, i + 2]) {
      if (at >= data.length) return 'rfc2396: unexpected end of unescape sequence';
      if (!/[0-9a-fA-F]/.test(data[at]!)) return 'rfc2396: invalid char 0x25 in unescape sequence';
    }
    out[to++] = Number.parseInt(data.slice(i + 1, i + 3), 16);
    i += 2;
  }
  return out.subarray(0, to);
}

function readHead(url: string): { dataAt: number; base64: boolean } | string {
  let at = 'data:'.length;
  const first = url[at];
  if (first === undefined) return 'missing comma before data';
  if (first !== ';' && first !== ',') {
    const type = readMediaType(url, at);
    if (typeof type === 'string') return type;
    at = type;
  }
  let base64 = false;
  while (url[at] === ';') {
    const start = ++at;
    const c = url[at];
    if (c === undefined || c === '=' || c === ',') return 'unterminated parameter sequence';
    while (at < url.length && isToken(url[at]!)) at++;
    if (at === url.length) return 'unterminated parameter sequence';
    if (url[at] === ',') {
      const name = url.slice(start, at);
      if (name !== 'base64') return `expected base64, got ${name}`;
      base64 = true;
      break;
    }
    if (url[at] !== '=') return 'invalid character for parameter attribute';
    const after = readParameterValue(url, at + 1);
    if (typeof after === 'string') return after;
    at = after;
  }
  return url[at] === ',' ? { dataAt: at + 1, base64 } : 'missing comma before data';
}

/** Index behind `type/subtype`, or an error text. */
function readMediaType(url: string, start: number): number | string {
  let at = start;
  if (!isToken(url[at]!)) return 'invalid character after data prefix';
  const extension = /^[xX]-/.test(url.slice(at, at + 2));
  // An `x` swallows the character behind it, whatever it is.
  at += /^[xX]/.test(url[at]!) ? 2 : 1;
  while (at < url.length && url[at] !== '/') {
    if (!isToken(url[at]!)) return 'invalid character for media type';
    at++;
  }
  if (at >= url.length) return 'missing media type slash';
  if (!extension && !/^(text|image|audio|video|application|message|multipart)/.test(url.slice(start, at)))
    return 'invalid media type';
  at++;
  while (at < url.length && url[at] !== ';' && url[at] !== ',') {
    if (!isToken(url[at]!)) return 'invalid character for media subtype';
    at++;
  }
  return at >= url.length ? 'incomplete media type' : at;
}

/** Index behind a parameter value, or an error text. */
function readParameterValue(url: string, start: number): number | string {
  let at = start;
  if (url[at] === undefined) return 'missing comma before data';
  if (url[at] !== '"') {
    if (!isToken(url[at]!)) return 'invalid character for parameter value';
    while (at < url.length && isToken(url[at]!)) at++;
    if (at === url.length) return 'missing comma before data';
    if (url[at] !== ';' && url[at] !== ',') return 'invalid character for parameter value';
    const decoded = unescapeData(url.slice(start, at));
    return typeof decoded === 'string' ? decoded : at;
  }
  for (at++; ; at++) {
    const c = url[at];
    if (c === undefined) return 'unclosed quoted string';
    if (c === '"') break;
    if (c > '\x7f') return 'invalid character for parameter value';
    if (c === '\\' && ++at >= url.length) return 'unclosed quoted string';
  }
  at++;
  if (at >= url.length) return 'missing comma before data';
  return url[at] === ';' || url[at] === ',' ? at : 'expected semicolon or comma';
}
