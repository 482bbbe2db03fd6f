import { type Clock, CoppiceError } from '@coppice/base';
import type { Root } from '../root.ts';
import { AccountFiles } from './account-files.ts';
import { type LoginDefs, readLoginDefs } from './login-defs.ts';

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** The accounts of a tree: its files, their defaults, and look-ups that also see what the image ships in /usr/lib. */
export class Accounts {
  readonly root: Root;
  readonly files: AccountFiles;
  readonly defs: LoginDefs;
  readonly #clock: Clock;
  readonly #shipped: Record<'passwd' | 'group', string[][]>;

  constructor(root: Root, clock: Clock) {
    this.root = root;
    this.files = new AccountFiles(root);
    this.defs = readLoginDefs(root);
    this.#clock = clock;
    const shipped = (name: string): string[][] =>
      (root.readText(`/usr/lib/${name}`) ?? '')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split(':'));
    this.#shipped = { passwd: shipped('passwd'), group: shipped('group') };
  }

  /** Days since the epoch, as shadow counts. */
  today(): string {
    return String(Math.floor(this.#clock.now() / 86_400_000));
  }

  user(name: string): User | undefined {
    const row = [...this.files.rows('passwd'), ...this.#shipped.passwd].find((fields) => fields[0] === name);
    return row === undefined ? undefined : { name, uid: Number(row[2]), gid: Number(row[3]), home: row[5] ?? '/' };
  }

  /** Gid of a group given by name or number. */
  gid(nameOrId: string): number | undefined {
    const rows = this.#groups();
    const found =
      rows.find((row) => row[0] === nameOrId) ??
      (/^[0-9]+$/.test(nameOrId) ? rows.find((row) => row[2] === nameOrId) : undefined);
    return found === undefined ? undefined : Number(found[2]);
  }

  #groups(): string[][] {
    return [...this.files.rows('group'), ...this.#shipped.group];
  }

  uidOf(name: string): number {
    const user = this.user(name);
    if (user === undefined)
      throw new CoppiceError('NotFound', `no such user "${name}": user: unknown user user "${name}" not found`);
    return user.uid;
  }

  gidOf(name: string): number {
    const gid = this.gid(name);
    if (gid === undefined)
      throw new CoppiceError('NotFound', `no such group "${name}": group: unknown group group "${name}" not found`);
    return gid;
  }

  /** A free number: users after the highest one in use, system accounts below the lowest; `preferred` when it is free. */
  freeId(kind: 'uid' | 'gid', system: boolean, preferred?: number): number {
    const used = new Set(
      kind === 'uid'
        ? [...this.files.rows('passwd'), ...this.#shipped.passwd].map((row) => Number(row[2]))
        : this.#groups().map((row) => Number(row[2])),
    );
    const { defs } = this;
    const [min, max] = kind === 'uid' ? (system ? defs.systemUid : defs.uid) : system ? defs.systemGid : defs.gid;
    const free = (id: number): boolean => id >= min && id <= max && !used.has(id);
    if (preferred !== undefined && free(preferred)) return preferred;
    let next = system ? max : min;
    for (const id of used) {
      if (system && id >= min && id <= next) next = id - 1;
      if (!system && id >= next && id <= max) next = id + 1;
    }
    if (free(next)) return next;
    for (let n = 0; n <= max - min; n++) {
      const id = system ? max - n : min + n;
      if (free(id)) return id;
    }
    throw new CoppiceError('Limit', `no more available ${kind.toUpperCase()}s`);
  }

  /** Members of a group's fourth field changed, in group and gshadow; only where that changes anything. */
  changeMembers(change: (members: readonly string[], group: string) => readonly string[]): void {
    for (const file of ['group', 'gshadow'] as const)
      for (const row of this.files.rows(file)) {
        const before = (row[3] ?? '').split(',').filter((name) => name !== '');
        const after = change(before, row[0]!);
        if (after.join(',') !== before.join(',')) this.files.put(file, [...row.slice(0, 3), after.join(',')]);
      }
  }
}

const namePattern = /^[a-z_][a-z0-9_-]*\$?$/i;

/** What shadow-utils accepts as a user or group name. */
export function checkAccountName(name: string, what: 'user' | 'group'): void {
  if (namePattern.test(name) && name.length <= 32) return;
  throw new CoppiceError('Invalid', `invalid ${what} name '${name}'`);
}

/** Values become fields of a line: neither a colon nor a line break may be in them. */
export function checkField(value: string, what: string): string {
  if (/[:\n\r\0]/.test(value)) throw new CoppiceError('Invalid', `invalid ${what} ${JSON.stringify(value)}`);
  return value;
}
