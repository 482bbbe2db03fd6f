import { createHash, type Hash, hash } from 'node:crypto';
import { constants } from 'node:fs';
import { CoppiceError, prefixError } from '@coppice/base';
import { sha256 } from './codec/checksum.ts';
import { parseCommit } from './codec/commit.ts';
import { decodeCommit } from './codec/commit-object.ts';
import { decodeDirMeta } from './codec/dirmeta.ts';
import { decodeDirTree } from './codec/dirtree.ts';
import { decodeArchiveHeader, encodeFileHeader, headerLength } from './codec/file-header.ts';
import { isRegular, isSymlink } from './codec/mode-bits.ts';
import type { ObjectType } from './codec/object-type.ts';
import { hashFile } from './file-checksum.ts';
import { contentPlace, type FoundObject, type Repo } from './repo.ts';
import type { CompressPool } from './store/compress-pool.ts';
import { loadFile, readArchiveHeader } from './store/load-file.ts';
import { RawInflater } from './store/raw-deflate.ts';

const pieceSize = 1024 * 1024;
/** Smaller objects are checked sooner than handed over. */
const handOver = 16 * 1024;

/** Checks objects one after another: structure and checksum. Throws `NotFound` for missing ones, `Corrupt` with libostree's words. */
export class ObjectChecker {
  readonly #repo: Repo;
  #buffer: Buffer | undefined;
  #output: Buffer | undefined;
  #inflater: RawInflater | undefined;

  readonly #pool: CompressPool | undefined;

  /** `pool` helps in `tryLater`. */
  constructor(repo: Repo, pool?: CompressPool) {
    this.#repo = repo;
    this.#pool = pool;
  }

  /**
   * Lets the other thread check a content object; `failed` is called later if it is not right. False when there is no
   * other thread, when it is busy, or when it is not worth it: then `check` is to be called.
   */
  tryLater(type: ObjectType, checksum: string, failed: (error: unknown) => void): boolean {
    if (this.#pool === undefined || type !== 'file') return false;
    const place = this.#repo.findObject('file', checksum);
    if (place === undefined || place.stat.size < handOver) return false;
    let job: { head: Buffer; start: number } | undefined;
    try {
      job = jobOf(place, checksum);
    } catch {
      return false; // `check` says what is wrong with it
    }
    if (job === undefined) return false;
    const { fs, mode } = place.repo;
    const fd = fs.open(place.path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const options = { inflate: mode === 'archive', start: job.start, size: place.stat.size };
    const given = this.#pool.tryDigest(fd, job.head, options, (digest, error) => {
      fs.close(fd);
      if (error === undefined && digest.toString('hex') === checksum) return;
      try {
        this.check(type, checksum);
      } catch (why) {
        failed(why);
      }
    });
    if (!given) fs.close(fd);
    return given;
  }

  /** Waits for what the other thread has to do. */
  drain(): void {
    this.#pool?.collect(true);
  }

  check(type: ObjectType, checksum: string): void {
    if (type === 'file') this.#content(checksum);
    else this.#metadata(type, checksum);
  }

  #metadata(type: ObjectType, checksum: string): void {
    const bytes = this.#repo.loadMetadata(type, checksum);
    try {
      compare(type, checksum, sha256(bytes));
      if (type === 'commit') {
        decodeCommit(bytes);
        parseCommit(bytes);
      } else if (type === 'dirtree') decodeDirTree(bytes);
      else if (type === 'dirmeta') decodeDirMeta(bytes);
    } catch (error) {
      throw prefixError(error, `fsck ${checksum}.${type}`);
    }
  }

  #content(checksum: string): void {
    const place = this.#repo.findObject('file', checksum);
    if (place === undefined) {
      throw new CoppiceError('NotFound', `Couldn't find file object '${checksum}'`, {
        data: { type: 'file', checksum },
      });
    }
    const { repo, path } = place;
    try {
      compare('file', checksum, repo.mode === 'archive' ? this.#archive(repo, path) : bare(place, checksum));
    } catch (error) {
      throw prefixError(error, `fsck content object ${checksum}`);
    }
  }

  /** Small contents are gathered behind their header and hashed in one call; the header's size field is not believed. */
  #gather(head: Buffer): { add: (bytes: Uint8Array) => void; checksum: () => string } {
    this.#output ??= Buffer.allocUnsafeSlow(pieceSize);
    const output = this.#output;
    let digest: Hash | undefined;
    let at = 0;
    const add = (bytes: Uint8Array): void => {
      if (digest === undefined && at + bytes.length <= pieceSize) {
        output.set(bytes, at);
        at += bytes.length;
        return;
      }
      digest ??= createHash('sha256').update(output.subarray(0, at));
      digest.update(bytes);
    };
    add(head);
    return { add, checksum: () => digest?.digest('hex') ?? hash('sha256', output.subarray(0, at), 'hex') };
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
      const head = encodeFileHeader(header);
      if (!isRegular(header.mode)) return sha256(head);
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

/** What is hashed before the content, and where the content starts; undefined for symbolic links. */
function jobOf(place: FoundObject, checksum: string): { head: Buffer; start: number } | undefined {
  if (place.repo.mode === 'archive') {
    const { header, dataOffset } = readArchiveHeader(place.repo.fs, place.path);
    return isSymlink(header.mode) ? undefined : { head: encodeFileHeader(header), start: dataOffset };
  }
  const { header } = loadFile(contentPlace(place), checksum);
  return isSymlink(header.mode) ? undefined : { head: encodeFileHeader(header), start: 0 };
}

function bare(place: FoundObject, checksum: string): string {
  const { fs } = place.repo;
  const file = loadFile(contentPlace(place), checksum);
  const head = encodeFileHeader(file.header);
  return isSymlink(file.header.mode) ? sha256(head) : hashFile(fs, place.path, head, file.size);
}

function compare(type: ObjectType, expected: string, actual: string): void {
  if (expected === actual) return;
  throw new CoppiceError('Corrupt', `Corrupted ${type} object; checksum expected='${expected}' actual='${actual}'`, {
    data: { type, expected, actual },
  });
}
