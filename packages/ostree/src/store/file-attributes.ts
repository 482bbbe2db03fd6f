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

// A file to be written, for another thread: nine u32 (flags, create mode, uid, gid, mode, lengths of path, attributes
// and content, 0), then path, attributes as a(ayay), content.

const flag = { owner: 1, mode: 2, epoch: 4, sync: 8 } as const;
const fixedBytes = 36;

export interface FileOrder {
  readonly path: string;
  readonly attributes: FileAttributes;
  readonly content: Uint8Array;
}

/** Puts an order into `out` at `at`; gives the offset behind it, or undefined when it does not fit. */
export function putFileOrder(out: Buffer, at: number, { path, attributes, content }: FileOrder): number | undefined {
  const { owner, mode } = attributes;
  const xattrs = encodeXattrs(attributes.xattrs);
  // Three bytes hold any UTF-16 unit.
  if (at + fixedBytes + path.length * 3 + xattrs.length + content.length > out.length) return undefined;
  const flags =
    (owner === undefined ? 0 : flag.owner) |
    (mode === undefined ? 0 : flag.mode) |
    (attributes.epoch ? flag.epoch : 0) |
    (attributes.sync ? flag.sync : 0);
  const pathStart = at + fixedBytes;
  const pathLength = out.write(path, pathStart, 'utf8');
  const fixed = [flags, attributes.createMode, owner?.uid ?? 0, owner?.gid ?? 0, mode ?? 0, pathLength, xattrs.length];
  let field = at;
  for (const value of fixed) field = out.writeUInt32LE(value, field);
  out.writeUInt32LE(content.length, field);
  out.set(xattrs, pathStart + pathLength);
  out.set(content, pathStart + pathLength + xattrs.length);
  return pathStart + pathLength + xattrs.length + content.length;
}

/** The order at `at`, its content a view, and the offset behind it. */
export function takeFileOrder(bytes: Buffer, at: number): { order: FileOrder; end: number } {
  const field = (i: number): number => bytes.readUInt32LE(at + i * 4);
  const flags = field(0);
  const pathStart = at + fixedBytes;
  const xattrStart = pathStart + field(5);
  const start = xattrStart + field(6);
  const end = start + field(7);
  const attributes: FileAttributes = {
    createMode: field(1),
    owner: (flags & flag.owner) === 0 ? undefined : { uid: field(2), gid: field(3) },
    xattrs: field(6) === 0 ? [] : decodeXattrs(bytes.subarray(xattrStart, start)),
    mode: (flags & flag.mode) === 0 ? undefined : field(4),
    epoch: (flags & flag.epoch) !== 0,
    sync: (flags & flag.sync) !== 0,
  };
  const path = bytes.toString('utf8', pathStart, xattrStart);
  return { order: { path, attributes, content: bytes.subarray(start, end) }, end };
}

/** Makes a file whole; removes it again when something fails. */
export function writeWholeFile(fs: FileSystem, { path, attributes, content }: FileOrder): void {
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
