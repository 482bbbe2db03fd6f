import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { pieceDigest } from '@coppice/linux';
import { sha256 } from '../codec/checksum.ts';
import { encodeArchiveHeader, encodeFileHeader, type FileHeader } from '../codec/file-header.ts';
import { isSymlink } from '../codec/mode-bits.ts';
import type { RepoMode } from '../codec/object-type.ts';
import type { CompressPool } from './compress-pool.ts';
import { slotInput } from './compress-slots.ts';
import type { ContentSource } from './content-source.ts';
import { DiskForm } from './disk-form.ts';
import { HashAhead } from './hash-ahead.ts';
import { PackedContent } from './packed-content.ts';
import type { PayloadLinks } from './payload-link.ts';
import { randomHex } from './random-name.ts';

/** Contents up to this size are held in one reused buffer: hashed and looked up before anything is written. */
const smallSize = 16 * 1024 * 1024;
const firstSize = 1024 * 1024;
/** Pieces of a known size are put together up to here. */
const wholeSize = 4 * 1024 * 1024;
const headerRoom = 128 * 1024;

/** What the writer needs from the transaction it works for. */
export interface ContentTarget {
  readonly fs: FileSystem;
  readonly mode: RepoMode;
  readonly zlibLevel: number;
  /** Directory for files not yet complete, on the file system of the objects. */
  readonly temporary: string;
  /** Sync each file. */
  readonly syncFiles: boolean;
  /** Links by content, where the repository makes them. */
  readonly payloadLinks?: PayloadLinks | undefined;
  /** Name for an object of this content: its checksum, or that which it is believed to have. Asked while it is written. */
  alias(checksum: string): string;
  has(checksum: string): boolean;
  /** Called before bytes go to disk; throws when space runs out. */
  reserve(size: number): void;
  refund(size: number): void;
  /** Where to make the file of an object that is not there yet. */
  pathFor(checksum: string): string;
  /** Gives a complete file its object name. */
  place(temporary: string, checksum: string): void;
  wrote(checksum: string, payload: number, stored: number): void;
}

/** Stores content objects in a mode's form, hashing as it goes. One per transaction; its buffers are reused. */
export class ContentWriter {
  readonly #target: ContentTarget;
  #buffer = Buffer.allocUnsafeSlow(headerRoom + firstSize);
  readonly #stem = randomHex(6);
  #counter = 0;
  readonly #packed: PackedContent;
  readonly #form: DiskForm;
  #header: { key: FileHeader; bytes: Buffer } | undefined;

  readonly #pool: CompressPool | undefined;
  /** The other thread has more to do with large files than to write them. */
  readonly #compresses: boolean;
  /** Checksums of objects that the other thread is compressing. */
  readonly inFlight = new Set<string>();
  /** Gives nothing to the other thread, while the caller has another way to share its work. */
  alone = false;
  /** Where there is a second thread. */
  readonly ahead: HashAhead | undefined;

  /** `pool` compresses for an archive repository and writes small files for the others. */
  constructor(target: ContentTarget, pool?: CompressPool) {
    this.#target = target;
    const { fs, mode, syncFiles } = target;
    this.#form = new DiskForm(fs, mode, { syncFiles, probe: () => this.#temporary() });
    this.#packed = new PackedContent(target.zlibLevel);
    this.#pool = pool;
    this.#compresses = pool !== undefined && mode === 'archive';
    this.ahead = pool === undefined ? undefined : new HashAhead(pool, (checksum) => this.#has(checksum));
  }

  /** Waits for what the other thread has to do. Throws what went wrong there. */
  drain(): void {
    this.#pool?.collect(true);
  }

  /** Waits likewise, for a transaction that is given up. */
  abandon(): void {
    while (this.#pool !== undefined && this.#pool.busy > 0) {
      try {
        this.#pool.collect(true);
      } catch {
        // Its error is not the one that counts any more.
      }
    }
  }

  /** Whether the object of a name (`ab/cdef….file`) was given to the other thread and is not there yet. */
  isInFlight(name: string): boolean {
    return this.inFlight.size > 0 && this.inFlight.has(name.slice(0, 2) + name.slice(3, 65));
  }

  #reserve(size: number): void {
    try {
      this.#target.reserve(size);
    } catch (error) {
      throw errnoError(error, 'Writing content object');
    }
  }

  #verified(actual: string, verify: (checksum: string) => void): string {
    verify(actual);
    return this.#target.alias(actual);
  }

  #has(checksum: string): boolean {
    const found = (this.inFlight.size > 0 && this.inFlight.has(checksum)) || this.#target.has(checksum);
    this.ahead?.saw(found);
    return found;
  }

  /** Stores one object unless it is there. `verify` sees the checksum before the object gets its name. */
  write(header: FileHeader, source: ContentSource, verify: (checksum: string) => void): string {
    const head = this.headerBytes(header);
    if (isSymlink(header.mode)) return this.#symlink(header, head, verify);
    if (source instanceof Uint8Array) {
      if (source.length <= smallSize && head.length <= headerRoom) {
        this.#makeRoom(source.length);
        this.#buffer.set(source, headerRoom);
        return this.#small(header, head, source.length, verify);
      }
      return this.#streamed(header, head, [source], source.length, verify);
    }
    if ('path' in source) return this.#fromPath(header, head, source, verify);
    if ('pieces' in source) {
      if (source.size > wholeSize || head.length > headerRoom)
        return this.#streamed(header, head, source.pieces, source.size, verify);
      this.#makeRoom(source.size);
      return this.#fromPieces(header, head, source.pieces, verify);
    }
    return this.#fromPieces(header, head, source, verify);
  }

  /** What ends soon is hashed and looked up before anything is written, as a file of known size is. */
  #fromPieces(
    header: FileHeader,
    head: Buffer,
    source: Iterable<Uint8Array>,
    verify: (checksum: string) => void,
  ): string {
    const pieces = source[Symbol.iterator]();
    let have = 0;
    try {
      for (;;) {
        const step = pieces.next();
        if (step.done === true) {
          if (head.length <= headerRoom) return this.#small(header, head, have, verify);
          const content = Buffer.from(this.#buffer.subarray(headerRoom, headerRoom + have));
          return this.#streamed(header, head, [content], have, verify);
        }
        if (have + step.value.length > this.#buffer.length - headerRoom) {
          const first = Buffer.from(this.#buffer.subarray(headerRoom, headerRoom + have));
          return this.#streamed(header, head, following(first, step.value, pieces), undefined, verify);
        }
        this.#buffer.set(step.value, headerRoom + have);
        have += step.value.length;
      }
    } finally {
      pieces.return?.();
    }
  }

  /** What is hashed before a content; kept for the next of the same owner and mode. */
  headerBytes(header: FileHeader): Buffer {
    const last = this.#header;
    if (
      last !== undefined &&
      header.xattrs.length === 0 &&
      header.symlinkTarget === '' &&
      last.key.uid === header.uid &&
      last.key.gid === header.gid &&
      last.key.mode === header.mode
    ) {
      return last.bytes;
    }
    const bytes = encodeFileHeader(header);
    if (header.xattrs.length === 0 && header.symlinkTarget === '') this.#header = { key: header, bytes };
    return bytes;
  }

  #fromPath(
    header: FileHeader,
    head: Buffer,
    source: { readonly path: string; readonly size?: number },
    verify: (checksum: string) => void,
  ): string {
    const { fs } = this.#target;
    if (source.size === 0) return this.#small(header, head, 0, verify);
    let fd: number;
    try {
      fd = fs.open(source.path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      throw errnoError(error, `openat(${source.path.slice(source.path.lastIndexOf('/') + 1)})`);
    }
    let kept = false;
    try {
      const size = source.size ?? fs.fstat(fd).size;
      if (size <= smallSize && head.length <= headerRoom) {
        this.#makeRoom(size);
        let have = 0;
        while (have < size) {
          const n = fs.read(fd, this.#buffer, headerRoom + have, size - have, null);
          if (n === 0) break;
          have += n;
        }
        if (have <= slotInput || !this.#compresses) return this.#small(header, head, have, verify);
      }
      const digest = this.#hashFd(head, fd);
      const checksum = this.#verified(digest, verify);
      if (this.#has(checksum)) return checksum;
      kept = this.#giveFile(header, head, fd, size, checksum, digest);
      if (kept) return checksum;
      return this.#streamed(header, head, this.#pieces(fd), size, verify);
    } finally {
      if (!kept) fs.close(fd);
    }
  }

  /** Grows the buffer in steps, so that it stays small where files are. */
  #makeRoom(size: number): void {
    if (headerRoom + size <= this.#buffer.length) return;
    let room = firstSize;
    while (room < size) room *= 2;
    this.#buffer = Buffer.allocUnsafeSlow(headerRoom + room);
  }

  /** The content lies in the buffer from `headerRoom` on. */
  #small(header: FileHeader, head: Buffer, size: number, verify: (checksum: string) => void): string {
    const target = this.#target;
    const buffer = this.#buffer;
    const start = headerRoom - head.length;
    head.copy(buffer, start);
    const checksum = this.#verified(sha256(buffer.subarray(start, headerRoom + size)), verify);
    if (this.#has(checksum)) return checksum;
    this.#reserve(size);
    if (target.mode !== 'archive') {
      const links = target.payloadLinks?.wants(size) === true ? target.payloadLinks : undefined;
      const content = buffer.subarray(headerRoom, headerRoom + size);
      if (links === undefined && this.#giveContent(header, checksum, content)) return checksum;
      const payload = links === undefined ? '' : sha256(content);
      this.#create(header, checksum, size, (fd) => {
        if (size > 0 && links?.clone(payload, size, fd) !== true) target.fs.write(fd, buffer, headerRoom, size, null);
        return size;
      });
      links?.add(payload, checksum);
      return checksum;
    }
    const content = buffer.subarray(headerRoom, headerRoom + size);
    if (this.#giveContent(header, checksum, content)) return checksum;
    const packed = this.#packed.ofContent(header, content);
    this.#create(header, checksum, size, (fd) => {
      target.fs.write(fd, packed, 0, packed.length, null);
      return packed.length;
    });
    return checksum;
  }

  /** Lets the other thread write a file, compressed first where that is the form; false when it is busy. */
  #giveContent(header: FileHeader, checksum: string, content: Uint8Array): boolean {
    if (this.#pool === undefined || this.alone) return false;
    const target = this.#target;
    const path = target.pathFor(checksum);
    const { length } = content;
    const order = { path, attributes: this.#form.attributes(header), content };
    const level = target.zlibLevel;
    const packed = this.#compresses ? { packed: { head: encodeArchiveHeader(header, length), level } } : {};
    const given = this.#pool.tryWrite({ ...order, ...packed }, (error) => {
      this.inFlight.delete(checksum);
      if (error !== undefined) throw error;
      try {
        target.place(path, checksum);
      } catch (failure) {
        this.#discard(path);
        throw errnoError(failure, 'Writing content object');
      }
      target.wrote(checksum, length, length);
    });
    if (given) this.inFlight.add(checksum);
    return given;
  }

  /** A large file is read twice, hashed first, so that one that is stored already costs no writing. */
  #hashFd(head: Buffer, fd: number): string {
    const digest = createHash('sha256').update(head);
    for (const piece of this.#pieces(fd)) digest.update(piece);
    return digest.digest('hex');
  }

  *#pieces(fd: number): Generator<Uint8Array> {
    const buffer = this.#buffer;
    for (let at = 0; ; ) {
      const n = this.#target.fs.read(fd, buffer, 0, buffer.length, at);
      if (n === 0) return;
      yield buffer.subarray(0, n);
      at += n;
    }
  }

  /** Lets the other thread compress a whole file; then it closes `fd` when done. False when it is busy. */
  #giveFile(header: FileHeader, head: Buffer, fd: number, size: number, checksum: string, digest: string): boolean {
    const target = this.#target;
    if (this.#pool === undefined || !this.#compresses) return false;
    this.#reserve(size);
    const temporary = target.pathFor(checksum);
    const out = this.#form.open(temporary, header);
    const archiveHead = encodeArchiveHeader(header, size);
    target.fs.write(out, archiveHead, 0, archiveHead.length, 0);
    const done = (result: Buffer, error: CoppiceError | undefined): void => {
      this.inFlight.delete(checksum);
      try {
        try {
          if (error !== undefined) throw error;
          // Read again by the thread: what it hashed must be what was hashed before.
          if (result.toString('hex', 0, 32) !== digest || result.readBigUInt64LE(32) !== BigInt(size)) {
            throw new CoppiceError('Corrupt', `File changed while it was read: ${checksum}`);
          }
          this.#form.finish(out, header);
        } finally {
          target.fs.close(fd);
          target.fs.close(out);
        }
        target.place(temporary, checksum);
      } catch (failure) {
        this.#discard(temporary);
        throw errnoError(failure, 'Writing content object');
      }
      target.wrote(checksum, size, Number(result.readBigUInt64LE(40)));
    };
    const options = { level: target.zlibLevel, start: archiveHead.length, size };
    if (!this.#pool.tryFile(fd, out, head, options, done)) {
      target.fs.close(out);
      this.#discard(temporary);
      target.refund(size);
      return false;
    }
    this.inFlight.add(checksum);
    return true;
  }

  #streamed(
    header: FileHeader,
    head: Buffer,
    source: Iterable<Uint8Array>,
    expectedSize: number | undefined,
    verify: (checksum: string) => void,
  ): string {
    const target = this.#target;
    const archive = target.mode === 'archive';
    const content = target.payloadLinks === undefined ? undefined : createHash('sha256');
    let contentChecksum: string | undefined;
    let payload = 0;
    let reserved = 0;
    let stored = 0;
    if (expectedSize !== undefined) {
      this.#reserve(expectedSize);
      reserved = expectedSize;
    }
    const temporary = this.#temporary();
    const fd = this.#form.open(temporary, header);
    const digest = pieceDigest('sha256');
    let actual: string | undefined;
    let checksum: string;
    try {
      try {
        digest.update(head);
        const put = (bytes: Uint8Array): void => {
          target.fs.write(fd, bytes, 0, bytes.length, null);
          stored += bytes.length;
        };
        // The size stands first in an archive file; when it is not known it is put in at the end.
        const archiveHead = archive ? encodeArchiveHeader(header, expectedSize ?? 0) : undefined;
        if (archiveHead !== undefined) {
          put(archiveHead);
          this.#packed.deflater.start();
        }
        for (const piece of source) {
          payload += piece.length;
          if (expectedSize === undefined) {
            this.#reserve(piece.length);
            reserved += piece.length;
          }
          digest.update(piece);
          content?.update(piece);
          if (archive) this.#packed.deflater.write(piece, put);
          else put(piece);
        }
        if (archive) this.#packed.deflater.finish(put);
        if (archiveHead !== undefined && payload !== expectedSize) {
          const head = encodeArchiveHeader(header, payload);
          target.fs.write(fd, head, 0, head.length, 0);
        }
        actual = digest.hex();
        checksum = this.#verified(actual, verify);
        if (target.payloadLinks?.wants(payload) === true) {
          contentChecksum = content!.digest('hex');
          target.payloadLinks.clone(contentChecksum, payload, fd);
        }
        this.#form.finish(fd, header);
      } finally {
        target.fs.close(fd);
      }
      if (this.#has(checksum)) {
        target.fs.unlink(temporary);
        target.refund(reserved);
        return checksum;
      }
      target.place(temporary, checksum);
      if (contentChecksum !== undefined) target.payloadLinks?.add(contentChecksum, checksum);
    } catch (error) {
      if (actual === undefined) digest.hex();
      this.#discard(temporary);
      throw error;
    }
    target.wrote(checksum, payload, stored);
    return checksum;
  }

  #symlink(header: FileHeader, head: Buffer, verify: (checksum: string) => void): string {
    const target = this.#target;
    const checksum = this.#verified(sha256(head), verify);
    if (this.#has(checksum)) return checksum;
    const length = Buffer.byteLength(header.symlinkTarget);
    this.#reserve(length);
    if (target.mode === 'archive' || target.mode === 'bare-user') {
      const bytes =
        target.mode === 'archive' ? encodeArchiveHeader(header, 0) : Buffer.from(`${header.symlinkTarget}\0`);
      this.#create(header, checksum, 0, (fd) => {
        target.fs.write(fd, bytes, 0, bytes.length, null);
        return bytes.length;
      });
      return checksum;
    }
    const temporary = target.pathFor(checksum);
    try {
      target.fs.symlink(header.symlinkTarget, temporary);
      if (target.mode === 'bare') {
        const owner = this.#form.owner();
        if (owner.uid !== header.uid || owner.gid !== header.gid) target.fs.lchown(temporary, header.uid, header.gid);
        for (const { name, value } of header.xattrs) target.fs.setxattr(temporary, name, value);
      }
      target.place(temporary, checksum);
    } catch (error) {
      this.#discard(temporary);
      throw errnoError(error, 'Writing content object');
    }
    target.wrote(checksum, 0, length);
    return checksum;
  }

  /** Writes a file under a temporary name, gives it its metadata, then its object name. */
  #create(header: FileHeader, checksum: string, payload: number, fill: (fd: number) => number): void {
    const target = this.#target;
    const temporary = target.pathFor(checksum);
    let stored: number;
    try {
      const fd = this.#form.open(temporary, header);
      try {
        stored = fill(fd);
        this.#form.finish(fd, header);
      } finally {
        target.fs.close(fd);
      }
      target.place(temporary, checksum);
    } catch (error) {
      this.#discard(temporary);
      throw errnoError(error, 'Writing content object');
    }
    target.wrote(checksum, payload, stored);
  }

  #temporary(): string {
    return `${this.#target.temporary}/tmp-${this.#stem}-${this.#counter++}`;
  }

  #discard(path: string): void {
    try {
      this.#target.fs.unlink(path);
    } catch {
      // Not made yet, or already in place.
    }
  }
}

function* following(first: Uint8Array, second: Uint8Array, rest: Iterator<Uint8Array>): Generator<Uint8Array> {
  yield first;
  yield second;
  for (let step = rest.next(); step.done !== true; step = rest.next()) yield step.value;
}
