import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CoppiceError, errnoError } from '@coppice/base';
import type { BodySink } from './exchange.ts';
import { curlError } from './failure.ts';

/** Sends the file behind a `file://` URL to the sink in pieces; a missing file is `NotFound`. Returns its size. */
export async function readFileUrl(
  url: URL,
  open: (size: number) => BodySink,
  onBytes?: (count: number) => void,
): Promise<number> {
  const path = fileURLToPath(url);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT')
      throw new CoppiceError('NotFound', curlError(37).message, { cause: error, data: { curl: 37 } });
    throw errnoError(error, `open(${path})`);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new CoppiceError('NotFound', curlError(37).message, { data: { curl: 37 } });
    const sink = open(stat.size);
    let at = 0;
    for (;;) {
      const buffer = Buffer.allocUnsafe(Math.min(65536, Math.max(4096, stat.size - at + 1)));
      const n = readSync(fd, buffer, 0, buffer.length, at);
      if (n === 0) return at;
      at += n;
      onBytes?.(n);
      await sink.write(buffer.subarray(0, n));
    }
  } finally {
    closeSync(fd);
  }
}
