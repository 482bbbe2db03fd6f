import { constants } from 'node:fs';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';

/** Random access to the bytes of a package: memory, or a file that is open until it is released and while it is read. */
export interface PackageSource {
  readonly name: string;
  readonly size: number;
  /** Exactly `length` bytes at `offset`; throws `Corrupt` when they are not there. */
  read(offset: number, length: number): Uint8Array;
  /** Closes the file; it can still be read. */
  release(): void;
  /** Everything from `offset`, in chunks. */
  stream(offset: number): Generator<Uint8Array>;
}

const truncated = (name: string): CoppiceError => new CoppiceError('Corrupt', `${name}: unexpected end of file`);

export function memorySource(bytes: Uint8Array, name = 'package'): PackageSource {
  return {
    name,
    size: bytes.length,
    read(offset, length) {
      if (offset + length > bytes.length) throw truncated(name);
      return bytes.subarray(offset, offset + length);
    },
    release() {},
    *stream(offset) {
      yield bytes.subarray(offset);
    },
  };
}

/** Enough for the lead and the signature of nearly every package. */
const firstRead = 8192;

export function fileSource(path: string, fs: FileSystem): PackageSource {
  const open = (): number => {
    try {
      return fs.open(path, constants.O_RDONLY);
    } catch (error) {
      throw errnoError(error, `open of ${path} failed`);
    }
  };
  const withOpen = <T>(work: (handle: number) => T): T => {
    const handle = open();
    try {
      return work(handle);
    } finally {
      fs.close(handle);
    }
  };
  const readAt = (handle: number, offset: number, length: number): Buffer => {
    const out = Buffer.allocUnsafe(length);
    for (let got = 0; got < length; ) {
      let n: number;
      try {
        n = fs.read(handle, out, got, length - got, offset + got);
      } catch (error) {
        throw errnoError(error, 'read failed');
      }
      if (n === 0) throw truncated(path);
      got += n;
    }
    return out;
  };
  const fd = open();
  let size: number;
  try {
    size = fs.fstat(fd).size;
  } catch (error) {
    fs.close(fd);
    throw error;
  }
  // While the headers are read the file stays open, and small pieces come from the first one.
  let held: number | undefined = fd;
  let first: Buffer | undefined;
  return {
    name: path,
    size,
    read(offset, length) {
      if (length < 0 || offset + length > size) throw truncated(path);
      if (held === undefined) return withOpen((handle) => readAt(handle, offset, length));
      first ??= readAt(held, 0, Math.min(size, firstRead));
      return offset + length <= first.length ? first.subarray(offset, offset + length) : readAt(held, offset, length);
    },
    release() {
      if (held !== undefined) fs.close(held);
      held = first = undefined;
    },
    *stream(offset) {
      const handle = open();
      try {
        let at = offset;
        for (;;) {
          // A new one each time: pieces of an uncompressed payload are views of it, and callers may keep them.
          const buffer = Buffer.allocUnsafeSlow(128 * 1024);
          const n = fs.read(handle, buffer, 0, buffer.length, at);
          if (n === 0) return;
          at += n;
          yield buffer.subarray(0, n);
        }
      } finally {
        fs.close(handle);
      }
    },
  };
}
