// What systemd-sysusers does to the account files of a tree.

import { constants } from 'node:fs';
import { errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { parseSysusers, type SysusersLine } from './sysusers.ts';
import { below, makeParents } from './tree-write.ts';

const sysusersDirs = ['/etc/sysusers.d', '/run/sysusers.d', '/usr/local/lib/sysusers.d', '/usr/lib/sysusers.d'];
const lastSystemId = 999;
/** No password, and no other way in by one. */
const locked = '!*';
const nologin = '/usr/sbin/nologin';

type User = Extract<SysusersLine, { type: 'user' }>;
type AccountFile = 'passwd' | 'group' | 'shadow' | 'gshadow';

const anyAccount = { uid: undefined, group: undefined, gecos: undefined, home: undefined, shell: undefined } as const;

export interface SysusersOptions {
  readonly fs: FileSystem;
  readonly readFile: (path: string) => Uint8Array;
  /** Days since 1970, for the date of the last password change. */
  readonly today: number;
  /** False when there is only one user id: modes are set, owners are left alone. */
  readonly owners?: boolean;
}

/** The account files of a tree. A link in place of one is refused by the store that reads it. */
class Accounts {
  readonly rows = new Map<AccountFile, string[][]>();
  readonly #options: SysusersOptions;
  readonly #root: string;
  readonly #before = new Map<AccountFile, string>();

  constructor(root: string, options: SysusersOptions) {
    this.#root = root;
    this.#options = options;
    for (const file of ['passwd', 'group', 'shadow', 'gshadow'] as const) {
      const path = below(root, `/etc/${file}`);
      const stat = options.fs.lstat(path);
      const text =
        stat !== undefined && (stat.mode & 0o170000) === 0o100000
          ? new TextDecoder().decode(options.readFile(path))
          : '';
      this.#before.set(file, text);
      this.rows.set(
        file,
        text
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => line.split(':')),
      );
    }
  }

  find(file: AccountFile, name: string): string[] | undefined {
    return this.rows.get(file)!.find((row) => row[0] === name);
  }
  hasId(file: 'passwd' | 'group', id: number): boolean {
    return this.rows.get(file)!.some((row) => row[2] === String(id));
  }
  nameOfGid(id: number): string | undefined {
    return this.rows.get('group')!.find((row) => row[2] === String(id))?.[0];
  }

  /** Writes the files that changed, each in one step. */
  write(): AccountFile[] {
    const { fs, owners = true } = this.#options;
    const written: AccountFile[] = [];
    for (const [file, rows] of this.rows) {
      const text = rows.map((row) => `${row.join(':')}\n`).join('');
      if (text === this.#before.get(file)) continue;
      const path = below(this.#root, `/etc/${file}`);
      makeParents(fs, this.#root, `/etc/${file}`);
      const old = fs.lstat(path);
      const mode = old === undefined ? (file.endsWith('shadow') ? 0 : 0o644) : old.mode & 0o7777;
      const temp = `${path}.new`;
      try {
        const fd = fs.open(
          temp,
          constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
          0o600,
        );
        try {
          const bytes = Buffer.from(text);
          fs.write(fd, bytes, 0, bytes.length, null);
          if (owners) fs.fchown(fd, old?.uid ?? 0, old?.gid ?? 0);
          fs.fchmod(fd, mode);
          fs.fsync(fd);
        } finally {
          fs.close(fd);
        }
        fs.rename(temp, path);
      } catch (error) {
        throw errnoError(error, `/etc/${file}`);
      }
      written.push(file);
    }
    return written;
  }
}

function linesOf(root: string, options: SysusersOptions): { lines: SysusersLine[]; faults: string[] } {
  const { fs } = options;
  const files = new Map<string, string>();
  for (const dir of sysusersDirs) {
    const full = below(root, dir);
    const stat = fs.lstat(full);
    if (stat === undefined || (stat.mode & 0o170000) !== 0o040000) continue;
    for (const name of fs.readdir(full))
      if (name.endsWith('.conf') && !files.has(name)) files.set(name, `${full}/${name}`);
  }
  const lines: SysusersLine[] = [];
  const faults: string[] = [];
  for (const name of [...files.keys()].sort()) {
    const path = files.get(name)!;
    const stat = fs.lstat(path);
    if (stat === undefined || (stat.mode & 0o170000) !== 0o100000) continue;
    const parsed = parseSysusers(new TextDecoder().decode(options.readFile(path)));
    lines.push(...parsed.lines);
    faults.push(...parsed.faults.map((fault) => `${name}: ${fault}`));
  }
  return { lines, faults };
}

/** Free ids, from the top of the ranges down. */
class Ids {
  readonly #ids: number[] = [];
  constructor(ranges: readonly { from: number; to: number }[]) {
    for (const { from, to } of ranges.length > 0 ? ranges : [{ from: 1, to: lastSystemId }])
      for (let id = from; id <= Math.min(to, from + 100_000); id++) this.#ids.push(id);
    this.#ids.sort((a, b) => a - b);
  }
  take(isFree: (id: number) => boolean): number | undefined {
    for (let id = this.#ids.pop(); id !== undefined; id = this.#ids.pop()) if (isFree(id)) return id;
    return undefined;
  }
}

/**
 * Makes the accounts that the tree's sysusers.d files ask for and that are missing: groups first, then users, then
 * memberships. Gives the files written and the lines that could not be carried out.
 */
export function createSysusers(root: string, options: SysusersOptions): { written: string[]; faults: string[] } {
  const { lines, faults } = linesOf(root, options);
  const accounts = new Accounts(root, options);
  const ids = new Ids(lines.filter((line) => line.type === 'range'));
  const free = (id: number): boolean => !accounts.hasId('passwd', id) && !accounts.hasId('group', id);
  const groups = new Map<string, number | undefined>();
  const users = new Map<string, User>();
  for (const line of lines) {
    if (line.type === 'group' && !groups.has(line.name)) groups.set(line.name, line.gid);
    if (line.type === 'user' && !users.has(line.name)) users.set(line.name, line);
  }
  // Members need both sides; what no line asks for comes last.
  for (const line of lines) {
    if (line.type !== 'member') continue;
    if (!groups.has(line.group)) groups.set(line.group, undefined);
    if (!users.has(line.user)) users.set(line.user, { type: 'user', name: line.user, ...anyAccount });
  }
  const addGroup = (name: string, wanted: number | undefined): number | undefined => {
    const known = accounts.find('group', name);
    if (known !== undefined) return Number(known[2]);
    const gid = wanted !== undefined && !accounts.hasId('group', wanted) ? wanted : ids.take(free);
    if (gid === undefined) {
      faults.push(`no free group id for ${name}`);
      return undefined;
    }
    accounts.rows.get('group')!.push([name, 'x', String(gid), '']);
    accounts.rows.get('gshadow')!.push([name, locked, '', '']);
    return gid;
  };
  for (const [name, gid] of groups) addGroup(name, gid);
  for (const user of users.values()) addUser(user, accounts, addGroup, () => ids.take(free), options, faults);
  for (const line of lines) if (line.type === 'member') addMember(line.user, line.group, accounts);
  return { written: accounts.write().map((file) => `/etc/${file}`), faults };
}

function addUser(
  user: User,
  accounts: Accounts,
  addGroup: (name: string, wanted: number | undefined) => number | undefined,
  take: () => number | undefined,
  options: SysusersOptions,
  faults: string[],
): void {
  if (accounts.find('passwd', user.name) !== undefined) return;
  const gid =
    typeof user.group === 'number'
      ? user.group
      : typeof user.group === 'string'
        ? Number(accounts.find('group', user.group)?.[2] ?? Number.NaN)
        : addGroup(user.name, user.uid);
  if (
    gid === undefined ||
    Number.isNaN(gid) ||
    (typeof user.group === 'number' && accounts.nameOfGid(gid) === undefined)
  ) {
    faults.push(`no group ${user.group ?? user.name} for ${user.name}`);
    return;
  }
  const own = user.group === undefined && !accounts.hasId('passwd', gid) ? gid : undefined;
  const uid = user.uid !== undefined && !accounts.hasId('passwd', user.uid) ? user.uid : (own ?? take());
  if (uid === undefined) {
    faults.push(`no free user id for ${user.name}`);
    return;
  }
  const home = user.home ?? (uid === 0 ? '/root' : '/');
  const shell = user.shell ?? (uid === 0 ? '/bin/sh' : nologin);
  accounts.rows.get('passwd')!.push([user.name, 'x', String(uid), String(gid), user.gecos ?? '', home, shell]);
  accounts.rows.get('shadow')!.push([user.name, locked, String(options.today), '', '', '', '', '', '']);
}

function addMember(user: string, group: string, accounts: Accounts): void {
  for (const file of ['group', 'gshadow'] as const) {
    const row = accounts.find(file, group);
    const members = (row?.[3] ?? '').split(',').filter((name) => name !== '');
    if (row === undefined || members.includes(user)) continue;
    row[3] = [...members, user].sort().join(',');
  }
}
