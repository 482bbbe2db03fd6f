import { constants } from 'node:fs';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { isRegular } from '../codec/mode-bits.ts';
import type { OldBytes } from './bspatch.ts';

/** A content object that a delta reads: the file of a repository that stores contents as they are. */
export class OldFile implements OldBytes {
  readonly #fs: FileSystem;
  readonly #fd: number;
  readonly size: number;

  private constructor(fs: FileSystem, fd: number, size: number) {
    this.#fs = fs;
    this.#fd = fd;
    this.size = size;
  }

  /** Opens the object's file. Throws `Corrupt` for what is no regular file. */
  static open(fs: FileSystem, path: string, checksum: string): OldFile {
    let fd: number;
    try {
      fd = fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as { code?: string }).code === 'ELOOP') throw notRegular(checksum);
      throw errnoError(error, `openat(${checksum}.file)`);
    }
    const { mode, size } = fs.fstat(fd);
    if (isRegular(mode)) return new OldFile(fs, fd, size);
    fs.close(fd);
    throw notRegular(checksum);
  }

  read(into: Uint8Array, position: number): void {
    for (let done = 0; done < into.length; ) {
      const n = this.#fs.read(this.#fd, into, done, into.length - done, position + done);
      if (n === 0) throw new CoppiceError('Corrupt', 'Unexpected EOF reading from read source');
      done += n;
    }
  }

  /** A run of it, in pieces that are valid until the next is taken. */
  *pieces(offset: number, length: number): Generator<Uint8Array> {
    if (offset + length > this.size) throw new CoppiceError('Corrupt', 'Unexpected EOF reading from read source');
    const buffer = Buffer.allocUnsafe(Math.min(length, 256 * 1024));
    for (let done = 0; done < length; ) {
      const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
      this.read(piece, offset + done);
      done += piece.length;
      yield piece;
    }
  }

  close(): void {
    this.#fs.close(this.#fd);
  }
}

function notRegular(checksum: string): CoppiceError {
  return new CoppiceError('Corrupt', `Read source ${checksum}.file is not a regular file`);
}
