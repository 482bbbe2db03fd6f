// Files to be hashed, by another thread: each three u32 (lengths of path, header and content), then path and header. The
// answer has 33 bytes for each: 1 and the digest, or 0 where the file could not be read or has another length.
import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileSystem } from '@coppice/base/fs';

/** Contents up to this size are hashed so. */
export const hashedSize = 256 * 1024;
const fixedBytes = 12;
const answerBytes = 33;

export interface HashOrder {
  readonly path: string;
  /** Hashed before the content. */
  readonly head: Uint8Array;
  readonly size: number;
}

/** Puts an order into `out` at `at`; gives the offset behind it, or undefined when it does not fit. */
export function putHashOrder(out: Buffer, at: number, { path, head, size }: HashOrder): number | undefined {
  // Three bytes hold any UTF-16 unit.
  if (at + fixedBytes + path.length * 3 + head.length > out.length) return undefined;
  const length = out.write(path, at + fixedBytes, 'utf8');
  out.writeUInt32LE(length, at);
  out.writeUInt32LE(head.length, at + 4);
  out.writeUInt32LE(size, at + 8);
  out.set(head, at + fixedBytes + length);
  return at + fixedBytes + length + head.length;
}

/** The digest of order number `i` in hex, undefined when it has to be asked for otherwise. */
export function takeDigest(answer: Buffer, i: number): string | undefined {
  const at = i * answerBytes;
  return answer[at] === 1 ? answer.toString('hex', at + 1, at + answerBytes) : undefined;
}

/** Answers orders, in one reused buffer. */
export class OrderHasher {
  readonly #fs: FileSystem;
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  /** Answers all that `orders` holds; gives the length of the answer. */
  answer(orders: Buffer, answer: Buffer): number {
    let end = 0;
    for (let at = 0; at < orders.length; end += answerBytes) {
      const headStart = at + fixedBytes + orders.readUInt32LE(at);
      const path = orders.toString('utf8', at + fixedBytes, headStart);
      const headEnd = headStart + orders.readUInt32LE(at + 4);
      const size = orders.readUInt32LE(at + 8);
      answer[end] = this.#hash(path, orders.subarray(headStart, headEnd), size, answer, end + 1) ? 1 : 0;
      at = headEnd;
    }
    return end;
  }

  #hash(path: string, head: Buffer, size: number, out: Buffer, at: number): boolean {
    if (head.length + size > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(head.length + size);
    const buffer = this.#buffer;
    let fd: number;
    try {
      fd = this.#fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch {
      return false;
    }
    try {
      buffer.set(head, 0);
      const end = head.length + size;
      for (let have = head.length; have < end; ) {
        const n = this.#fs.read(fd, buffer, have, end - have, null);
        if (n === 0) return false;
        have += n;
      }
      hash('sha256', buffer.subarray(0, end), 'buffer').copy(out, at);
      return true;
    } catch {
      return false;
    } finally {
      this.#fs.close(fd);
    }
  }
}
