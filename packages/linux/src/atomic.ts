import { constants } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from './host-fs.ts';

/** Names that another process has already are refused, so plain chance will do: Node's crypto takes milliseconds to load. */
export function nameEnd(): string {
  return Math.floor(Math.random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
}

/**
 * Replaces the small state file at `path` so that any crash leaves the old content or the new: temporary name beside it,
 * fsync, rename, fsync of the directory. `mode` is set exactly (no umask).
 */
export function replaceFile(
  path: string,
  data: Uint8Array | string,
  options: {
    mode?: number;
    fs?: FileSystem;
    /** `false` leaves making the new name durable to the caller, who replaces several files of one directory. */
    syncDir?: boolean;
    /** `false` leaves making content and name durable to the caller's barrier. */
    sync?: boolean;
    /** Done with the complete file before it gets its name. */
    finish?: (temporary: string) => void;
  } = {},
): void {
  const { mode = 0o644, fs = hostFs, sync = true, syncDir = sync } = options;
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const temporary = join(dirname(path), `.${basename(path)}.${nameEnd()}`);
  const fd = fs.open(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    try {
      fs.write(fd, bytes, 0, bytes.length, null);
      fs.fchmod(fd, mode);
      if (sync) fs.fsync(fd);
    } finally {
      fs.close(fd);
    }
    options.finish?.(temporary);
    fs.rename(temporary, path);
  } catch (error) {
    if (fs.lstat(temporary) !== undefined) fs.unlink(temporary);
    throw error;
  }
  if (syncDir) fs.syncDir(dirname(path));
}

/** The whole of a file; throws Node's error. `limit` bytes at most (EFBIG otherwise). */
export function readFile(path: string, options: { limit?: number; fs?: FileSystem } = {}): Buffer {
  const { limit = 2 ** 31 - 1, fs = hostFs } = options;
  const fd = fs.open(path, constants.O_RDONLY);
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    const promised = Math.max(fs.fstat(fd).size, 0);
    const expected = Math.min(promised, limit) + 1;
    for (;;) {
      const chunk = Buffer.allocUnsafe(size === 0 ? Math.max(expected, 4096) : 65536);
      const n = fs.read(fd, chunk, 0, chunk.length, null);
      if (n === 0) break;
      size += n;
      if (size > limit)
        throw Object.assign(new Error(`EFBIG: file over ${limit} bytes '${path}'`), { code: 'EFBIG', path });
      chunks.push(chunk.subarray(0, n));
      // All of it, and the end was seen: files of /proc say that they are empty and are read to the end.
      if (promised > 0 && size >= promised && n < chunk.length) break;
    }
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
  } finally {
    fs.close(fd);
  }
}
