import { encodeArchiveHeader, type FileHeader } from '../codec/file-header.ts';
import { RawDeflater } from './raw-deflate.ts';

const firstRoom = 1024 * 1024 + 128 * 1024;

/** Makes the archive form of contents, one after another, in one reused buffer. */
export class PackedContent {
  readonly #level: number;
  #deflater: RawDeflater | undefined;
  #out: Buffer | undefined;

  constructor(level: number) {
    this.#level = level;
  }

  get deflater(): RawDeflater {
    this.#deflater ??= new RawDeflater(this.#level);
    return this.#deflater;
  }

  /** Archive form of a content in memory, a view valid until the next. */
  ofContent(header: FileHeader, content: Uint8Array): Buffer {
    return this.#pack(header, content.length, (put) => this.deflater.once(content, put));
  }

  /** Likewise, of one of `size` bytes that is compressed already. */
  ofCompressed(header: FileHeader, size: number, compressed: Uint8Array): Buffer {
    return this.#pack(header, size, (put) => put(compressed));
  }

  #pack(header: FileHeader, size: number, fill: (put: (bytes: Uint8Array) => void) => void): Buffer {
    const head = encodeArchiveHeader(header, size);
    // Deflate stores what it cannot shrink with 5 bytes for every 16 KiB at most (8 KiB where its blocks are smaller).
    const needed = head.length + size + (size >> 9) + 1024;
    if (this.#out === undefined || this.#out.length < needed)
      this.#out = Buffer.allocUnsafeSlow(Math.max(needed, firstRoom));
    const out = this.#out;
    let at = head.copy(out, 0);
    fill((bytes) => {
      out.set(bytes, at);
      at += bytes.length;
    });
    return out.subarray(0, at);
  }
}
