// file_contexts.subs and subs_dist: `ALIAS ORIGINAL` lines, which make paths below ALIAS labelled as those below ORIGINAL.

export interface Substitution {
  readonly from: string;
  readonly to: string;
}

export function parseSubstitutions(text: string): Substitution[] {
  const list: Substitution[] = [];
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    if (words[0] === undefined || words[0] === '' || words[0].startsWith('#') || words[1] === undefined) continue;
    list.push({ from: words[0], to: words[1] });
  }
  return list;
}

/** The first alias that is `path` or a directory above it, replaced; undefined when there is none. */
export function substitute(list: readonly Substitution[], path: string): string | undefined {
  for (const { from, to } of list) {
    if (!path.startsWith(from)) continue;
    const rest = path.slice(from.length);
    if (rest === '' || rest.startsWith('/')) return to === '/' ? (rest === '' ? '/' : rest) : `${to}${rest}`;
  }
  return undefined;
}
