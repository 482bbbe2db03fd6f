import { CoppiceError } from '@coppice/base';

const unescapes: Readonly<Record<string, string>> = { s: ' ', n: '\n', t: '\t', r: '\r', '\\': '\\' };

function cannotInterpret(key: string): CoppiceError {
  return new CoppiceError('Invalid', `Key file contains key “${key}” which has a value that cannot be interpreted.`);
}

/** The string a raw value stands for: `\s \n \t \r \\` are expanded. Throws `Invalid` on any other escape. `key` is for the message. */
export function unescapeValue(raw: string, key: string): string {
  if (!raw.includes('\\')) return raw;
  return unescapePieces(raw, key, undefined)[0]!;
}

/** The strings of a raw list value; a separator may be escaped by a backslash and a trailing one adds nothing. */
export function unescapeList(raw: string, key: string, separator: string): string[] {
  const pieces = unescapePieces(raw, key, separator);
  if (pieces.at(-1) === '') pieces.pop();
  return pieces;
}

function unescapePieces(raw: string, key: string, separator: string | undefined): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (let i = 0; i < raw.length; i++) {
    const c = raw[i]!;
    if (c === '\\') {
      const next = raw[++i];
      if (next === undefined) throw cannotInterpret(key);
      if (next === separator) piece += next;
      else if (Object.hasOwn(unescapes, next)) piece += unescapes[next]!;
      else throw cannotInterpret(key);
    } else if (c === separator) {
      pieces.push(piece);
      piece = '';
    } else piece += c;
  }
  pieces.push(piece);
  return pieces;
}

/** The raw form GLib writes for a string: leading blanks, line breaks and backslashes are escaped, and `separator` when given. */
export function escapeValue(text: string, separator?: string): string {
  let out = '';
  let leading = true;
  for (const c of text) {
    if (c === ' ') out += leading ? '\\s' : ' ';
    else if (c === '\t') out += leading ? '\\t' : '\t';
    else if (c === '\n') out += '\\n';
    else if (c === '\r') out += '\\r';
    else if (c === '\\') {
      out += '\\\\';
      leading = false;
    } else if (c === separator) {
      out += `\\${separator}`;
      leading = true;
    } else {
      out += c;
      leading = false;
    }
  }
  return out;
}
