import { CoppiceError } from '@coppice/base';
import { asBuffer, notNormal, offsetWidth, readString, tupleOffsets, writeOffset } from './framing.ts';
import { isRegular, isSymlink } from './mode-bits.ts';
import { decodeXattrs, encodeXattrs, type Xattr } from './xattrs.ts';

/** Metadata of a content object; `mode` has S_IFREG or S_IFLNK, `symlinkTarget` is empty for regular files. */
export interface FileHeader {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly symlinkTarget: string;
  /** Sorted by name. */
  readonly xattrs: readonly Xattr[];
}

/** Header of an archive (`.filez`) object: the file header and the uncompressed size. */
export interface ArchiveHeader extends FileHeader {
  readonly size: number;
}

const plainTarget = Buffer.from([0]);

/**
 * What is hashed (and streamed in deltas) before the content: u32 big-endian length, 4 zero bytes, GVariant
 * `(uuuusa(ayay))` with big-endian numbers.
 */
export function encodeFileHeader(header: FileHeader): Buffer {
  return encode(header, undefined);
}

/** The start of a `.filez` file: the same frame around `(tuuuusa(ayay))`, the size first. */
export function encodeArchiveHeader(header: FileHeader, size: number): Buffer {
  return encode(header, size);
}

function encode(header: FileHeader, size: number | undefined): Buffer {
  const target = header.symlinkTarget === '' ? plainTarget : Buffer.from(`${header.symlinkTarget}\0`, 'utf8');
  const xattrs = encodeXattrs(header.xattrs);
  const fixed = size === undefined ? 16 : 24;
  const body = fixed + target.length + xattrs.length;
  const width = offsetWidth(body, 1);
  const out = Buffer.allocUnsafe(8 + body + width);
  out.writeUInt32BE(body + width, 0);
  out.writeUInt32LE(0, 4);
  let at = 8;
  if (size !== undefined) {
    out.writeBigUInt64BE(BigInt(size), at);
    at += 8;
  }
  out.writeUInt32BE(header.uid, at);
  out.writeUInt32BE(header.gid, at + 4);
  out.writeUInt32BE(header.mode, at + 8);
  out.writeUInt32LE(0, at + 12);
  out.set(target, at + 16);
  out.set(xattrs, at + 16 + target.length);
  writeOffset(out, 8 + body, width, fixed + target.length);
  return out;
}

/** Length of the framed header that starts with these 8 bytes, or fewer where the file ends; `limit` is what is left of the file. Throws `Corrupt`. */
export function headerLength(frame: Uint8Array, limit: number): number {
  if (frame.length < 4) throw new CoppiceError('Corrupt', 'Corrupted archive file; truncated header');
  const length = asBuffer(frame).readUInt32BE(0);
  if (length === 0 || length + 8 > limit) {
    throw new CoppiceError('Corrupt', `File header size ${length} exceeds size ${limit}`);
  }
  return length + 8;
}

/** Reads the framed `(uuuusa(ayay))`, 8-byte frame included. Throws `Corrupt`. */
export function decodeFileHeader(framed: Uint8Array): FileHeader {
  return decode(asBuffer(framed), 16);
}

/** Reads the framed `(tuuuusa(ayay))` of a `.filez` file. Throws `Corrupt`. */
export function decodeArchiveHeader(framed: Uint8Array): ArchiveHeader {
  const bytes = asBuffer(framed);
  const header = decode(bytes, 24);
  const size = bytes.readBigUInt64BE(8);
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new CoppiceError('Corrupt', `Corrupted archive file; size ${size}`);
  return { ...header, size: Number(size) };
}

function decode(bytes: Buffer, fixed: 16 | 24): FileHeader {
  const what = 'file header';
  if (bytes.length < 8 + fixed + 1) throw notNormal(what);
  const start = 8;
  const [targetEnd] = tupleOffsets(bytes, start, bytes.length, 1, what) as [number];
  if (targetEnd < start + fixed) throw notNormal(what);
  const at = start + fixed - 16;
  const mode = bytes.readUInt32BE(at + 8);
  const rdev = bytes.readUInt32BE(at + 12);
  if (!(isRegular(mode) || isSymlink(mode)) || (mode & ~0o177777) !== 0) {
    throw new CoppiceError('Corrupt', `Corrupted archive file; invalid mode ${mode}`);
  }
  if (rdev !== 0) throw new CoppiceError('Corrupt', `Corrupted archive file; invalid rdev ${rdev}`);
  const size = bytes.length - start;
  const width = size <= 0xff ? 1 : size <= 0xffff ? 2 : 4;
  return {
    uid: bytes.readUInt32BE(at),
    gid: bytes.readUInt32BE(at + 4),
    mode,
    // That of a file is no part of it: what was hashed with one does not have its checksum.
    symlinkTarget: isSymlink(mode) ? readString(bytes, start + fixed, targetEnd, what) : '',
    xattrs: decodeXattrs(bytes, targetEnd, bytes.length - width, what),
  };
}
