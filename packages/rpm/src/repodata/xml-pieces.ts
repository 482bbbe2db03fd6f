// An XML document as it grows: bytes in pieces, which leave from the front when nothing in them is still to be filled in.
import { isUtf8 } from 'node:buffer';
import { xmlAttribute, xmlText } from './xml-text.ts';

/** A piece is full when it has so many bytes. */
const pieceLength = 64 * 1024;
/** Room that a piece has beyond that: for one text of `quickLimit` bytes, each of which takes up to six, and the tags around it. */
const margin = 64 * 1024;
const quickLimit = 10_000;

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

/** What becomes of each byte of a text: itself, one of the `references`, or (255) a closer look is needed. */
type ByteClasses = Uint8Array;

const references = ['', '&amp;', '&lt;', '&gt;', '&quot;', '&#9;', '&#10;', '&#13;'].map((text) => Buffer.from(text));

function byteClasses(special: Readonly<Record<string, number>>, plain: string): ByteClasses {
  const classes = new Uint8Array(256).fill(255);
  classes.fill(0, 0x20, 0x80);
  for (const char of plain) classes[char.charCodeAt(0)] = 0;
  for (const [char, reference] of Object.entries(special)) classes[char.charCodeAt(0)] = reference;
  return classes;
}

const ofText = byteClasses({ '&': 1, '<': 2, '>': 3, '\r': 7 }, '\t\n');
const ofAttribute = byteClasses({ '&': 1, '<': 2, '>': 3, '"': 4, '\t': 5, '\n': 6, '\r': 7 }, '');

export class XmlPieces {
  readonly #full: Piece[] = [];
  #piece: Piece = { bytes: Buffer.allocUnsafeSlow(pieceLength + margin), length: 0, open: 0 };
  #bytes: Buffer = this.#piece.bytes;
  #at = 0;
  #saved = { full: 0, piece: this.#piece, at: 0, open: 0 };

  /** Makes room for `length` bytes more. */
  #room(length: number): void {
    this.#piece.length = this.#at;
    this.#full.push(this.#piece);
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(pieceLength, length) + margin);
    this.#piece = { bytes: this.#bytes, length: 0, open: 0 };
    this.#at = 0;
  }

  /** Bytes that need no escaping, 4,096 at most. */
  tag(literal: Uint8Array): void {
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < literal.length; i++) bytes[at++] = literal[i]!;
    this.#at = at;
  }

  /** Part of `source` that needs no escaping. */
  plain(source: Uint8Array, start: number, end: number): void {
    if (end - start > quickLimit || this.#at > pieceLength) this.#room(end - start);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = start; i < end; i++) bytes[at++] = source[i]!;
    this.#at = at;
  }

  /** ASCII that needs no escaping, 4,096 characters at most. */
  ascii(text: string): void {
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#at = at;
  }

  /** XML of any length. */
  xml(text: string): void {
    const length = text.length * 3;
    if (length > this.#bytes.length - margin - this.#at) this.#room(Buffer.byteLength(text));
    this.#at += this.#bytes.write(text, this.#at);
  }

  /** Element content: the bytes of `source` from `at` up to a NUL. Where that is, or -1 when they are no UTF-8. */
  text(source: Uint8Array, at: number): number {
    return this.#escaped(source, at, ofText);
  }

  /** The same as the value of an attribute. */
  attribute(source: Uint8Array, at: number): number {
    return this.#escaped(source, at, ofAttribute);
  }

  #escaped(source: Uint8Array, start: number, classes: ByteClasses): number {
    if (this.#at > pieceLength) this.#room(0);
    const bytes = this.#bytes;
    const end = Math.min(source.length, start + quickLimit);
    let to = this.#at;
    for (let at = start; at < end; at++) {
      const byte = source[at]!;
      if (byte === 0) {
        this.#at = to;
        return at;
      }
      const kind = classes[byte]!;
      if (kind === 0) bytes[to++] = byte;
      else if (kind === 255) break;
      else for (const char of references[kind]!) bytes[to++] = char;
    }
    return this.#careful(source, start, classes);
  }

  /** Long texts, and those with more than ASCII or with what XML cannot carry. */
  #careful(source: Uint8Array, start: number, classes: ByteClasses): number {
    const end = source.indexOf(0, start);
    if (end < 0) return -1;
    const part = source.subarray(start, end);
    if (!isUtf8(part)) return -1;
    const text = Buffer.from(part.buffer, part.byteOffset, part.length).toString();
    this.xml(classes === ofText ? xmlText(text) : xmlAttribute(text));
    return end;
  }

  /** Leaves room for `length` bytes, to be filled in with `fill`. */
  gap(length: number): XmlGap {
    const gap = { piece: this.#piece, at: this.#at };
    this.#piece.open++;
    this.#at += length;
    return gap;
  }

  fill({ piece, at }: XmlGap, text: string): void {
    piece.bytes.write(text, at, 'latin1');
    piece.open--;
  }

  /** What is written from here on can be taken back, until pieces are taken. */
  save(): void {
    this.#saved = { full: this.#full.length, piece: this.#piece, at: this.#at, open: this.#piece.open };
  }

  takeBack(): void {
    const { full, piece, at, open } = this.#saved;
    this.#full.length = full;
    this.#piece = piece;
    this.#bytes = piece.bytes;
    this.#at = at;
    piece.open = open;
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
