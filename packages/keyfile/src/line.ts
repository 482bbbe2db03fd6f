import { CoppiceError } from '@coppice/base';

/** One line of a key file, already classified and checked. */
export type Line =
  | { readonly kind: 'blank' }
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'pair'; readonly key: string; readonly locale: string | undefined; readonly value: string };

const space = ' \t\n\v\f\r';

function skipSpace(text: string): string {
  let at = 0;
  while (at < text.length && space.includes(text[at]!)) at++;
  return text.slice(at);
}

function chopSpace(text: string): string {
  let end = text.length;
  while (end > 0 && space.includes(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/** A group name is not empty and holds no bracket and no control character. */
export function isGroupName(name: string): boolean {
  return /^[^\][\x00-\x1f\x7f]+$/.test(name);
}

/** A key: no `=`, no brackets but a trailing `[locale]`, no blank at either end. */
export function isKeyName(name: string): boolean {
  return /^[^=[\]\0]+(\[[\p{L}\p{N}_.@-]*\])?$/u.test(name) && !name.startsWith(' ') && !/ (\[|$)/.test(name);
}

/** Classifies a line (without its line break; the key's form is not checked) as `g_key_file_parse_line` does; throws `Invalid` in GLib's wording. */
export function parseLine(whole: string): Line {
  const nul = whole.indexOf('\0');
  const text = skipSpace(nul < 0 ? whole : whole.slice(0, nul));
  if (text === '' || text.startsWith('#')) return { kind: 'blank' };
  if (/^\[[^\]]*\][ \t]*$/.test(chopCarriage(text))) {
    const name = text.slice(1, text.indexOf(']'));
    if (!isGroupName(name)) throw new CoppiceError('Invalid', `Invalid group name: ${name}`);
    return { kind: 'group', name };
  }
  const equals = text.indexOf('=');
  if (equals <= 0) {
    throw new CoppiceError(
      'Invalid',
      `Key file contains line “${chopCarriage(whole)}” which is not a key-value pair, group, or comment`,
    );
  }
  const key = chopSpace(text.slice(0, equals));
  const bracket = key.endsWith(']') ? key.lastIndexOf('[') : -1;
  return {
    kind: 'pair',
    key,
    locale: bracket < 0 ? undefined : key.slice(bracket + 1, -1),
    value: skipSpace(chopCarriage(text.slice(equals + 1))),
  };
}

function chopCarriage(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
