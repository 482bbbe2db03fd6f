import { constants } from 'node:fs';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from './host-fs.ts';

export interface ChunkOptions {
  /** Most bytes of a piece; default 256 KiB. */
  readonly size?: number;
  /** Each piece has memory of its own; else one is only good until the next is asked for. */
  readonly kept?: boolean;
}

/** The bytes of an open file from its offset on, in pieces. Throws as `fs.read` does. */
export function* chunksOf(
  fs: FileSystem,
  fd: number,
  { size = 256 * 1024, kept = false }: ChunkOptions = {},
): Generator<Buffer, void, undefined> {
  for (let buffer = Buffer.allocUnsafe(size); ; ) {
    const n = fs.read(fd, buffer, 0, size, null);
    if (n === 0) return;
    yield buffer.subarray(0, n);
    if (kept) buffer = Buffer.allocUnsafe(size);
  }
}

/** The bytes of a file in pieces, each with memory of its own; links are followed. Throws as `fs.open` and `fs.read` do. */
export function* readFileChunks(path: string, fs: FileSystem = hostFs): Generator<Buffer, void, undefined> {
  const fd = fs.open(path, constants.O_RDONLY);
  try {
    yield* chunksOf(fs, fd, { kept: true });
  } finally {
    fs.close(fd);
  }
}
