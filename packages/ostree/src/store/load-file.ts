import { constants } from 'node:fs';
import { CoppiceError, errnoError, isCoppiceError } from '@coppice/base';
import type { FileStat, FileSystem } from '@coppice/base/fs';
import { readFile } from '@coppice/linux';
import { decodeOwnership } from '../codec/dirmeta.ts';
import { decodeArchiveHeader, type FileHeader, headerLength } from '../codec/file-header.ts';
import { isRegular, isSymlink, S_IFLNK, S_IFMT } from '../codec/mode-bits.ts';
import { looseName, type RepoMode } from '../codec/object-type.ts';
import { decodeXattrs, sortXattrs, type Xattr } from '../codec/xattrs.ts';
import { RawInflater } from './raw-deflate.ts';

/** An open content object: its header, its uncompressed size and its bytes. */
export interface LoadedFile {
  readonly header: FileHeader;
  /** The header without the attributes, which bare repositories read only for `header`: what listings need. */
  readonly inode: Omit<FileHeader, 'xattrs'>;
  /** Bytes of the content (0 for symbolic links). */
  readonly size: number;
  /** The content in pieces; each piece is valid until the next one is taken. */
  read(): Iterable<Uint8Array>;
}

export const ostreeMetaAttribute = 'user.ostreemeta';
const notAFile = 'Not a regular file or symlink';
const headerLimit = 64 * 1024 * 1024;
const noXattrs: readonly Xattr[] = [];

/** The extended attributes of a path, sorted, links not followed. Those without a value are left out, as libostree does. */
export function readXattrs(fs: FileSystem, path: string): readonly Xattr[] {
  const names = fs.listxattr(path);
  if (names.length === 0) return noXattrs;
  const out: Xattr[] = [];
  for (const name of names) {
    const value = fs.getxattr(path, name);
    if (value !== undefined && value.length > 0) out.push({ name, value });
  }
  return sortXattrs(out);
}

/** Where content lies and how the repository that holds it stores it. */
export interface ContentPlace {
  readonly fs: FileSystem;
  readonly repo: string;
  readonly path: string;
  readonly mode: RepoMode;
  readonly disableXattrs: boolean;
  /** What `lstat` said, if the caller asked already. */
  readonly stat?: FileStat;
}

/** Reads the header of a content object and gives its bytes on demand. Throws `Corrupt` for damaged objects. */
export function loadFile(place: ContentPlace, checksum: string): LoadedFile {
  try {
    return loadByMode(place, checksum);
  } catch (error) {
    if (isCoppiceError(error)) throw error;
    // A directory can be opened, but not read.
    const folder = place.mode === 'archive' && (error as { code?: string }).code === 'EISDIR';
    throw errnoError(
      error,
      folder ? 'Error reading from file descriptor' : `Opening content object ${checksum}: openat`,
    );
  }
}

function loadByMode(place: ContentPlace, checksum: string): LoadedFile {
  switch (place.mode) {
    case 'archive':
      return loadArchive(place);
    case 'bare-user':
      return loadBareUser(place, checksum);
    default:
      return loadBare(place, checksum);
  }
}

/** A file whose attributes are read with the header, and the header when it is asked for. */
class BareFile implements LoadedFile {
  readonly inode: Omit<FileHeader, 'xattrs'>;
  readonly size: number;
  readonly #place: ContentPlace;
  readonly #checksum: string;
  #header: FileHeader | undefined;

  constructor(place: ContentPlace, checksum: string, inode: Omit<FileHeader, 'xattrs'>, size: number) {
    this.inode = inode;
    this.size = size;
    this.#place = place;
    this.#checksum = checksum;
  }

  get header(): FileHeader {
    const place = this.#place;
    const none = place.mode === 'bare-user-only' || place.disableXattrs;
    this.#header ??= { ...this.inode, xattrs: none ? noXattrs : bareXattrs(place, this.#checksum) };
    return this.#header;
  }

  // Not a method, so that it can be taken out of the object as those of other repositories can.
  readonly read = (): Iterable<Uint8Array> => contentOf(this.#place.fs, this.#place.path, this.inode.mode, this.size);
}

function loadBare(place: ContentPlace, checksum: string): LoadedFile {
  const { fs, path, mode } = place;
  const stat = place.stat ?? fs.lstat(path);
  if (stat === undefined) throw new CoppiceError('NotFound', `Couldn't find file object '${checksum}'`);
  const canonical = mode === 'bare-user-only';
  if (!isSymlink(stat.mode) && !isRegular(stat.mode)) throw new CoppiceError('Corrupt', notAFile);
  const link = isSymlink(stat.mode);
  const inode = {
    uid: canonical ? 0 : stat.uid,
    gid: canonical ? 0 : stat.gid,
    mode: stat.mode,
    symlinkTarget: link ? fs.readlink(path) : '',
  };
  return new BareFile(place, checksum, inode, link ? 0 : stat.size);
}

function bareXattrs(place: ContentPlace, checksum: string): readonly Xattr[] {
  if (place.mode !== 'bare-split-xattrs') return readXattrs(place.fs, place.path);
  const path = `${place.repo}/objects/${looseName(checksum, 'file-xattrs-link', place.mode)}`;
  return decodeXattrs(readFile(path, { fs: place.fs, limit: headerLimit }), 0, undefined, 'file-xattrs');
}

function loadBareUser(place: ContentPlace, checksum: string): LoadedFile {
  const { fs, path } = place;
  const stat = place.stat ?? fs.lstat(path);
  if (stat === undefined) throw new CoppiceError('NotFound', `Couldn't find file object '${checksum}'`);
  if (!isSymlink(stat.mode) && !isRegular(stat.mode)) throw new CoppiceError('Corrupt', notAFile);
  const stored = fs.getxattr(path, ostreeMetaAttribute);
  if (stored === undefined)
    throw new CoppiceError(
      'Corrupt',
      `Opening content object ${checksum}: fgetxattr(${ostreeMetaAttribute}): No data available`,
    );
  const meta = decodeOwnership(stored, ostreeMetaAttribute);
  const link = isSymlink(meta.mode);
  if (!link && !isRegular(meta.mode))
    throw new CoppiceError('Corrupt', `Invalid mode ${meta.mode} in ${checksum}.file`);
  let target = '';
  if (link) {
    const bytes = readFile(path, { fs, limit: 65536 });
    const nul = bytes.indexOf(0);
    target = bytes.toString('utf8', 0, nul < 0 ? bytes.length : nul);
  }
  const header: FileHeader = { ...meta, symlinkTarget: target };
  const size = link ? 0 : stat.size;
  return { header, inode: header, size, read: () => contentOf(fs, path, header.mode, size) };
}

function contentOf(fs: FileSystem, path: string, mode: number, size: number): Iterable<Uint8Array> {
  return size === 0 || (mode & S_IFMT) === S_IFLNK ? [] : readPieces(fs, path, 0);
}

// Buffers and inflaters go from one file to the next: setting them up costs more than most files take.
const spareBuffers: Buffer[] = [];
const spareInflaters: RawInflater[] = [];
const pieceSize = 256 * 1024;
const spareLimit = 4;

/** The bytes of a file from `offset` on, in pieces in one reused buffer. */
export function* readPieces(fs: FileSystem, path: string, offset: number): Generator<Uint8Array, void, undefined> {
  const fd = fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const buffer = spareBuffers.pop() ?? Buffer.allocUnsafeSlow(pieceSize);
  try {
    let at = offset;
    for (;;) {
      const n = fs.read(fd, buffer, 0, buffer.length, at);
      if (n === 0) return;
      at += n;
      yield buffer.subarray(0, n);
    }
  } finally {
    if (spareBuffers.length < spareLimit) spareBuffers.push(buffer);
    fs.close(fd);
  }
}

/** Archive files up to this size are read whole with their header. */
const wholeSize = 64 * 1024;

function loadArchive(place: ContentPlace): LoadedFile {
  const { fs, path } = place;
  const { header, dataOffset, whole } = readArchiveHeader(fs, path);
  const link = isSymlink(header.mode);
  const compressed = (): Iterable<Uint8Array> =>
    whole === undefined ? readPieces(fs, path, dataOffset) : [whole.subarray(dataOffset)];
  return {
    header,
    inode: header,
    size: link ? 0 : header.size,
    read: () => (link ? [] : inflatePieces(compressed(), header.size)),
  };
}

export interface OpenedArchive {
  readonly header: FileHeader & { readonly size: number };
  /** Where the compressed bytes start. */
  readonly dataOffset: number;
  /** The whole file, where it is small. */
  readonly whole: Buffer | undefined;
}

/** Reads the header of a `.filez` file. Throws `Corrupt`. */
export function readArchiveHeader(fs: FileSystem, path: string): OpenedArchive {
  let fd: number;
  try {
    fd = fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    throw errnoError(error, `openat(${path.slice(path.lastIndexOf('/objects/') + 9)})`);
  }
  try {
    const limit = fs.fstat(fd).size;
    let bytes = Buffer.allocUnsafe(limit <= wholeSize ? limit : 512);
    let have = readFully(fs, fd, bytes, 0, bytes.length);
    const length = headerLength(bytes.subarray(0, have), limit);
    if (length > headerLimit) throw new CoppiceError('Limit', `File header size ${length} exceeds size ${headerLimit}`);
    const whole = limit <= wholeSize && have === limit ? bytes : undefined;
    if (length > have) {
      const longer = Buffer.allocUnsafe(length);
      bytes.copy(longer, 0, 0, have);
      have += readFully(fs, fd, longer, have, length - have);
      bytes = longer;
      if (have < length) throw new CoppiceError('Corrupt', 'Corrupted archive file; truncated header');
    }
    return { header: decodeArchiveHeader(bytes.subarray(0, length)), dataOffset: length, whole };
  } finally {
    fs.close(fd);
  }
}

function readFully(fs: FileSystem, fd: number, into: Buffer, offset: number, length: number): number {
  let got = 0;
  while (got < length) {
    const n = fs.read(fd, into, offset + got, length - got, offset + got);
    if (n === 0) break;
    got += n;
  }
  return got;
}

/** Raw deflated bytes, inflated. Throws `Corrupt` unless they make exactly `size` bytes. */
export function* inflatePieces(compressed: Iterable<Uint8Array>, size: number): Generator<Uint8Array, void, undefined> {
  const inflater = spareInflaters.pop() ?? new RawInflater();
  try {
    inflater.start();
    let total = 0;
    for (const piece of compressed) {
      for (const bytes of inflater.pieces(piece)) {
        total += bytes.length;
        if (total > size) throw new CoppiceError('Corrupt', `Corrupted archive file; content exceeds its size ${size}`);
        yield bytes;
      }
    }
    inflater.finish();
    if (total < size) {
      throw new CoppiceError('Corrupt', `Corrupted archive file; content is ${total} of ${size} bytes`);
    }
  } finally {
    if (spareInflaters.length < spareLimit) spareInflaters.push(inflater);
  }
}
