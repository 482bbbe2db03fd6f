// sysusers.d(5) lines: accounts that packages want.

import { splitWords } from './words.ts';

export type SysusersLine =
  | {
      readonly type: 'user';
      readonly name: string;
      /** Undefined when any free one will do. */
      readonly uid: number | undefined;
      /** Group by number or name, when it is not one of the user's own. */
      readonly group: number | string | undefined;
      readonly gecos: string | undefined;
      readonly home: string | undefined;
      readonly shell: string | undefined;
    }
  | { readonly type: 'group'; readonly name: string; readonly gid: number | undefined }
  | { readonly type: 'member'; readonly user: string; readonly group: string }
  | { readonly type: 'range'; readonly from: number; readonly to: number };

const namePattern = /^[a-zA-Z_][a-zA-Z0-9_-]{0,30}$/;
const maxId = 0xfffffffe;

function id(text: string): number | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return value <= maxId && value !== 65535 ? value : undefined;
}

const given = (word: string | undefined): string | undefined =>
  word === undefined || word === '-' || word === '' ? undefined : word;

/** The lines of one file in order, with what is wrong with the others. Ids that are paths are not supported and listed too. */
export function parseSysusers(text: string): { readonly lines: SysusersLine[]; readonly faults: string[] } {
  const lines: SysusersLine[] = [];
  const faults: string[] = [];
  text.split('\n').forEach((raw, i) => {
    const trimmed = raw.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const line = parseLine(splitWords(trimmed));
    if (line === undefined) faults.push(`line ${i + 1}: ${trimmed}`);
    else lines.push(line);
  });
  return { lines, faults };
}

function parseLine(words: readonly string[] | undefined): SysusersLine | undefined {
  const [type, name = '', third, gecos, home, shell] = words ?? [];
  if (words === undefined || words.length > 6) return undefined;
  const value = given(third);
  switch (type) {
    case 'u': {
      if (!namePattern.test(name)) return undefined;
      const [first = '', second] = value?.split(':', 2) ?? [];
      const uid = first === '' || first === '-' ? undefined : id(first);
      if (uid === undefined && first !== '' && first !== '-') return undefined;
      const group = second === undefined ? undefined : (id(second) ?? second);
      if (typeof group === 'string' && !namePattern.test(group)) return undefined;
      return { type: 'user', name, uid, group, gecos: given(gecos), home: given(home), shell: given(shell) };
    }
    case 'g': {
      const gid = value === undefined ? undefined : id(value);
      if (!namePattern.test(name) || (value !== undefined && gid === undefined)) return undefined;
      return { type: 'group', name, gid };
    }
    case 'm':
      return namePattern.test(name) && namePattern.test(third ?? '')
        ? { type: 'member', user: name, group: third! }
        : undefined;
    case 'r': {
      const [from, to] = (value ?? '').split('-', 2).map(id);
      if (name !== '-' || from === undefined || (value!.includes('-') && to === undefined)) return undefined;
      return { type: 'range', from, to: to ?? from };
    }
    default:
      return undefined;
  }
}
