// PAX extended headers: "LENGTH KEY=VALUE\n" records. Values are bytes: extended attributes may hold anything.
import { CoppiceError } from '@coppice/base';
import type { TarXattr } from './tar-entry.ts';
import { decodeText, encodeText } from './text.ts';

export type PaxRecords = Map<string, Uint8Array>;

/** Parses the body of an `x` or `g` member into `records` (later ones win; an empty value removes). Throws `Corrupt`. */
export function parsePax(body: Uint8Array, records: PaxRecords): void {
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    if (space < 0 || space === at || space - at > 10) throw new CoppiceError('Corrupt', 'tar archive: bad PAX record');
    let length = 0;
    for (let i = at; i < space; i++) {
      const digit = body[i]! - 48;
      if (digit < 0 || digit > 9) throw new CoppiceError('Corrupt', 'tar archive: bad PAX record length');
      length = length * 10 + digit;
    }
    const end = at + length;
    const equals = body.indexOf(0x3d, space);
    if (end > body.length || equals < 0 || equals >= end || body[end - 1] !== 0x0a)
      throw new CoppiceError('Corrupt', 'tar archive: bad PAX record');
    const key = decodeText(body.subarray(space + 1, equals));
    const value = body.slice(equals + 1, end - 1);
    // GNU sparse 0.0 repeats these two keys: keep them all, in order, under one key of format 0.1.
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') {
      const before = records.get('GNU.sparse.map');
      const text = `${before === undefined ? '' : `${decodeText(before)},`}${decodeText(value)}`;
      records.set('GNU.sparse.map', encodeText(text));
    } else if (value.length === 0 && !key.includes('.xattr.')) records.delete(key);
    else records.set(key, value);
    at = end;
  }
}

/** One record, its own length included. */
export function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const body = Buffer.concat([encodeText(` ${key}=`), value, Buffer.from('\n')]);
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  const bytes: number[] = [];
  const source = encodeText(text);
  for (let i = 0; i < source.length; i++) {
    const hex = source[i] === 0x25 ? source.toString('latin1', i + 1, i + 3) : '';
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      i += 2;
    } else bytes.push(source[i]!);
  }
  return decodeText(Uint8Array.from(bytes));
}

const schily = 'SCHILY.xattr.';
const libarchive = 'LIBARCHIVE.xattr.';

/** Extended attributes in record order; `SCHILY.xattr.` (raw) wins over `LIBARCHIVE.xattr.` (percent-coded name, base64). */
export function paxXattrs(records: PaxRecords): TarXattr[] {
  const out = new Map<string, Uint8Array>();
  for (const [key, value] of records) {
    if (key.startsWith(libarchive)) {
      const name = percentDecode(key.slice(libarchive.length));
      if (!out.has(name)) out.set(name, Buffer.from(decodeText(value), 'base64'));
    }
  }
  for (const [key, value] of records) if (key.startsWith(schily)) out.set(key.slice(schily.length), value);
  return [...out].map(([name, value]) => ({ name, value }));
}
