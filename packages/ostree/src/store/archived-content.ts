import { CoppiceError } from '@coppice/base';
import { type ArchiveHeader, decodeArchiveHeader, headerLength } from '../codec/file-header.ts';
import { isSymlink } from '../codec/mode-bits.ts';
import { RawInflater } from './raw-deflate.ts';

/** A `.filez` object in memory. */
export interface ArchivedContent {
  readonly header: ArchiveHeader;
  /** Compressed bytes. */
  readonly data: Buffer;
}

const headerLimit = 16 * 1024 * 1024;
/** Deflate cannot expand more than this. */
export const maxExpansion = 1040;

/** Takes a `.filez` apart. Throws `Corrupt`. */
export function parseArchivedContent(bytes: Buffer): ArchivedContent {
  const length = headerLength(bytes, bytes.length);
  if (length > headerLimit) throw new CoppiceError('Limit', `File header size ${length} exceeds size ${headerLimit}`);
  const header = decodeArchiveHeader(bytes.subarray(0, length));
  const data = bytes.subarray(length);
  if (header.size > data.length * maxExpansion)
    throw new CoppiceError('Corrupt', `Corrupted archive file; ${data.length} bytes cannot hold ${header.size}`);
  return { header, data };
}

/**
 * The most bytes that a `.filez` can have, by the header at its beginning: deflate stores what it cannot shrink with a few
 * bytes more for each block. Throws `Corrupt` or `Limit` when there is no such header.
 */
export function archivedLimit(start: Buffer): number {
  const length = headerLength(start, start.length);
  if (length > headerLimit) throw new CoppiceError('Limit', `File header size ${length} exceeds size ${headerLimit}`);
  const { size } = decodeArchiveHeader(start.subarray(0, length));
  return length + size + Math.ceil(size / 50) + 65536;
}

/** Inflates contents one after the other with one decoder. */
export class ContentInflater {
  readonly #inflater = new RawInflater();

  /** The whole content. Throws `Corrupt` unless it is exactly as long as the header says. */
  bytes(content: ArchivedContent): Uint8Array {
    const { header, data } = content;
    if (isSymlink(header.mode) || header.size === 0) return new Uint8Array(0);
    const out = Buffer.allocUnsafe(header.size);
    let at = 0;
    this.#inflater.start();
    // Small inputs bound what one step can give.
    for (let from = 0; from < data.length && at <= header.size; from += 16384) {
      this.#inflater.write(data.subarray(from, from + 16384), (piece) => {
        if (at + piece.length <= header.size) out.set(piece, at);
        at += piece.length;
      });
    }
    if (at !== header.size)
      throw new CoppiceError('Corrupt', `Corrupted archive file; content is ${at} of ${header.size} bytes`);
    return out;
  }
}
