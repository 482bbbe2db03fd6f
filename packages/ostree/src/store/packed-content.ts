import { encodeArchiveHeader, type FileHeader } from '../codec/file-header.ts';
import { RawDeflater } from './raw-deflate.ts';

const firstRoom = 1024 * 1024 + 128 * 1024;

/** Makes the archive form of contents, one after another, in one reused buffer. */
export class PackedContent {
  readonly level: number;
  #deflater: RawDeflater | undefined;
  #out: Buffer | undefined;

  constructor(level: number) {
    this.level = level;
  }

  get deflater(): RawDeflater {
    this.#deflater ??= new RawDeflater(this.level);
    return this.#deflater;
  }

  /** Archive form of a content in memory, a view valid until the next. */
  ofContent(header: FileHeader, content: Uint8Array): Buffer {
    return this.withHead(encodeArchiveHeader(header, content.length), content);
  }

  /** Likewise, behind a header that is encoded already. */
  withHead(head: Uint8Array, content: Uint8Array): Buffer {
    const size = content.length;
    // Deflate stores what it cannot shrink with 5 bytes for every 16 KiB at most (8 KiB where its blocks are smaller).
    const needed = head.length + size + (size >> 9) + 1024;
    if (this.#out === undefined || this.#out.length < needed)
      this.#out = Buffer.allocUnsafeSlow(Math.max(needed, firstRoom));
    const out = this.#out;
    out.set(head, 0);
    let at = head.length;
    this.deflater.once(content, (bytes) => {
      out.set(bytes, at);
      at += bytes.length;
    });
    return out.subarray(0, at);
  }
}
