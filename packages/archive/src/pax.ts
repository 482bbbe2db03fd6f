// PAX extended headers: "LENGTH KEY=VALUE\n" records. Values are bytes: extended attributes may hold anything.
import { CoppiceError } from '@coppice/base';
import type { TarXattr } from './tar-entry.ts';
import { decodeText, encodeText } from './text.ts';

/** Records by key, and the extended attributes among them: all, in their order. */
export class PaxRecords extends Map<string, Uint8Array> {
  readonly xattrs: TarXattr[] = [];
}

const malformed = (what: string): CoppiceError =>
  new CoppiceError('Corrupt', `Ignoring malformed pax extended ${what}`);

/** Parses the body of an `x` or `g` member into `records` (of one key the later wins). Throws `Corrupt` in libarchive's words. */
export function parsePax(body: Uint8Array, records: PaxRecords): void {
  let at = 0;
  while (at < body.length) {
    let length = 0;
    let space = at;
    for (; body[space] !== 0x20; space++) {
      const digit = (body[space] ?? 0) - 48;
      if (digit < 0 || digit > 9) throw malformed('attributes');
      length = length * 10 + digit;
      if (length > body.length - at) throw malformed('attribute');
    }
    const end = at + length;
    if (end <= space + 1 || body[end - 1] !== 0x0a) throw malformed('attribute');
    const equals = body.indexOf(0x3d, space + 1);
    if (equals < 0 || equals >= end || equals === space + 1)
      throw new CoppiceError('Corrupt', 'Invalid pax extended attributes');
    const key = decodeText(body.subarray(space + 1, equals));
    add(records, key, new Uint8Array(body.subarray(equals + 1, end - 1)));
    at = end;
  }
}

function add(records: PaxRecords, key: string, value: Uint8Array): void {
  const xattr = xattrOf(key, value);
  if (xattr !== undefined) {
    records.xattrs.push(xattr);
    return;
  }
  // GNU sparse 0.0 repeats these two keys: keep them all, in order, under one key of format 0.1.
  if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') {
    const before = records.get('GNU.sparse.map');
    const text = `${before === undefined ? '' : `${decodeText(before)},`}${decodeText(value)}`;
    records.set('GNU.sparse.map', encodeText(text));
  } else records.set(key, value);
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

/** `SCHILY.xattr.` is raw, `LIBARCHIVE.xattr.` has its name percent-coded and its value in base64; GNU tar's label has a key of its own. */
function xattrOf(key: string, value: Uint8Array): TarXattr | undefined {
  if (key === 'RHT.security.selinux') return { name: 'security.selinux', value };
  if (key.startsWith(schily) && key.length > schily.length) return { name: key.slice(schily.length), value };
  if (!key.startsWith(libarchive) || key.length === libarchive.length) return undefined;
  const name = percentDecode(key.slice(libarchive.length));
  return { name, value: Buffer.from(decodeText(value), 'base64') };
}
