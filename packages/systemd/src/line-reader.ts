/** Go's unicode.IsSpace. */
export function isSpace(c: string): boolean {
  return /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/.test(c);
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const bufferSize = 4096;

/** Go's bufio.Reader over bytes in memory, with its notion of what is buffered. */
export class LineReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** End of what a reader with a 4096-byte buffer would have read. */
  #filled = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next `count` bytes when that many are buffered. */
  buffered(count: number): Uint8Array | undefined {
    return this.#filled - this.#at >= count ? this.#bytes.subarray(this.#at, this.#at + count) : undefined;
  }

  #fill(): void {
    this.#filled = Math.min(this.#bytes.length, this.#at + bufferSize);
  }

  rune(): string | undefined {
    const first = this.#bytes[this.#at];
    if (first === undefined) return undefined;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (this.#at + length > this.#filled) this.#fill();
    const text = decoder.decode(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return text;
  }

  unread(c: string): void {
    const code = c.codePointAt(0)!;
    this.#at -= code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }

  /** Text up to the byte `end`, which is read too; undefined when it does not come. */
  through(end: number): string | undefined {
    const found = this.#bytes.indexOf(end, this.#at);
    const text = found < 0 ? undefined : decoder.decode(this.#bytes.subarray(this.#at, found));
    this.#advance(found < 0 ? this.#bytes.length : found + 1);
    return text;
  }

  /** The rest of the line without its end. */
  line(): string {
    const found = this.#bytes.indexOf(0x0a, this.#at);
    const end = found < 0 ? this.#bytes.length : found;
    const text = decoder.decode(this.#bytes.subarray(this.#at, end));
    this.#advance(found < 0 ? end : found + 1);
    return text;
  }

  /** Moves on to `to`, filling the buffer as a reader in search of a byte does. */
  #advance(to: number): void {
    while (this.#filled < to) {
      if (this.#filled - this.#at >= bufferSize) this.#at = this.#filled;
      this.#fill();
    }
    this.#at = to;
  }
}
