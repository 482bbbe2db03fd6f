import { type Place, textError } from './lexer.ts';

const letters: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function unquote(token: string, place: Place): { body: string; offset: number } {
  const offset = token.startsWith('b') ? 2 : 1;
  const quote = token[offset - 1]!;
  if (token.length < offset + 1 || !token.endsWith(quote) || endsEscaped(token)) {
    throw textError('unterminated string constant', place);
  }
  return { body: token.slice(offset, -1), offset };
}

/** True when the last character is escaped, so that it does not close the string. */
function endsEscaped(token: string): boolean {
  let slashes = 0;
  while (token[token.length - 2 - slashes] === '\\') slashes++;
  return slashes % 2 === 1;
}

/** The text of a quoted string token. */
export function parseStringToken(token: string, place: Place): string {
  const { body, offset } = unquote(token, place);
  let out = '';
  for (let i = 0; i < body.length; i++) {
    if (body[i] !== '\\') {
      out += body[i];
      continue;
    }
    const c = body[++i]!;
    if (c === 'u' || c === 'U') {
      const length = c === 'u' ? 4 : 8;
      const digits = /^[0-9a-fA-F]*/.exec(body.slice(i + 1, i + 1 + length))![0];
      const code = Number.parseInt(digits, 16);
      if (digits.length !== length || code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        const start = place.start + offset + i + 1;
        throw textError(`invalid ${length}-character unicode escape`, { start, end: start + digits.length });
      }
      out += String.fromCodePoint(code);
      i += length;
    } else if (c !== '\n') out += letters[c] ?? c;
  }
  return out;
}

/** The bytes of a `b'...'` token, with the NUL that ends them. */
export function parseBytestringToken(token: string, place: Place): Uint8Array {
  const { body } = unquote(token, place);
  const out: Uint8Array[] = [];
  const encoder = new TextEncoder();
  for (let i = 0; i < body.length; i++) {
    if (body[i] !== '\\') {
      const point = String.fromCodePoint(body.codePointAt(i)!);
      out.push(encoder.encode(point));
      i += point.length - 1;
      continue;
    }
    const c = body[++i]!;
    const octal = /^[0-7]{1,3}/.exec(body.slice(i, i + 3));
    if (octal !== null) {
      out.push(Uint8Array.of(Number.parseInt(octal[0], 8) & 0xff));
      i += octal[0].length - 1;
    } else if (c !== '\n') out.push(encoder.encode(letters[c] ?? c));
  }
  out.push(Uint8Array.of(0));
  const bytes = new Uint8Array(out.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of out) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
