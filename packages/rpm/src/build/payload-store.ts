import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';

/** Where a compressed payload waits until the header that holds its digest has been written before it. */
export interface PayloadStore {
  write(bytes: Uint8Array): void;
  /** What was written, as often as asked. */
  chunks(): Iterable<Uint8Array>;
}

export function memoryStore(): PayloadStore & { readonly list: readonly Uint8Array[] } {
  const list: Uint8Array[] = [];
  return {
    list,
    write: (bytes) => {
      list.push(new Uint8Array(bytes));
    },
    chunks: () => list,
  };
}

/** A temporary file in `dir`; `remove` it. Throws what is wrong with the folder. */
export function fileStore(fs: FileSystem, dir: string): PayloadStore & { remove(): void } {
  const path = join(dir, `.payload.${randomBytes(6).toString('hex')}`);
  let fd: number;
  try {
    fd = fs.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw errnoError(error, dir);
  }
  // Gone from the folder at once: nothing is left behind by a crash.
  fs.unlink(path);
  let size = 0;
  return {
    write: (bytes) => {
      fs.write(fd, bytes, 0, bytes.length, size);
      size += bytes.length;
    },
    *chunks() {
      const buffer = Buffer.allocUnsafe(256 * 1024);
      for (let at = 0; at < size; ) {
        const n = fs.read(fd, buffer, 0, buffer.length, at);
        if (n === 0) return;
        at += n;
        yield buffer.subarray(0, n);
      }
    },
    remove: () => fs.close(fd),
  };
}
