import type { FileSystem } from '@coppice/base/fs';

/** The bytes of an open file from its offset on, in pieces of at most `size`. A piece is only good until the next is asked for. */
export function* chunksOf(fs: FileSystem, fd: number, size = 1 << 18): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  for (;;) {
    const n = fs.read(fd, buffer, 0, size, null);
    if (n === 0) return;
    yield buffer.subarray(0, n);
  }
}
