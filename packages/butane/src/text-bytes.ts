// Strings that may stand for bytes that are no UTF-8: such a byte is the lone surrogate U+DC00 + byte, which no text can
// contain. JSON shows it as U+FFFD, reports print the byte itself.

const encoder = new TextEncoder();

/** UTF-8 bytes of a text, with its stray bytes as they were. */
export function rawBytes(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  const out: number[] = [];
  for (const c of text) {
    const code = c.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) out.push(code - 0xdc00);
    else for (const byte of encoder.encode(c)) out.push(byte);
  }
  return Uint8Array.from(out);
}

/** Text of bytes; each byte that is no UTF-8 is kept as a stray byte. */
export function looseText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Character by character below.
  }
  let out = '';
  for (let at = 0; at < bytes.length; ) {
    const width = validWidth(bytes, at);
    if (width === 0) out += String.fromCharCode(0xdc00 + bytes[at++]!);
    else {
      out += new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(at, at + width));
      at += width;
    }
  }
  return out;
}

/** Length of the valid UTF-8 character at `at`, 0 when there is none. */
export function validWidth(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const width =
    first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (width === 0 || at + width > bytes.length) return 0;
  for (let k = 1; k < width; k++) if ((bytes[at + k]! & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1]!;
  if ((first === 0xe0 && second < 0xa0) || (first === 0xed && second > 0x9f)) return 0;
  if ((first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)) return 0;
  return width;
}
