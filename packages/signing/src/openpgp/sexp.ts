import { CoppiceError } from '@coppice/base';

/** A libgcrypt S-expression: an atom's bytes or a list. */
export type Sexp = Uint8Array | readonly Sexp[];

const maxDepth = 32;

/**
 * Reads the S-expression in a gpg-agent key file: canonical (`(3:rsa...)`), or the `Key:` entry of the extended form with
 * tokens, quoted strings and `#hex#`. Throws `Corrupt`.
 */
export function parseSexp(file: Uint8Array): Sexp {
  let text = Buffer.from(file).toString('latin1');
  if (!text.startsWith('(')) {
    const unfolded = text.replace(/\r?\n[ \t]+/g, ' ');
    const entry = /^Key:\s*(\(.*)$/m.exec(unfolded);
    if (entry === null) throw new CoppiceError('Corrupt', 'gpg-agent key: no key entry');
    text = entry[1]!;
  }
  let at = 0;
  const fail = (): never => {
    throw new CoppiceError('Corrupt', `gpg-agent key: malformed S-expression at ${at}`);
  };
  const value = (depth: number): Sexp => {
    if (depth > maxDepth) fail();
    while (/\s/.test(text[at] ?? '')) at++;
    const c = text[at];
    if (c === '(') {
      at++;
      const list: Sexp[] = [];
      for (;;) {
        while (/\s/.test(text[at] ?? '')) at++;
        if (at >= text.length) fail();
        if (text[at] === ')') {
          at++;
          return list;
        }
        list.push(value(depth + 1));
      }
    }
    const rest = text.slice(at, at + 12);
    const counted = /^(\d{1,8}):/.exec(rest);
    if (counted !== null) {
      const start = at + counted[0].length;
      const length = Number(counted[1]);
      if (start + length > text.length) fail();
      at = start + length;
      return Buffer.from(text.slice(start, at), 'latin1');
    }
    const token = /#([0-9a-fA-F\s]*)#|"((?:[^"\\]|\\.)*)"|[^\s()#"]+/y;
    token.lastIndex = at;
    const match = token.exec(text);
    if (match === null) return fail();
    at = token.lastIndex;
    if (match[1] !== undefined) return Buffer.from(match[1].replace(/\s/g, ''), 'hex');
    return Buffer.from(match[2] ?? match[0], 'latin1');
  };
  return value(0);
}

/** The sub-list whose first atom is `name`. */
export function sexpFind(list: readonly Sexp[], name: string): Sexp | undefined {
  return list.find(
    (item) => Array.isArray(item) && item[0] instanceof Uint8Array && Buffer.from(item[0]).toString('latin1') === name,
  );
}
