// Numbers in tar as libarchive reads them: what is not a digit ends a number, nothing is 0, what is too large is the largest.

const largest = Number.MAX_SAFE_INTEGER;

/** Text at `[at, end)` in `base`: leading blanks and a minus are allowed. Clamped to the safe integers. */
export function textNumber(bytes: Uint8Array, at: number, end: number, base: 8 | 10): number {
  let i = at;
  while (i < end && (bytes[i] === 0x20 || bytes[i] === 0x09)) i++;
  const negative = i < end && bytes[i] === 0x2d;
  if (negative) i++;
  let value = 0;
  for (; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit >= base) break;
    value = value * base + digit;
    if (value > largest) {
      value = largest;
      break;
    }
  }
  return negative && value !== 0 ? -value : value;
}

/** A header field: octal text or GNU base-256. */
export function tarNumber(block: Uint8Array, at: number, length: number): number {
  const first = block[at]!;
  if ((first & 0x80) === 0) return textNumber(block, at, at + length, 8);
  let value = BigInt(first & 0x40 ? first | ~0xff : first & 0x7f);
  for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(block[at + i]!);
  return Math.max(-largest, Math.min(largest, Number(value)));
}

/** Seconds of a PAX record, with their fraction. */
export function paxTime(value: Uint8Array): number {
  const whole = textNumber(value, 0, value.length, 10);
  const text = /^[ \t]*-?\d*(\.\d+)?/.exec(Buffer.from(value).toString('latin1'))?.[1];
  const fraction = text === undefined ? 0 : Number(text);
  return value[0] === 0x2d ? whole - fraction : whole + fraction;
}
