import { concatBytes } from '@coppice/base';

// The few DER forms that turn OpenPGP numbers into what node:crypto takes.

function derValue(tag: number, body: Uint8Array): Uint8Array {
  const n = body.length;
  const length =
    n < 128
      ? [n]
      : n < 256
        ? [0x81, n]
        : n < 65536
          ? [0x82, n >> 8, n & 255]
          : [0x83, n >> 16, (n >> 8) & 255, n & 255];
  return concatBytes([Uint8Array.of(tag, ...length), body]);
}

/** INTEGER of an unsigned big-endian number. */
export function derInteger(value: Uint8Array): Uint8Array {
  let at = 0;
  while (at < value.length - 1 && value[at] === 0) at++;
  const body = value.subarray(at);
  if (body.length === 0) return derValue(2, Uint8Array.of(0));
  return derValue(2, body[0]! >= 0x80 ? concatBytes([Uint8Array.of(0), body]) : body);
}

export function derSequence(parts: readonly Uint8Array[]): Uint8Array {
  return derValue(0x30, concatBytes(parts));
}

export function derBitString(body: Uint8Array): Uint8Array {
  return derValue(3, concatBytes([Uint8Array.of(0), body]));
}
