import { constants } from 'node:fs';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { chunksOf } from '@coppice/linux';

/** The bytes of a blob's file in pieces; the caller checks size and digest. Throws `NotFound`, `Io`. */
export async function* readBlobFile(fs: FileSystem, path: string): AsyncGenerator<Uint8Array> {
  let fd: number;
  try {
    // A pipe must not hold us up.
    fd = fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw errnoError(error, path);
  }
  try {
    if ((fs.fstat(fd).mode & constants.S_IFMT) !== constants.S_IFREG)
      throw new CoppiceError('Corrupt', `${path}: not a regular file`);
    yield* chunksOf(fs, fd, { kept: true });
  } finally {
    fs.close(fd);
  }
}
