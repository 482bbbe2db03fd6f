import { YamlFault } from './fault.ts';

// Bytes to text as libyaml's reader: UTF-8 or, with a mark, UTF-16; forbidden characters stop it, but only when the scanner
// gets near them, since it reads 512 bytes at a time.

export interface YamlText {
  readonly text: string;
  /** Index (in UTF-16 units) from which nothing can be read, and why. */
  readonly limit: number;
  readonly fault: YamlFault | undefined;
}

const rawChunk = 512;
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]/;

export function readYamlText(bytes: Uint8Array): YamlText {
  const utf16 =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : undefined;
  if (utf16 !== undefined) return readUtf16(bytes, utf16);
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(start));
    if (!forbidden.test(text)) return { text, limit: text.length, fault: undefined };
  } catch {
    // Found again below, with its place.
  }
  return readFaulty(bytes, start);
}

function readFaulty(bytes: Uint8Array, start: number): YamlText {
  let text = '';
  let at = start;
  let chunkEnd = Math.min(bytes.length, rawChunk);
  let limit = 0;
  while (at < bytes.length) {
    const width = sequenceWidth(bytes[at]!);
    if (width > 0 && at + width > chunkEnd && chunkEnd < bytes.length) {
      chunkEnd = Math.min(bytes.length, at + rawChunk);
      limit = text.length;
      continue;
    }
    const found = readCharacter(bytes, at, width);
    if (typeof found === 'string') return { text: text.slice(0, limit), limit, fault: new YamlFault(found) };
    text += String.fromCodePoint(found);
    at += width;
    if (at === chunkEnd) {
      chunkEnd = Math.min(bytes.length, at + rawChunk);
      limit = text.length;
    }
  }
  return { text, limit: text.length, fault: undefined };
}

function sequenceWidth(first: number): number {
  return first < 0x80 ? 1 : (first & 0xe0) === 0xc0 ? 2 : (first & 0xf0) === 0xe0 ? 3 : (first & 0xf8) === 0xf0 ? 4 : 0;
}

/** The code point at `at`, or what is wrong with it. */
function readCharacter(bytes: Uint8Array, at: number, width: number): number | string {
  if (width === 0) return 'invalid leading UTF-8 octet';
  if (at + width > bytes.length) return 'incomplete UTF-8 octet sequence';
  let value = width === 1 ? bytes[at]! : bytes[at]! & (0x7f >> width);
  for (let k = 1; k < width; k++) {
    const byte = bytes[at + k]!;
    if ((byte & 0xc0) !== 0x80) return 'invalid trailing UTF-8 octet';
    value = (value << 6) | (byte & 0x3f);
  }
  if (
    !(
      width === 1 ||
      (width === 2 && value >= 0x80) ||
      (width === 3 && value >= 0x800) ||
      (width === 4 && value >= 0x10000)
    )
  )
    return 'invalid length of a UTF-8 sequence';
  if ((value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff) return 'invalid Unicode character';
  return value < 0x10000 && forbidden.test(String.fromCharCode(value)) ? 'control characters are not allowed' : value;
}

function readUtf16(bytes: Uint8Array, encoding: 'utf-16le' | 'utf-16be'): YamlText {
  let text = '';
  const low = encoding === 'utf-16le' ? 0 : 1;
  const unit = (at: number): number => bytes[at + low]! | (bytes[at + 1 - low]! << 8);
  let fault: string | undefined;
  for (let at = 2; at < bytes.length && fault === undefined; at += 2) {
    if (at + 1 >= bytes.length) fault = 'incomplete UTF-16 character';
    else {
      const value = unit(at);
      if ((value & 0xfc00) === 0xdc00) fault = 'unexpected low surrogate area';
      else if ((value & 0xfc00) === 0xd800) {
        if (at + 3 >= bytes.length) fault = 'incomplete UTF-16 surrogate pair';
        else if ((unit(at + 2) & 0xfc00) !== 0xdc00) fault = 'expected low surrogate area';
        else {
          text += String.fromCharCode(value, unit(at + 2));
          at += 2;
        }
      } else if (forbidden.test(String.fromCharCode(value))) fault = 'control characters are not allowed';
      else text += String.fromCharCode(value);
    }
  }
  if (fault === undefined) return { text, limit: text.length, fault: undefined };
  return { text: '', limit: 0, fault: new YamlFault(fault) };
}
