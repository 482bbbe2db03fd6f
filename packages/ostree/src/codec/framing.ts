import { CoppiceError } from '@coppice/base';

// GVariant container framing, for the hand-written codecs of the hot objects. Framing offsets are little-endian, of the
// smallest width with which the whole container's size can be expressed.

/** Width in bytes of each of `count` framing offsets after `body` bytes. */
export function offsetWidth(body: number, count: number): 1 | 2 | 4 {
  if (body + count <= 0xff) return 1;
  if (body + 2 * count <= 0xffff) return 2;
  if (body + 4 * count <= 0xffffffff) return 4;
  throw new CoppiceError('Limit', 'container of 4 GiB or more');
}

/** The width a reader derives from a container's whole size. */
export function readWidth(size: number): 1 | 2 | 4 {
  return size <= 0xff ? 1 : size <= 0xffff ? 2 : 4;
}

export function writeOffset(out: Buffer, at: number, width: number, value: number): void {
  out.writeUIntLE(value, at, width);
}

export function notNormal(what: string): CoppiceError {
  return new CoppiceError('Corrupt', `${what}: Not normal form`);
}

/** Bounds of the variable-size elements of an array that fills `bytes[start, end)`; elements have alignment 1. */
export function arrayElements(bytes: Buffer, start: number, end: number, what: string): number[] {
  const size = end - start;
  if (size === 0) return [];
  const width = readWidth(size);
  if (size < width) throw notNormal(what);
  const last = bytes.readUIntLE(end - width, width);
  const table = size - last;
  if (last > size || table <= 0 || table % width !== 0) throw notNormal(what);
  const count = table / width;
  if (offsetWidth(last, count) !== width) throw notNormal(what);
  const ends = new Array<number>(count);
  let before = 0;
  for (let i = 0; i < count; i++) {
    const at = bytes.readUIntLE(start + last + i * width, width);
    if (at < before || at > last) throw notNormal(what);
    before = at;
    ends[i] = start + at;
  }
  return ends;
}

/**
 * The framing offsets (in member order) of a tuple that fills `bytes[start, end)` and stores `count` of them, as
 * absolute positions; each must lie in the body and not before the previous one.
 */
export function tupleOffsets(bytes: Buffer, start: number, end: number, count: number, what: string): number[] {
  const size = end - start;
  const width = readWidth(size);
  const body = size - count * width;
  if (body < 0 || offsetWidth(body, count) !== width) throw notNormal(what);
  const out = new Array<number>(count);
  let before = 0;
  for (let i = 0; i < count; i++) {
    const at = bytes.readUIntLE(end - (i + 1) * width, width);
    if (at < before || at > body) throw notNormal(what);
    before = at;
    out[i] = start + at;
  }
  return out;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A GVariant string in `bytes[start, end)`: valid UTF-8, one NUL, at its end. */
export function readString(bytes: Buffer, start: number, end: number, what: string): string {
  if (end <= start || bytes[end - 1] !== 0) throw notNormal(what);
  let ascii = true;
  for (let i = start; i < end - 1; i++) {
    const byte = bytes[i]!;
    if (byte === 0) throw notNormal(what);
    if (byte > 127) ascii = false;
  }
  if (ascii) return bytes.toString('latin1', start, end - 1);
  try {
    return decoder.decode(bytes.subarray(start, end - 1));
  } catch {
    throw notNormal(what);
  }
}

/** The same bytes as a Buffer, not copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
