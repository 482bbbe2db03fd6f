// os-release(5): the name a boot menu shows.

import { CoppiceError } from '@coppice/base';

/** `g_shell_unquote`: quotes and backslashes of one shell word; undefined when the text is not one well-formed word. */
export function shellUnquote(text: string): string | undefined {
  let out = '';
  let i = 0;
  while (i < text.length) {
    const char = text[i]!;
    if (char === "'") {
      const end = text.indexOf("'", i + 1);
      if (end < 0) return undefined;
      out += text.slice(i + 1, end);
      i = end + 1;
    } else if (char === '"') {
      i++;
      while (i < text.length && text[i] !== '"') {
        if (text[i] === '\\' && i + 1 < text.length && '"\\`$\n'.includes(text[i + 1]!)) i++;
        out += text[i++];
      }
      if (i >= text.length) return undefined;
      i++;
    } else if (char === '\\') {
      if (i + 1 < text.length && text[i + 1] !== '\n') out += text[i + 1];
      i += 2;
    } else {
      out += char;
      i++;
    }
  }
  return out;
}

export function parseOsRelease(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (line.startsWith('#') || at < 0) continue;
    const value = shellUnquote(line.slice(at + 1));
    if (value !== undefined) values.set(line.slice(0, at), value);
  }
  return values;
}

export interface TitleParts {
  readonly osRelease: ReadonlyMap<string, string>;
  /** The commit's version, if any. */
  readonly version: string | undefined;
  readonly osname: string;
  /** True when deployments of several stateroots are listed. */
  readonly showOsname: boolean;
  readonly index: number;
}

/** `PRETTY_NAME [VERSION] (ostree[:OS]:INDEX)`. Throws `NotFound` when the tree names itself nowhere. */
export function entryTitle(parts: TitleParts): string {
  const name = parts.osRelease.get('PRETTY_NAME') ?? parts.osRelease.get('ID');
  if (name === undefined) throw new CoppiceError('NotFound', 'No PRETTY_NAME or ID in /etc/os-release');
  const version = parts.version;
  const shown = version !== undefined && version !== '' && !name.includes(version) ? ` ${version}` : '';
  return `${name}${shown} (ostree${parts.showOsname ? `:${parts.osname}` : ''}:${parts.index})`;
}
