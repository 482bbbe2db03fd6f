const encoder = new TextEncoder();

function escapeBytes(bytes: Uint8Array, first: boolean): string {
  let out = '';
  for (const [i, byte] of bytes.entries()) {
    const c = String.fromCharCode(byte);
    if (c === '/') out += '-';
    else if (/[A-Za-z0-9:_.]/.test(c) && !(c === '.' && i === 0 && first)) out += c;
    else out += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return out;
}

/** `systemd-escape --path`: the unit name part for an absolute path; `/` becomes `-`. */
export function escapePath(path: string): string {
  const trimmed = path.replace(/\/+/g, '/').replace(/^\//, '').replace(/\/$/, '');
  return trimmed === '' ? '-' : escapeBytes(encoder.encode(trimmed), true);
}

/** `systemd-escape`: any string as a unit name part. */
export function escapeName(text: string): string {
  return escapeBytes(encoder.encode(text), true);
}

/** Undoes `escapeName`; text that is no escape stays. */
export function unescapeName(name: string): string {
  const bytes: number[] = [];
  const encoded = encoder.encode(name);
  for (let i = 0; i < encoded.length; i++) {
    const hex =
      encoded[i] === 0x5c && encoded[i + 1] === 0x78 ? new TextDecoder().decode(encoded.subarray(i + 2, i + 4)) : '';
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      i += 3;
    } else bytes.push(encoded[i] === 0x2d ? 0x2f : encoded[i]!);
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** Undoes `escapePath`. */
export function unescapePath(name: string): string {
  return name === '-' ? '/' : `/${unescapeName(name)}`;
}
