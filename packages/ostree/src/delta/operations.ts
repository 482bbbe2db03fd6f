import { CoppiceError } from '@coppice/base';
import { isMetaType } from '../codec/object-type.ts';
import { decodeVarint } from '../codec/varint.ts';
import type { PartPayload } from './part.ts';
import type { DeltaPartHeader } from './superblock.ts';

/** Operation counts, as `static-delta show` prints them. */
export interface OperationCounts {
  spliceAndClose: number;
  open: number;
  write: number;
  setRead: number;
  unsetRead: number;
  close: number;
  bspatch: number;
}

/** Counts operations without carrying them out. */
export function countOperations(header: DeltaPartHeader, payload: PartPayload): OperationCounts {
  const counts = { spliceAndClose: 0, open: 0, write: 0, setRead: 0, unsetRead: 0, close: 0, bspatch: 0 };
  const cursor = new Cursor(payload.operations);
  let object = 0;
  while (!cursor.atEnd) {
    switch (cursor.opcode()) {
      case 0x53:
        cursor.skip(isMetaType(header.objects[object]?.type ?? 'file') ? 2 : 4);
        object++;
        counts.spliceAndClose++;
        break;
      case 0x6f:
        cursor.skip(3);
        counts.open++;
        break;
      case 0x77:
        cursor.skip(2);
        counts.write++;
        break;
      case 0x72:
        cursor.skip(1);
        counts.setRead++;
        break;
      case 0x52:
        counts.unsetRead++;
        break;
      case 0x63:
        object++;
        counts.close++;
        break;
      case 0x42:
        cursor.skip(2);
        counts.bspatch++;
        break;
      default:
        throw cursor.unknown();
    }
  }
  return counts;
}

/** Reads operations and their numbers one after the other. */
export class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;
  #code = 0;
  /** Ordinal of the operation read last. */
  ordinal = -1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }
  opcode(): number {
    this.ordinal++;
    this.#code = this.#bytes[this.#at++]!;
    return this.#code;
  }
  /** Takes `code` if it comes next. */
  takes(code: number): boolean {
    if (this.#bytes[this.#at] !== code) return false;
    this.opcode();
    return true;
  }
  mark(): { readonly at: number; readonly ordinal: number } {
    return { at: this.#at, ordinal: this.ordinal };
  }
  back(mark: { readonly at: number; readonly ordinal: number }): void {
    this.#at = mark.at;
    this.ordinal = mark.ordinal;
  }
  number(): number {
    const { value, next } = decodeVarint(this.#bytes, this.#at);
    this.#at = next;
    return value;
  }
  skip(count: number): void {
    for (let i = 0; i < count; i++) this.number();
  }
  unknown(): CoppiceError {
    return new CoppiceError('Corrupt', `Unknown opcode ${this.#code} at offset ${this.ordinal}`);
  }
}
