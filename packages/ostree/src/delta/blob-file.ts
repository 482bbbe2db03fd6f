import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';

const bufferSize = 256 * 1024;

/** Opens a new file for writing and reading under a name of its own in `folder`. Throws with the original's words. */
export function openTemporary(fs: FileSystem, folder: string): { readonly path: string; readonly fd: number } {
  const path = `${folder}/.tmp-${randomBytes(6).toString('hex')}`;
  try {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    return { path, fd: fs.open(path, flags, 0o644) };
  } catch (error) {
    throw errnoError(error, 'open(O_TMPFILE)');
  }
}

/** Bytes that are put together piece by piece and read once: a file without a name, so that memory does not grow with them. */
export class BlobFile {
  readonly #fs: FileSystem;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(bufferSize);
  #buffered = 0;
  size = 0;

  constructor(fs: FileSystem, folder: string) {
    const { path, fd } = openTemporary(fs, folder);
    this.#fs = fs;
    this.#fd = fd;
    fs.unlink(path);
  }

  /** Gives the offset. */
  append(bytes: Uint8Array): number {
    const offset = this.size;
    this.size += bytes.length;
    if (this.#buffered + bytes.length > bufferSize) this.#flush();
    if (bytes.length > bufferSize) this.#write(bytes);
    else {
      this.#buffer.set(bytes, this.#buffered);
      this.#buffered += bytes.length;
    }
    return offset;
  }

  #flush(): void {
    this.#write(this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }

  #write(bytes: Uint8Array): void {
    try {
      if (bytes.length > 0) this.#fs.write(this.#fd, bytes, 0, bytes.length, null);
    } catch (error) {
      throw errnoError(error, 'write');
    }
  }

  /** The bytes in pieces, each valid until the next is taken. */
  *read(): Generator<Uint8Array> {
    this.#flush();
    for (let at = 0; at < this.size; ) {
      const n = this.#fs.read(this.#fd, this.#buffer, 0, bufferSize, at);
      if (n === 0) throw new CoppiceError('Io', 'A temporary file became shorter');
      at += n;
      yield this.#buffer.subarray(0, n);
    }
  }

  close(): void {
    this.#fs.close(this.#fd);
  }
}
