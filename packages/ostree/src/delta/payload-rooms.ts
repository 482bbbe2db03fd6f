/** What the rooms need from the second thread that shares them. */
export interface MemorySharer {
  share(memory: SharedArrayBuffer): number;
}

const leastRoom = 1024 * 1024;
/** What is expected may be a lie, so no more is set aside for it. */
const mostExpected = 128 * 1024 * 1024;

/**
 * Memory for the payloads of parts, used again for one part after the other and seen by the thread that makes objects of
 * them: there are as many rooms as parts at a time.
 */
export class PayloadRooms {
  readonly #sharer: MemorySharer | undefined;
  readonly #numbers = new Map<ArrayBufferLike, number>();
  readonly #free: SharedArrayBuffer[] = [];
  readonly #least: number;

  /** `expected` is about the size of the largest payload: every room holds it, or some would be too small to be used again. */
  constructor(sharer: MemorySharer | undefined, expected = 0) {
    this.#sharer = sharer;
    this.#least = Math.max(leastRoom, Math.min(expected, mostExpected));
  }

  take(size: number): Uint8Array {
    const at = this.#free.findIndex((room) => room.byteLength >= size);
    const room = at < 0 ? this.#make(size) : this.#free.splice(at, 1)[0]!;
    return Buffer.from(room, 0, size);
  }

  #make(size: number): SharedArrayBuffer {
    // Few sizes, so that few rooms are made; what of them is not used takes no memory.
    const room = new SharedArrayBuffer(2 ** Math.ceil(Math.log2(Math.max(size, this.#least))));
    if (this.#sharer !== undefined) this.#numbers.set(room, this.#sharer.share(room));
    return room;
  }

  /** The number that the second thread knows the memory of these bytes by. */
  numberOf(bytes: Uint8Array): number | undefined {
    return this.#numbers.get(bytes.buffer);
  }

  /** Nothing reads these bytes any more. */
  give(bytes: Uint8Array): void {
    if (bytes.buffer instanceof SharedArrayBuffer) this.#free.push(bytes.buffer);
  }
}
