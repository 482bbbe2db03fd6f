/** Files over this size, in bytes, are sent in pieces of it. */
export const piece = 256 * 1024;
/** Room for the head of an answer before a piece. */
const headRoom = 1024;
const most = 16;

/**
 * Buffers for answers that are not kept. Memory outside of V8's heap that is allocated again and again makes V8 collect all of
 * its heap several times a second, while every client waits.
 */
export class SpareBuffers {
  readonly #free: Buffer[] = [];

  /** A buffer for a head and a piece, with whatever is in it. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(headRoom + piece);
  }

  /** Gives one back that nothing reads any more. */
  put(buffer: Buffer): void {
    if (this.#free.length < most) this.#free.push(buffer);
  }
}
