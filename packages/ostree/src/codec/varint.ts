import { CoppiceError } from '@coppice/base';

/** Unsigned LEB128 of a non-negative safe integer. */
export function encodeVarint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  return out;
}

/** Value and the offset after it; throws `Corrupt` past the end, over 10 bytes or over 2^53. */
export function decodeVarint(bytes: Uint8Array, offset: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[offset + i];
    if (byte === undefined) throw new CoppiceError('Corrupt', 'Unexpected EOF reading varint');
    value += (byte & 127) * scale;
    if (!Number.isSafeInteger(value)) break;
    if (byte < 128) return { value, next: offset + i + 1 };
    scale *= 128;
  }
  throw new CoppiceError('Corrupt', 'Unexpected EOF reading varint');
}
