import { constants } from 'node:fs';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';

/** Random access to the bytes of a package: a file that stays closed between reads, or memory. */
export interface PackageSource {
  readonly name: string;
  readonly size: number;
  /** Exactly `length` bytes at `offset`; throws `Corrupt` when they are not there. */
  read(offset: number, length: number): Uint8Array;
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
    *stream(offset) {
      yield bytes.subarray(offset);
    },
  };
}

export function fileSource(path: string, fs: FileSystem): PackageSource {
  const open = (): number => {
    try {
      return fs.open(path, constants.O_RDONLY);
    } catch (error) {
      throw errnoError(error, `open of ${path} failed`);
    }
  };
  const fd = open();
  let size: number;
  try {
    size = fs.fstat(fd).size;
  } finally {
    fs.close(fd);
  }
  return {
    name: path,
    size,
    read(offset, length) {
      if (length < 0 || offset + length > size) throw truncated(path);
      const handle = open();
      try {
        const out = Buffer.allocUnsafe(length);
        let got = 0;
        while (got < length) {
          const n = fs.read(handle, out, got, length - got, offset + got);
          if (n === 0) throw truncated(path);
          got += n;
        }
        return out;
      } finally {
        fs.close(handle);
      }
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
