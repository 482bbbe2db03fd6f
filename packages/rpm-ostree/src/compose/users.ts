// Users and groups from one compose to the next: their numbers stay, and none is lost that files still belong to.
import { CoppiceError, prefixError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import type { Repo, Transaction } from '@coppice/ostree';
import { formatGroup, formatPasswd, type GroupEntry, type PasswdEntry, parseGroup, parsePasswd } from '../passwd.ts';
import type { TreeDirectory } from '../tree/directory.ts';
import { ImageTree } from '../tree/image-tree.ts';
import type { Plain } from '../treefile/document.ts';
import type { Treefile, UserCheck } from '../treefile/treefile.ts';

const fileLimit = 4 << 20;

/** Each name once, as first told. */
function unique<T extends { readonly name: string }>(entries: readonly T[]): T[] {
  return [...new Map([...entries].reverse().map((e) => [e.name, e])).values()].reverse();
}

function usersIn(tree: ImageTree): PasswdEntry[] {
  return unique(['usr/etc/passwd', 'usr/lib/passwd'].flatMap((path) => parsePasswd(tree.readText(path) ?? '')));
}

function groupsIn(tree: ImageTree): GroupEntry[] {
  return unique(['usr/etc/group', 'usr/lib/group'].flatMap((path) => parseGroup(tree.readText(path) ?? '')));
}

/** Entries of the file that a check names; undefined for other checks. */
function checkedFile<T>(check: UserCheck, key: string, parse: (text: string) => T[]): T[] | undefined {
  if (check.type !== 'file') return undefined;
  if (check.filename === undefined) throw new CoppiceError('Invalid', `${key}: missing field \`filename\``);
  return parse(readFile(check.filename, { limit: fileLimit }).toString());
}

/**
 * `preserve-passwd`: accounts of the file that a check names, else of the previous commit, are there before any package is
 * (a previous commit's own files of them are left).
 */
export function keepUsers(
  txn: Transaction,
  tree: ImageTree,
  treefile: Treefile,
  previous: ImageTree | undefined,
): void {
  const old = previous?.lookup('usr/lib/passwd') === undefined ? undefined : previous;
  const users =
    checkedFile(treefile.checkPasswd, 'check-passwd', parsePasswd) ?? (old === undefined ? undefined : usersIn(old));
  const groups =
    checkedFile(treefile.checkGroups, 'check-groups', parseGroup) ?? (old === undefined ? undefined : groupsIn(old));
  if (users !== undefined) tree.writeFile(txn, 'usr/etc/passwd', formatPasswd(users));
  if (groups !== undefined) tree.writeFile(txn, 'usr/etc/group', formatGroup(groups));
}

/** Whether something of the tree belongs to this user or group. */
function owns(tree: ImageTree, dir: TreeDirectory, kind: 'uid' | 'gid', id: number): boolean {
  if (dir.meta[kind] === id) return true;
  for (const checksum of new Set(dir.files.values())) if (tree.header(checksum).header[kind] === id) return true;
  return [...dir.dirs.values()].some((child) => owns(tree, child, kind, id));
}

function dataEntries(entries: Readonly<Record<string, Plain>>, key: string): Map<string, readonly number[]> {
  const out = new Map<string, readonly number[]>();
  for (const [name, value] of Object.entries(entries)) {
    const ids = Array.isArray(value) ? value : [value];
    if (ids.length === 0 || ids.length > 2 || !ids.every((n) => Number.isSafeInteger(n) && Number(n) >= 0))
      throw new CoppiceError('Invalid', `${key}: entries: ${name}: expected a number or two`);
    out.set(name, ids as number[]);
  }
  return out;
}

interface Checked {
  /** Numbers by name: of users user and group, of groups their own. */
  readonly wanted: ReadonlyMap<string, readonly number[]>;
  readonly have: ReadonlyMap<string, readonly number[]>;
  readonly ignored: readonly string[];
  readonly words: { readonly one: string; readonly title: string; readonly file: string };
  readonly ids: readonly string[];
  readonly used: (id: number) => boolean;
  readonly message: (text: string) => void;
}

function compare({ wanted, have, ignored, words, ids, used, message }: Checked): void {
  for (const [name, [id]] of [...wanted].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (have.has(name)) continue;
    if (ignored.includes('*') || ignored.includes(name))
      message(`Ignored ${words.one} missing from new ${words.file} file: ${name}`);
    else if (used(id!))
      throw new CoppiceError('Conflict', `${words.title} missing from new ${words.file} file: ${name}`);
    else message(`Unused ${words.one} removed from new ${words.file} file: ${name}`);
  }
  const fresh: string[] = [];
  for (const [name, now] of [...have].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const before = wanted.get(name);
    if (before === undefined) {
      fresh.push(name);
      continue;
    }
    before.forEach((id, i) => {
      if (now[i] !== id)
        throw new CoppiceError('Conflict', `${words.file} ${ids[i]} changed: ${name} (${id} to ${now[i]})`);
    });
  }
  if (fresh.length > 0) message(`New ${words.file} entries: ${fresh.join(', ')}`);
}

/** What a check compares with; undefined when there is nothing. */
function wantedBy<T extends { readonly name: string }>(
  check: UserCheck,
  key: string,
  previous: readonly T[] | undefined,
  parse: (text: string) => T[],
  numbers: (entry: T) => readonly number[],
): Map<string, readonly number[]> | undefined {
  const of = (entries: readonly T[]): Map<string, readonly number[]> =>
    new Map(entries.map((e) => [e.name, numbers(e)]));
  switch (check.type) {
    case 'none':
      return undefined;
    case 'previous':
      return previous === undefined ? undefined : of(previous);
    case 'data':
      return dataEntries(check.entries ?? {}, key);
    case 'file':
      return of(checkedFile(check, key, parse)!);
  }
}

/** `check-passwd` and `check-groups`. Throws `Conflict` in the original's words. */
export function checkUsers(
  tree: ImageTree,
  treefile: Treefile,
  previous: { readonly repo: Repo; readonly commit: string } | undefined,
  message: (text: string) => void,
): void {
  const old = previous === undefined ? undefined : ImageTree.fromCommit(previous.repo, previous.commit);
  const step = (what: string, check: string, body: () => void): void => {
    try {
      body();
    } catch (error) {
      throw prefixError(error, `Validating ${what} entries according to treefile ${check}`);
    }
  };
  step('user', 'check-passwd', () => {
    const numbers = (e: PasswdEntry): number[] => [e.uid, e.gid];
    const before = old === undefined ? undefined : usersIn(old);
    const wanted = wantedBy(treefile.checkPasswd, 'check-passwd', before, parsePasswd, numbers);
    if (wanted === undefined) return;
    compare({
      wanted,
      have: new Map(usersIn(tree).map((e) => [e.name, numbers(e)])),
      ignored: treefile.ignoreRemovedUsers,
      words: { one: 'user', title: 'User', file: 'passwd' },
      ids: ['UID', 'GID'],
      used: (id) => owns(tree, tree.root, 'uid', id),
      message,
    });
  });
  step('group', 'check-groups', () => {
    const numbers = (e: GroupEntry): number[] => [e.gid];
    const before = old === undefined ? undefined : groupsIn(old);
    const wanted = wantedBy(treefile.checkGroups, 'check-groups', before, parseGroup, numbers);
    if (wanted === undefined) return;
    compare({
      wanted,
      have: new Map(groupsIn(tree).map((e) => [e.name, numbers(e)])),
      ignored: treefile.ignoreRemovedGroups,
      words: { one: 'group', title: 'Group', file: 'group' },
      ids: ['GID'],
      used: (id) => owns(tree, tree.root, 'gid', id),
      message,
    });
  });
}
