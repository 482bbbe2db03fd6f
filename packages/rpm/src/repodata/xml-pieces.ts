// An XML document as it grows: bytes in pieces, which leave from the front when nothing in them is still to be filled in.

/** A piece is full when it has so many bytes. */
const pieceLength = 64 * 1024;
/** Room that a piece has beyond that. */
const margin = 64 * 1024;

interface Piece {
  readonly bytes: Buffer;
  length: number;
  /** Places in it that are still to be filled in. */
  open: number;
}

/** A place for text that is not known yet. */
export interface XmlGap {
  readonly piece: Piece;
  readonly at: number;
}

export class XmlPieces {
  readonly #full: Piece[] = [];
  #piece: Piece = { bytes: Buffer.allocUnsafeSlow(pieceLength + margin), length: 0, open: 0 };
  #bytes: Buffer = this.#piece.bytes;
  #at = 0;

  /** Makes room for `length` bytes more. */
  #room(length: number): void {
    this.#piece.length = this.#at;
    this.#full.push(this.#piece);
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(pieceLength, length) + margin);
    this.#piece = { bytes: this.#bytes, length: 0, open: 0 };
    this.#at = 0;
  }

  /** XML of any length. */
  xml(text: string): void {
    const length = text.length * 3;
    if (length > this.#bytes.length - margin - this.#at) this.#room(Buffer.byteLength(text));
    this.#at += this.#bytes.write(text, this.#at);
  }

  /** XML as a text of its bytes. */
  bytes(text: string): void {
    if (this.#at > pieceLength || text.length > this.#bytes.length - this.#at) this.#room(text.length);
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
  }

  /** Leaves room for `length` bytes, to be filled in with `fill`. */
  gap(length: number): XmlGap {
    if (length > this.#bytes.length - this.#at) this.#room(length);
    const gap = { piece: this.#piece, at: this.#at };
    this.#piece.open++;
    this.#at += length;
    return gap;
  }

  fill({ piece, at }: XmlGap, text: string): void {
    piece.bytes.write(text, at, 'latin1');
    piece.open--;
  }

  /** The full pieces (with `end`: all) up to one that has gaps. */
  take(end = false): Buffer[] {
    if (this.#at > pieceLength || (end && this.#at > 0)) this.#room(0);
    if (this.#full.length === 0) return [];
    let count = 0;
    while (count < this.#full.length && this.#full[count]!.open === 0) count++;
    return this.#full.splice(0, count).map(({ bytes, length }) => bytes.subarray(0, length));
  }
}
