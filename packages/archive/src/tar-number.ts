import { CoppiceError } from '@coppice/base';

const corrupt = (what: string): CoppiceError => new CoppiceError('Corrupt', `tar archive: ${what}`);

/** Octal text or GNU base-256; blank is 0. */
export function tarNumber(block: Uint8Array, at: number, length: number): number {
  const first = block[at]!;
  if (first & 0x80) {
    let value = BigInt(first & 0x40 ? first | ~0xff : first & 0x7f);
    for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(block[at + i]!);
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw corrupt('number too large');
    return number;
  }
  let value = 0;
  let i = at;
  const end = at + length;
  while (i < end && block[i] === 0x20) i++;
  for (; i < end; i++) {
    const c = block[i]!;
    if (c === 0 || c === 0x20) break;
    if (c < 0x30 || c > 0x37) throw corrupt('bad number in header');
    value = value * 8 + (c - 0x30);
  }
  return value;
}
