import { constants } from 'node:fs';
import { CoppiceError, errnoError, isCoppiceError, prefixError } from '@coppice/base';
import { type PieceDigest, pieceDigest } from '@coppice/linux';
import { sha256 } from './codec/checksum.ts';
import { parseCommit } from './codec/commit.ts';
import { decodeCommit } from './codec/commit-object.ts';
import { decodeDirMeta } from './codec/dirmeta.ts';
import { decodeDirTree } from './codec/dirtree.ts';
import { decodeArchiveHeader, encodeFileHeader, headerLength } from './codec/file-header.ts';
import { isRegular, isSymlink } from './codec/mode-bits.ts';
import { looseName, type ObjectType } from './codec/object-type.ts';
import type { Xattr } from './codec/xattrs.ts';
import { hashFile, hashOpenFile } from './file-checksum.ts';
import { contentPlace, type FoundObject, type Repo } from './repo.ts';
import { loadFile, readXattrs } from './store/load-file.ts';
import { RawInflater } from './store/raw-deflate.ts';

const pieceSize = 1024 * 1024;
const plainFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Checks objects one after another: structure and checksum. Throws `NotFound` for missing ones, `Corrupt` with libostree's words. */
export class ObjectChecker {
  readonly #repo: Repo;
  #buffer: Buffer | undefined;
  #output: Buffer | undefined;
  #inflater: RawInflater | undefined;

  /** Bytes of content objects that were hashed so far, as stored. */
  bytes = 0;

  constructor(repo: Repo) {
    this.#repo = repo;
  }

  check(type: ObjectType, checksum: string): void {
    if (type === 'file') this.#content(checksum);
    else this.#metadata(type, checksum);
  }

  #metadata(type: ObjectType, checksum: string): void {
    try {
      const bytes = this.#repo.loadMetadata(type, checksum);
      compare(type, checksum, sha256(bytes));
      if (type === 'commit') {
        decodeCommit(bytes);
        parseCommit(bytes);
      } else if (type === 'dirtree') decodeDirTree(bytes);
      else if (type === 'dirmeta') decodeDirMeta(bytes, this.#repo.compat.sortsXattrs ? 'sorted' : 'any');
    } catch (error) {
      if (isCoppiceError(error, 'NotFound')) throw error;
      throw prefixError(error, `fsck ${checksum}.${type}`);
    }
  }

  #content(checksum: string): void {
    const plain = this.#plain(checksum);
    if (plain !== undefined) {
      if (plain === checksum) return;
      throw prefixError(corrupt('file', checksum, plain), `fsck content object ${checksum}`);
    }
    const place = this.#repo.findObject('file', checksum);
    if (place === undefined) {
      throw new CoppiceError('NotFound', `Couldn't find file object '${checksum}'`, {
        data: { type: 'file', checksum },
      });
    }
    const { repo, path } = place;
    this.bytes += place.stat.size;
    try {
      compare('file', checksum, repo.mode === 'archive' ? this.#archive(repo, path) : bare(place, checksum));
    } catch (error) {
      const told = isCoppiceError(error) ? error : errnoError(error, `Opening content object ${checksum}: openat`);
      throw prefixError(told, `fsck content object ${checksum}`);
    }
  }

  /**
   * Checksum of a regular file without attributes in a bare repository, which most objects are: asked by its descriptor, where
   * it takes half the time. Undefined for all others, and when anything goes wrong.
   */
  #plain(checksum: string): string | undefined {
    const { fs, mode, path, settings } = this.#repo;
    if (mode !== 'bare' || fs.flistxattr === undefined || this.#repo.currentTransaction !== undefined) return undefined;
    let fd: number;
    try {
      fd = fs.open(`${path}/objects/${looseName(checksum, 'file', mode)}`, plainFlags);
    } catch {
      return undefined;
    }
    try {
      const stat = fs.fstat(fd);
      if (!isRegular(stat.mode) || (!settings.disableXattrs && fs.flistxattr(fd).length > 0)) return undefined;
      const actual = hashOpenFile(fs, fd, headerBytes(stat, []), stat.size);
      this.bytes += stat.size;
      return actual;
    } catch {
      return undefined;
    } finally {
      fs.close(fd);
    }
  }

  /** Small contents are gathered behind their header and hashed in one call; the header's size field is not believed. */
  #gather(head: Buffer): { add: (bytes: Uint8Array) => void; checksum: () => string } {
    this.#output ??= Buffer.allocUnsafeSlow(pieceSize);
    const output = this.#output;
    let digest: PieceDigest | undefined;
    let at = 0;
    const add = (bytes: Uint8Array): void => {
      if (digest === undefined && at + bytes.length <= pieceSize) {
        output.set(bytes, at);
        at += bytes.length;
        return;
      }
      if (digest === undefined) {
        digest = pieceDigest('sha256');
        digest.update(output.subarray(0, at));
      }
      digest.update(bytes);
    };
    add(head);
    return { add, checksum: () => digest?.hex() ?? sha256(output.subarray(0, at)) };
  }

  /** Checksum of a `.filez` object; one read and one hash call where it is small. */
  #archive(repo: Repo, path: string): string {
    const { fs } = repo;
    this.#buffer ??= Buffer.allocUnsafeSlow(pieceSize);
    const buffer = this.#buffer;
    const fd = fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const limit = fs.fstat(fd).size;
      let have = fs.read(fd, buffer, 0, pieceSize, null);
      const length = headerLength(buffer.subarray(0, have), limit);
      if (length > have) throw new CoppiceError('Limit', `File header size ${length} exceeds size ${have}`);
      const header = decodeArchiveHeader(buffer.subarray(0, length));
      if (!isRegular(header.mode)) return sha256(encodeFileHeader(header));
      const head = headerBytes(header, header.xattrs);
      this.#inflater ??= new RawInflater();
      this.#inflater.start();
      const output = this.#gather(head);
      let start = length;
      while (have > 0) {
        this.#inflater.write(buffer.subarray(start, have), output.add);
        start = 0;
        have = fs.read(fd, buffer, 0, pieceSize, null);
      }
      this.#inflater.finish();
      return output.checksum();
    } finally {
      fs.close(fd);
    }
  }
}

/** Checksum of an object that is stored as it is. */
function bare(place: FoundObject, checksum: string): string {
  const { repo, path, stat } = place;
  if (repo.mode === 'bare' && isRegular(stat.mode)) {
    const xattrs = repo.settings.disableXattrs ? [] : readXattrs(repo.fs, path);
    return hashFile(repo.fs, path, headerBytes(stat, xattrs), stat.size);
  }
  const { header, size } = loadFile(contentPlace(place), checksum);
  if (isSymlink(header.mode)) return sha256(encodeFileHeader(header));
  return hashFile(repo.fs, path, headerBytes(header, header.xattrs), size);
}

let plain: { readonly uid: number; readonly gid: number; readonly mode: number; readonly bytes: Buffer } | undefined;
const plains = new Map<string, typeof plain>();

/** The encoded header of a regular file. Those without attributes are kept: there are few different ones. */
function headerBytes(owner: { uid: number; gid: number; mode: number }, xattrs: readonly Xattr[]): Buffer {
  const { uid, gid, mode } = owner;
  if (xattrs.length > 0) return encodeFileHeader({ uid, gid, mode, symlinkTarget: '', xattrs });
  if (plain === undefined || plain.mode !== mode || plain.uid !== uid || plain.gid !== gid) {
    const key = `${mode}:${uid}:${gid}`;
    plain = plains.get(key);
    if (plain === undefined) {
      plain = { uid, gid, mode, bytes: encodeFileHeader({ uid, gid, mode, symlinkTarget: '', xattrs }) };
      if (plains.size < 1000) plains.set(key, plain);
    }
  }
  return plain.bytes;
}

function compare(type: ObjectType, expected: string, actual: string): void {
  if (expected !== actual) throw corrupt(type, expected, actual);
}

function corrupt(type: ObjectType, expected: string, actual: string): CoppiceError {
  const message = `Corrupted ${type} object; checksum expected='${expected}' actual='${actual}'`;
  return new CoppiceError('Corrupt', message, { data: { type, expected, actual } });
}
