import { read } from 'node:fs';

/** Reads from where an open file stands into `bytes`, on one of Node's threads; how many came, 0 at the end. Rejects with Node's errors. */
export function readBeside(fd: number, bytes: Uint8Array, offset: number, length: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, bytes, offset, length, null, (error, n) => (error === null ? resolve(n) : reject(error)));
  });
}
