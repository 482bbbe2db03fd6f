/** Sliding dictionary that is also the output: grows up to its declared size, `flush` hands out what is new. */
export class Dictionary {
  bytes: Uint8Array;
  position = 0;
  /** Whether the window has wrapped at least once (all of it is valid history). */
  full = false;
  readonly size: number;
  #flushed = 0;

  constructor(size: number) {
    this.size = Math.max(size, 4096);
    this.bytes = new Uint8Array(Math.min(this.size, 1 << 18));
  }

  /** Makes room: after this `position < bytes.length`. Call only when everything is flushed. */
  room(): void {
    if (this.position < this.bytes.length) return;
    if (this.bytes.length < this.size) {
      const grown = new Uint8Array(Math.min(this.size, this.bytes.length * 4));
      grown.set(this.bytes);
      this.bytes = grown;
      return;
    }
    this.position = 0;
    this.#flushed = 0;
    this.full = true;
  }

  /** Copies out what was written since the last flush. */
  flush(): Uint8Array {
    const out = this.bytes.slice(this.#flushed, this.position);
    this.#flushed = this.position;
    return out;
  }

  reset(): void {
    this.position = 0;
    this.#flushed = 0;
    this.full = false;
  }

  put(piece: Uint8Array): void {
    this.bytes.set(piece, this.position);
    this.position += piece.length;
  }
}
