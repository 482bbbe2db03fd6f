// Names in archives are bytes. They are handled as strings that lose nothing: valid UTF-8 as it reads, any byte that is
// not part of valid UTF-8 as a lone surrogate U+DC80..U+DCFF (what Python calls surrogateescape).

/** Bytes to a lossless string. */
export function decodeText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  if (!text.includes('\ufffd')) return text;
  let out = '';
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) out += String.fromCharCode(0xdc00 + bytes[at++]!);
    else {
      out += buffer.toString('utf8', at, at + length);
      at += length;
    }
  }
  return out;
}

/** Length of the valid UTF-8 sequence at `at`, 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const a = bytes[at]!;
  if (a < 0x80) return 1;
  const tail = (n: number): number => (((bytes[at + n] ?? 0) & 0xc0) === 0x80 ? 1 : 0);
  const b = bytes[at + 1] ?? 0;
  if (a >= 0xc2 && a <= 0xdf) return tail(1) ? 2 : 0;
  if (a >= 0xe0 && a <= 0xef) {
    if (!tail(1) || !tail(2) || (a === 0xe0 && b < 0xa0) || (a === 0xed && b > 0x9f)) return 0;
    return 3;
  }
  if (a >= 0xf0 && a <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3) || (a === 0xf0 && b < 0x90) || (a === 0xf4 && b > 0x8f)) return 0;
    return 4;
  }
  return 0;
}

/** The bytes of a string made by `decodeText`, or of any ordinary string as UTF-8. */
export function encodeText(text: string): Buffer {
  if (!/[\udc80-\udcff]/.test(text)) return Buffer.from(text);
  const parts: Buffer[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff) {
      i++;
      continue;
    }
    if (unit < 0xdc80 || unit > 0xdcff) continue;
    parts.push(Buffer.from(text.slice(start, i)), Buffer.of(unit - 0xdc00));
    start = i + 1;
  }
  parts.push(Buffer.from(text.slice(start)));
  return Buffer.concat(parts);
}
