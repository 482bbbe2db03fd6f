// The filters that stand before LZMA2 in .xz blocks (xz file format 1.2, 5.3): delta, and the "BCJ" ones that turn
// absolute branch targets of machine code back into relative ones. Each works in place on what it is given.
import { CoppiceError } from '@coppice/base';
import { branchConverters, X86Converter } from './xz-branch.ts';

/** Undoes one filter over a stream of pieces. */
export interface XzFilter {
  /** The bytes that are final now; what waits for more input is kept. */
  push(piece: Uint8Array): Uint8Array;
  /** What is left at the end. */
  finish(): Uint8Array;
}

/** Converts in place from the start of `bytes`, whose first byte is at `position`; returns how many bytes are final. */
export type BranchConverter = (bytes: Uint8Array, position: number) => number;

const nothing = new Uint8Array(0);

function branchFilter(convert: BranchConverter, start: number): XzFilter {
  let position = start;
  let held: Uint8Array = nothing;
  return {
    push(piece) {
      const bytes = new Uint8Array(held.length + piece.length);
      bytes.set(held);
      bytes.set(piece, held.length);
      const done = convert(bytes, position);
      position = (position + done) >>> 0;
      held = bytes.subarray(done);
      return bytes.subarray(0, done);
    },
    // Too short for another instruction: it is as it was.
    finish: () => held,
  };
}

function deltaFilter(distance: number): XzFilter {
  const history = new Uint8Array(256);
  let at = 0;
  return {
    push(piece) {
      const out = new Uint8Array(piece.length);
      for (let i = 0; i < piece.length; i++) {
        at = (at - 1) & 255;
        const value = (piece[i]! + history[(at + distance) & 255]!) & 255;
        history[at] = value;
        out[i] = value;
      }
      return out;
    },
    finish: () => nothing,
  };
}

const deltaId = 3;
const riscvId = 11;

/** Whether .xz data begin with a block that decoders of before 2024 do not know. */
export function needsNewDecoder(head: Uint8Array): boolean {
  const blockAt = 12;
  const number = (at: number): { value: number; end: number } => {
    let value = 0;
    let end = at;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = head[end++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return { value, end };
  };
  const flags = head[blockAt + 1] ?? 0;
  let at = blockAt + 2;
  // Sizes of the block, where they are given.
  for (const bit of [0x40, 0x80]) if (flags & bit) while (((head[at++] ?? 0) & 0x80) !== 0);
  for (let filters = (flags & 3) + 1; filters > 0; filters--) {
    const id = number(at);
    if (id.value === riscvId) return true;
    const properties = number(id.end);
    at = properties.end + properties.value;
  }
  return false;
}

/** A filter by its number and properties. Throws `Unsupported`, `Corrupt`. */
export function xzFilter(id: number, properties: Uint8Array): XzFilter {
  const bad = (): CoppiceError => new CoppiceError('Corrupt', `xz data: properties of filter ${id}`);
  if (id === deltaId) {
    if (properties.length !== 1) throw bad();
    return deltaFilter(properties[0]! + 1);
  }
  const known = branchConverters.get(id);
  if (known === undefined) throw new CoppiceError('Unsupported', `xz data: filter ${id} is not supported`);
  if (properties.length !== 0 && properties.length !== 4) throw bad();
  const start =
    properties.length === 0
      ? 0
      : (properties[0]! | (properties[1]! << 8) | (properties[2]! << 16) | (properties[3]! << 24)) >>> 0;
  if (start % known.alignment !== 0) throw bad();
  return branchFilter(known.convert ?? new X86Converter().convert, start);
}
