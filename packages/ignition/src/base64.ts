const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const codes = Uint8Array.from(alphabet, (c) => c.charCodeAt(0));
const values = new Uint8Array(256).fill(255);
for (let i = 0; i < 64; i++) values[codes[i]!] = i;

/** Standard base64 with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  let to = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    const a = bytes[i]!;
    const b = bytes[i + 1] ?? 0;
    const c = bytes[i + 2] ?? 0;
    out[to++] = codes[a >> 2]!;
    out[to++] = codes[((a & 3) << 4) | (b >> 4)]!;
    out[to++] = i + 1 < bytes.length ? codes[((b & 15) << 2) | (c >> 6)]! : 0x3d;
    out[to++] = i + 2 < bytes.length ? codes[c & 63]! : 0x3d;
  }
  return latin1(out);
}

const decoder = new TextDecoder();

/** The text of bytes below 128. */
export function latin1(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Decodes standard base64 as Go's `StdEncoding` does; a number is the offset of the first bad input byte. Line ends are skipped. */
export function decodeBase64(text: string): Uint8Array | number {
  const out = new Uint8Array(Math.ceil((text.length * 3) / 4) + 3);
  let to = 0;
  let at = 0;
  const skip = (): void => {
    while (at < text.length && (text[at] === '\n' || text[at] === '\r')) at++;
  };
  for (;;) {
    let quantum = 0;
    let have = 0;
    for (; have < 4; have++) {
      skip();
      if (at === text.length) {
        if (have === 0) return out.subarray(0, to);
        return at - have;
      }
      const code = text.charCodeAt(at++);
      const value = code < 256 ? values[code]! : 255;
      if (value !== 255) {
        quantum = (quantum << 6) | value;
        continue;
      }
      if (code !== 0x3d || have < 2) return at - 1;
      if (have === 2) {
        skip();
        if (at === text.length) return text.length;
        if (text[at] !== '=') return at - 1;
        at++;
      }
      skip();
      if (at < text.length) return at;
      quantum <<= 6 * (4 - have);
      out[to++] = quantum >> 16;
      if (have === 3) out[to++] = (quantum >> 8) & 255;
      return out.subarray(0, to);
    }
    out[to++] = (quantum >> 16) & 255;
    out[to++] = (quantum >> 8) & 255;
    out[to++] = quantum & 255;
  }
}
