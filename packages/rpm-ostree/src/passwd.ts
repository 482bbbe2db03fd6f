// passwd and group files, and how a tree divides them: usr/lib holds what packages made, etc only root and chosen groups.
import { CoppiceError } from '@coppice/base';

export interface PasswdEntry {
  readonly name: string;
  readonly password: string;
  readonly uid: number;
  readonly gid: number;
  readonly gecos: string;
  readonly home: string;
  readonly shell: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly password: string;
  readonly gid: number;
  readonly members: readonly string[];
}

function fields(text: string, count: number, what: string): string[][] {
  return text
    .split('\n')
    .filter((l) => l !== '' && !l.startsWith('#'))
    .map((line) => {
      const parts = line.split(':');
      if (parts.length !== count) throw new CoppiceError('Invalid', `failed to parse ${what} entry: ${line}`);
      return parts;
    });
}

function id(text: string, what: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new CoppiceError('Invalid', `failed to parse ${what}: not a number: ${text}`);
  return Number(text);
}

export function parsePasswd(text: string): PasswdEntry[] {
  return fields(text, 7, 'passwd').map(([name, password, uid, gid, gecos, home, shell]) => ({
    name: name!,
    password: password!,
    uid: id(uid!, 'UID'),
    gid: id(gid!, 'GID'),
    gecos: gecos!,
    home: home!,
    shell: shell!,
  }));
}

export function formatPasswd(entries: readonly PasswdEntry[]): string {
  return entries.map((e) => `${[e.name, e.password, e.uid, e.gid, e.gecos, e.home, e.shell].join(':')}\n`).join('');
}

export function parseGroup(text: string): GroupEntry[] {
  return fields(text, 4, 'group').map(([name, password, gid, members]) => ({
    name: name!,
    password: password!,
    gid: id(gid!, 'GID'),
    members: members === '' ? [] : members!.split(','),
  }));
}

export function formatGroup(entries: readonly GroupEntry[]): string {
  return entries.map((e) => `${[e.name, e.password, e.gid, e.members.join(',')].join(':')}\n`).join('');
}

/** Divides a compose's passwd file: root stays in etc, everyone else goes to usr/lib. */
export function splitPasswd(text: string): { readonly etc: string; readonly lib: string } {
  const all = parsePasswd(text);
  return { etc: formatPasswd(all.filter((e) => e.uid === 0)), lib: formatPasswd(all.filter((e) => e.uid !== 0)) };
}

/** As `splitPasswd` for groups; groups named in `etc-group-members` stay in both. */
export function splitGroup(
  text: string,
  etcMembers: readonly string[],
): { readonly etc: string; readonly lib: string } {
  const all = parseGroup(text);
  const keep = new Set(etcMembers);
  return {
    etc: formatGroup(all.filter((e) => e.gid === 0 || keep.has(e.name))),
    lib: formatGroup(all.filter((e) => e.gid !== 0)),
  };
}

/** Blanks the date of the last password change, which would make every tree different. */
export function blankShadowDates(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      const parts = line.split(':');
      if (parts.length !== 9) return line;
      parts[2] = '';
      return parts.join(':');
    })
    .join('\n');
}

/** `passwd: files altfiles` and the same for group, as trees with usr/lib/passwd need. */
export function addAltfiles(nsswitch: string): string {
  return nsswitch
    .split('\n')
    .map((line) => {
      if (!/^(passwd|group):/.test(line) || /\baltfiles\b/.test(line)) return line;
      return line.replace(/\bfiles\b/, 'files altfiles');
    })
    .join('\n');
}
