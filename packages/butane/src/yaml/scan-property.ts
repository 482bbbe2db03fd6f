import type { Cursor } from './cursor.ts';
import { type Mark, scannerFault } from './fault.ts';
import type { Token } from './token.ts';

// Anchors, aliases, tags and directives (libyaml's scanner).

const exclamation = 33;
const percent = 37;

export function scanAnchor(cursor: Cursor, type: 'anchor' | 'alias'): Token {
  const start = cursor.mark();
  cursor.skip();
  const value = readWord(cursor);
  if (value === '' || !(cursor.isBlankOrEnd() || '?:,]}%@`'.includes(String.fromCharCode(cursor.at()))))
    throw cursor.fault(start, 'did not find expected alphabetic or numeric character');
  return { type, start, end: cursor.mark(), value };
}

function readWord(cursor: Cursor): string {
  const from = cursor.pos;
  cursor.need(1);
  while (cursor.isWordCharacter()) {
    cursor.skip();
    cursor.need(1);
  }
  return cursor.text.slice(from, cursor.pos);
}

export function scanTag(cursor: Cursor): Token {
  const start = cursor.mark();
  let handle = '';
  let suffix: string;
  cursor.need(2);
  if (cursor.at(1) === 60) {
    cursor.skip();
    cursor.skip();
    suffix = readTagUri(cursor, true, '', start);
    if (cursor.at() !== 62) throw cursor.fault(start, "did not find the expected '>'");
    cursor.skip();
  } else {
    handle = readTagHandle(cursor, false, start);
    if (handle.length > 1 && handle.endsWith('!')) suffix = readTagUri(cursor, false, '', start);
    else {
      suffix = readTagUri(cursor, false, handle, start);
      handle = '!';
      if (suffix === '') [handle, suffix] = ['', '!'];
    }
  }
  cursor.need(1);
  if (!cursor.isBlankOrEnd()) throw cursor.fault(start, 'did not find expected whitespace or line break');
  return { type: 'tag', start, end: cursor.mark(), value: handle, suffix };
}

function readTagHandle(cursor: Cursor, directive: boolean, start: Mark): string {
  cursor.need(1);
  if (cursor.at() !== exclamation) throw cursor.fault(start, "did not find expected '!'");
  let handle = cursor.read() + readWord(cursor);
  if (cursor.at() === exclamation) handle += cursor.read();
  else if (directive && handle !== '!') throw cursor.fault(start, "did not find expected '!'");
  return handle;
}

const uriCharacters = ";/?:@&=+$.!~*'()%,[]";

function readTagUri(cursor: Cursor, verbatim: boolean, head: string, start: Mark): string {
  let uri = head.slice(1);
  let any = head !== '';
  cursor.need(1);
  for (;;) {
    const c = cursor.at();
    if (!(cursor.isWordCharacter() || (c > 32 && c < 127 && uriCharacters.includes(String.fromCharCode(c))))) break;
    if (!verbatim && (c === 44 || c === 91 || c === 93)) break;
    uri += c === percent ? readUriEscapes(cursor, start) : cursor.read();
    any = true;
    cursor.need(1);
  }
  if (!any) throw cursor.fault(start, 'did not find expected tag URI');
  return uri;
}

/** One character written as percent escapes of its UTF-8 bytes. */
function readUriEscapes(cursor: Cursor, start: Mark): string {
  const bytes: number[] = [];
  let width = 1;
  do {
    cursor.need(3);
    const hex = String.fromCharCode(cursor.at(1), cursor.at(2));
    if (cursor.at() !== percent || !/^[0-9a-fA-F]{2}$/.test(hex))
      throw cursor.fault(start, 'did not find URI escaped octet');
    const octet = Number.parseInt(hex, 16);
    if (bytes.length === 0) {
      width =
        octet < 0x80 ? 1 : (octet & 0xe0) === 0xc0 ? 2 : (octet & 0xf0) === 0xe0 ? 3 : (octet & 0xf8) === 0xf0 ? 4 : 0;
      if (width === 0) throw cursor.fault(start, 'found an incorrect leading UTF-8 octet');
    } else if ((octet & 0xc0) !== 0x80) throw cursor.fault(start, 'found an incorrect trailing UTF-8 octet');
    bytes.push(octet);
    for (let k = 0; k < 3; k++) cursor.skip();
  } while (bytes.length < width);
  return new TextDecoder().decode(new Uint8Array(bytes));
}

export function scanDirective(cursor: Cursor): Token {
  const start = cursor.mark();
  cursor.skip();
  const name = readWord(cursor);
  if (name === '') throw cursor.fault(start, 'could not find expected directive name');
  if (!cursor.isBlankOrEnd()) throw cursor.fault(start, 'found unexpected non-alphabetical character');
  let token: Token;
  if (name === 'YAML') {
    skipBlanks(cursor);
    const major = readVersionNumber(cursor, start);
    if (cursor.at() !== 46) throw cursor.fault(start, "did not find expected digit or '.' character");
    cursor.skip();
    const minor = readVersionNumber(cursor, start);
    token = { type: 'version-directive', start, end: cursor.mark(), value: `${Number(major)}.${Number(minor)}` };
  } else if (name === 'TAG') {
    skipBlanks(cursor);
    const handle = readTagHandle(cursor, true, start);
    cursor.need(1);
    if (!cursor.isBlank()) throw cursor.fault(start, 'did not find expected whitespace');
    skipBlanks(cursor);
    const prefix = readTagUri(cursor, true, '', start);
    cursor.need(1);
    if (!cursor.isBlankOrEnd()) throw cursor.fault(start, 'did not find expected whitespace or line break');
    token = { type: 'tag-directive', start, end: cursor.mark(), value: handle, suffix: prefix };
  } else throw scannerFault(start, cursor.mark(), 'found unknown directive name');
  skipBlanks(cursor);
  if (cursor.at() === 35)
    while (!cursor.isBreakOrEnd()) {
      cursor.skip();
      cursor.need(1);
    }
  if (!cursor.isBreakOrEnd()) throw cursor.fault(start, 'did not find expected comment or line break');
  if (cursor.isBreak()) {
    cursor.need(2);
    cursor.skipLine();
  }
  return token;
}

function skipBlanks(cursor: Cursor): void {
  cursor.need(1);
  while (cursor.isBlank()) {
    cursor.skip();
    cursor.need(1);
  }
}

function readVersionNumber(cursor: Cursor, start: Mark): string {
  let digits = '';
  cursor.need(1);
  while (cursor.at() >= 48 && cursor.at() <= 57) {
    if (digits.length === 2) throw cursor.fault(start, 'found extremely long version number');
    digits += cursor.read();
    cursor.need(1);
  }
  if (digits === '') throw cursor.fault(start, 'did not find expected version number');
  return digits;
}
