const leastRoom = 1024 * 1024;
/** What is expected may be a lie, so no more is set aside for it. */
const mostExpected = 128 * 1024 * 1024;

/**
 * Memory for the payloads of parts, used again for one part after the other and seen by the thread that makes objects of
 * them: there are as many rooms as parts at a time.
 */
export class PayloadRooms {
  readonly #free: SharedArrayBuffer[] = [];
  readonly #least: number;

  /** `expected` is about the size of the largest payload: every room holds it, or some would be too small to be used again. */
  constructor(expected = 0) {
    this.#least = Math.max(leastRoom, Math.min(expected, mostExpected));
  }

  take(size: number): Uint8Array {
    const at = this.#free.findIndex((room) => room.byteLength >= size);
    const room = at < 0 ? this.#make(size) : this.#free.splice(at, 1)[0]!;
    return Buffer.from(room, 0, size);
  }

  #make(size: number): SharedArrayBuffer {
    // Few sizes, so that few rooms are made; what of them is not used takes no memory.
    return new SharedArrayBuffer(2 ** Math.ceil(Math.log2(Math.max(size, this.#least))));
  }

  /** Nothing reads these bytes any more. */
  give(bytes: Uint8Array): void {
    if (bytes.buffer instanceof SharedArrayBuffer) this.#free.push(bytes.buffer);
  }
}
