// Writing tar: `gnu` as libarchive's gnutar writer does it byte for byte (what `ostree export` makes), `pax` for
// extended attributes and sub-second times.
import { CoppiceError } from '@coppice/base';
import type { Chunks } from './chunks.ts';
import { paxRecord } from './pax.ts';
import { type TarHeader, tarBlock, tarTypeFlags } from './tar-entry.ts';
import { encodeText } from './text.ts';

export interface TarMember extends TarHeader {
  /** Exactly `size` bytes; absent when `size` is 0. */
  readonly content?: Chunks;
}

export interface TarWriteOptions {
  readonly format: 'gnu' | 'pax';
  /** The archive is padded with zeros to a multiple of this (default 10240). */
  readonly blocking?: number;
}

function putNumber(block: Buffer, value: number, at: number, digits: number, width: number): void {
  if (value >= 0 && value < 8 ** digits) {
    block.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
    return;
  }
  let rest = BigInt(value);
  for (let i = width - 1; i >= 0; i--) {
    block[at + i] = Number(BigInt.asUintN(8, rest));
    rest >>= 8n;
  }
  block[at] = value < 0 ? 0xff : (block[at]! & 0x7f) | 0x80;
}

interface RawHeader {
  readonly name: Buffer;
  readonly link: Buffer;
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly uname: string;
  readonly gname: string;
  readonly device?: readonly [number, number];
}

function headerBlock(header: RawHeader, magic: string): Buffer {
  const block = Buffer.alloc(tarBlock);
  header.name.copy(block, 0, 0, Math.min(100, header.name.length));
  putNumber(block, header.mode, 100, 7, 8);
  putNumber(block, header.uid, 108, 7, 8);
  putNumber(block, header.gid, 116, 7, 8);
  putNumber(block, header.size, 124, 11, 12);
  putNumber(block, header.mtime, 136, 11, 12);
  block.write(header.flag, 156, 'latin1');
  header.link.copy(block, 157, 0, Math.min(100, header.link.length));
  block.write(magic, 257, 'latin1');
  encodeText(header.uname).copy(block, 265, 0, 31);
  encodeText(header.gname).copy(block, 297, 0, 31);
  if (header.device !== undefined) {
    putNumber(block, header.device[0], 329, 6, 8);
    putNumber(block, header.device[1], 337, 6, 8);
  }
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function* padded(bytes: Uint8Array): Generator<Uint8Array> {
  yield bytes;
  const rest = bytes.length % tarBlock;
  if (rest !== 0) yield new Uint8Array(tarBlock - rest);
}

const gnuMagic = 'ustar  \0';
const posixMagic = 'ustar\x0000';

function rawOf(member: TarHeader, name: Buffer, link: Buffer): RawHeader {
  return {
    name,
    link,
    flag: tarTypeFlags[member.type],
    mode: member.mode & 0o7777,
    uid: member.uid,
    gid: member.gid,
    size: member.type === 'file' ? member.size : 0,
    mtime: Math.floor(member.mtime),
    uname: member.uname,
    gname: member.gname,
    ...(member.type === 'char' || member.type === 'block'
      ? { device: [member.devMajor, member.devMinor] as const }
      : {}),
  };
}

function* gnuHeader(raw: RawHeader): Generator<Uint8Array> {
  const long = function* (flag: string, text: Buffer): Generator<Uint8Array> {
    const body = Buffer.concat([text, Buffer.alloc(1)]);
    yield headerBlock(
      {
        name: Buffer.from('././@LongLink'),
        link: raw.link,
        flag,
        mode: 0,
        uid: 0,
        gid: 0,
        size: body.length,
        mtime: 0,
        uname: 'root',
        gname: 'wheel',
      },
      gnuMagic,
    );
    yield* padded(body);
  };
  if (raw.link.length > 100) yield* long('K', raw.link);
  if (raw.name.length > 100) yield* long('L', raw.name);
  yield headerBlock(raw, gnuMagic);
}

function* paxHeader(raw: RawHeader, member: TarHeader): Generator<Uint8Array> {
  const records: Uint8Array[] = [];
  const add = (key: string, value: string | Buffer): void => {
    records.push(paxRecord(key, typeof value === 'string' ? encodeText(value) : value));
  };
  const ascii = (bytes: Buffer): boolean => bytes.every((byte) => byte < 0x80);
  // What is not UTF-8 has to be declared.
  if (!(member.path + member.linkTarget).isWellFormed()) add('hdrcharset', 'BINARY');
  if (raw.name.length > 100 || !ascii(raw.name)) add('path', raw.name);
  if (raw.link.length > 100 || !ascii(raw.link)) add('linkpath', raw.link);
  if (raw.size >= 8 ** 11) add('size', String(raw.size));
  if (raw.uid >= 8 ** 7) add('uid', String(raw.uid));
  if (raw.gid >= 8 ** 7) add('gid', String(raw.gid));
  if (!Number.isInteger(member.mtime) || member.mtime < 0 || member.mtime >= 8 ** 11)
    add('mtime', String(member.mtime));
  if (encodeText(member.uname).length > 31) add('uname', member.uname);
  if (encodeText(member.gname).length > 31) add('gname', member.gname);
  for (const { name, value } of member.xattrs) records.push(paxRecord(`SCHILY.xattr.${name}`, value));
  if (records.length > 0) {
    const body = Buffer.concat(records);
    const slash = raw.name.lastIndexOf(0x2f, raw.name.length - 2);
    const base = raw.name.subarray(slash + 1);
    yield headerBlock(
      {
        name: Buffer.concat([Buffer.from('PaxHeaders.0/'), base.subarray(0, 80)]),
        link: Buffer.alloc(0),
        flag: 'x',
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: body.length,
        mtime: 0,
        uname: '',
        gname: '',
      },
      posixMagic,
    );
    yield* padded(body);
  }
  const clamp = (value: number, digits: number): number => (value >= 0 && value < 8 ** digits ? value : 0);
  yield headerBlock(
    { ...raw, uid: clamp(raw.uid, 7), gid: clamp(raw.gid, 7), size: clamp(raw.size, 11), mtime: clamp(raw.mtime, 11) },
    posixMagic,
  );
}

/**
 * The archive of `members`, closed by two zero blocks and padded. Directories get their trailing slash. Throws
 * `Invalid` when a member's content is not `size` bytes long. `gnu` has no place for extended attributes: they are
 * left out, as libarchive does.
 */
export function* writeTar(members: Iterable<TarMember>, options: TarWriteOptions): Generator<Uint8Array> {
  const blocking = options.blocking ?? 10240;
  let written = 0;
  const count = (bytes: Uint8Array): Uint8Array => {
    written += bytes.length;
    return bytes;
  };
  for (const member of members) {
    const path = member.type === 'directory' && !member.path.endsWith('/') ? `${member.path}/` : member.path;
    const raw = rawOf(member, encodeText(path), encodeText(member.linkTarget));
    const header = options.format === 'gnu' ? gnuHeader(raw) : paxHeader(raw, member);
    for (const block of header) yield count(block);
    let left = raw.size;
    if (member.content !== undefined) {
      for (const piece of member.content) {
        left -= piece.length;
        if (left < 0) break;
        yield count(piece);
      }
    }
    if (left !== 0) throw new CoppiceError('Invalid', `${member.path}: size changed while it was archived`);
    const rest = raw.size % tarBlock;
    if (rest !== 0) yield count(new Uint8Array(tarBlock - rest));
  }
  yield count(new Uint8Array(2 * tarBlock));
  if (written % blocking !== 0) yield new Uint8Array(blocking - (written % blocking));
}
