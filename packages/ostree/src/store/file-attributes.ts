import { constants } from 'node:fs';
import { errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { decodeXattrs, encodeXattrs, type Xattr } from '../codec/xattrs.ts';

/** What a new file gets beside its content. */
export interface FileAttributes {
  /** For open(2); never wider than the file will be, and without set-id bits. */
  readonly createMode: number;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly xattrs: readonly Xattr[];
  /** For fchmod(2), after owner and attributes; undefined when creating gave the right one. */
  readonly mode: number | undefined;
  /** Modified at the epoch, as contents in a store are. */
  readonly epoch: boolean;
  readonly sync: boolean;
}

export const createFlags: number = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Owner, attributes, mode and times, in the order that keeps set-id bits. */
export function applyAttributes(fs: FileSystem, fd: number, attributes: FileAttributes): void {
  const { owner, xattrs, mode, epoch, sync } = attributes;
  if (owner !== undefined) {
    try {
      fs.fchown(fd, owner.uid, owner.gid);
    } catch (error) {
      throw errnoError(error, 'fchown');
    }
  }
  for (const { name, value } of xattrs) fs.fsetxattr(fd, name, value);
  if (mode !== undefined) fs.fchmod(fd, mode);
  if (epoch) fs.futimes(fd, Date.now() / 1000, 0);
  if (sync) fs.fsync(fd);
}

// A file to be written, for another thread: nine u32 (flags, create mode, uid, gid, mode, lengths of path, attributes,
// content and head), then path, attributes as a(ayay), content, head. Above the flags stands, for what is to be
// compressed, the level plus one.

const flag = { owner: 1, mode: 2, epoch: 4, sync: 8 } as const;
const levelShift = 8;
const fixedBytes = 36;

export interface FileOrder {
  readonly path: string;
  readonly attributes: FileAttributes;
  readonly content: Uint8Array;
  /** The file gets `head` and then the content, compressed. */
  readonly packed?: { readonly head: Uint8Array; readonly level: number };
}

/** Puts an order into `out` at `at`; gives the offset behind it, or undefined when it does not fit. */
export function putFileOrder(out: Buffer, at: number, order: FileOrder): number | undefined {
  const { path, attributes, content, packed } = order;
  const { owner, mode } = attributes;
  const xattrs = encodeXattrs(attributes.xattrs);
  const head = packed?.head.length ?? 0;
  // Three bytes hold any UTF-16 unit.
  if (at + fixedBytes + path.length * 3 + xattrs.length + content.length + head > out.length) return undefined;
  const flags =
    (packed === undefined ? 0 : (packed.level + 1) << levelShift) |
    (owner === undefined ? 0 : flag.owner) |
    (mode === undefined ? 0 : flag.mode) |
    (attributes.epoch ? flag.epoch : 0) |
    (attributes.sync ? flag.sync : 0);
  const pathStart = at + fixedBytes;
  const pathLength = out.write(path, pathStart, 'utf8');
  const fixed = [flags, attributes.createMode, owner?.uid ?? 0, owner?.gid ?? 0, mode ?? 0, pathLength, xattrs.length];
  let field = at;
  for (const value of fixed) field = out.writeUInt32LE(value, field);
  field = out.writeUInt32LE(content.length, field);
  out.writeUInt32LE(head, field);
  let end = pathStart + pathLength;
  out.set(xattrs, end);
  end += xattrs.length;
  out.set(content, end);
  end += content.length;
  if (packed !== undefined) out.set(packed.head, end);
  return end + head;
}

/** The order at `at`, its content and head views, and the offset behind it. */
export function takeFileOrder(bytes: Buffer, at: number): { order: FileOrder; end: number } {
  const field = (i: number): number => bytes.readUInt32LE(at + i * 4);
  const flags = field(0);
  const pathStart = at + fixedBytes;
  const xattrStart = pathStart + field(5);
  const start = xattrStart + field(6);
  const headStart = start + field(7);
  const end = headStart + field(8);
  const attributes: FileAttributes = {
    createMode: field(1),
    owner: (flags & flag.owner) === 0 ? undefined : { uid: field(2), gid: field(3) },
    xattrs: field(6) === 0 ? [] : decodeXattrs(bytes.subarray(xattrStart, start)),
    mode: (flags & flag.mode) === 0 ? undefined : field(4),
    epoch: (flags & flag.epoch) !== 0,
    sync: (flags & flag.sync) !== 0,
  };
  const path = bytes.toString('utf8', pathStart, xattrStart);
  const content = bytes.subarray(start, headStart);
  const level = (flags >> levelShift) - 1;
  if (level < 0) return { order: { path, attributes, content }, end };
  return { order: { path, attributes, content, packed: { head: bytes.subarray(headStart, end), level } }, end };
}

/** Makes a file whole from `content`, as it is; removes it again when something fails. */
export function writeWholeFile(
  fs: FileSystem,
  { path, attributes, content }: Pick<FileOrder, 'path' | 'attributes' | 'content'>,
): void {
  const fd = fs.open(path, createFlags, attributes.createMode);
  try {
    if (content.length > 0) fs.write(fd, content, 0, content.length, null);
    applyAttributes(fs, fd, attributes);
  } catch (error) {
    fs.close(fd);
    fs.unlink(path);
    throw error;
  }
  fs.close(fd);
}
