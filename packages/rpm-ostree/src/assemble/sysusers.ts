// Accounts that packages ask for in sysusers.d, made in the tree before any script runs and before owners are looked up.
import type { Transaction } from '@coppice/ostree';
import { FileFlag } from '@coppice/rpm';
import { parseSysusers, type SysusersLine } from '@coppice/systemd';
import type { ImportedPackage } from '../import/package-commit.ts';
import { formatGroup, formatPasswd, type GroupEntry, type PasswdEntry, parseGroup, parsePasswd } from '../passwd.ts';
import type { ImageTree } from '../tree/image-tree.ts';
import { ownersOfTree } from './ownership.ts';
import { imageFiles } from './package-files.ts';

const systemIdMax = 999;

export interface Accounts {
  readonly passwd: readonly PasswdEntry[];
  readonly group: readonly GroupEntry[];
}

/**
 * `accounts` with what `lines` ask for and neither they nor `others` have. A free id is the highest below 1000 that is no
 * user's and no group's, as systemd-sysusers takes it.
 */
export function addAccounts(accounts: Accounts, lines: readonly SysusersLine[], others: Accounts): Accounts {
  const passwd = [...accounts.passwd];
  const group = accounts.group.map((g) => ({ ...g, members: [...g.members] }));
  const userNames = new Set([...others.passwd, ...passwd].map((u) => u.name));
  const groupIds = new Map([...others.group, ...group].map((g) => [g.name, g.gid]));
  const used = new Set([
    ...[...others.passwd, ...passwd].map((u) => u.uid),
    ...[...others.group, ...group].map((g) => g.gid),
  ]);
  const free = (wanted?: number): number => {
    let id = wanted !== undefined && !used.has(wanted) ? wanted : systemIdMax;
    while (used.has(id) && id > 1) id--;
    used.add(id);
    return id;
  };
  const addGroup = (name: string, gid: number): number => {
    groupIds.set(name, gid);
    group.push({ name, password: 'x', gid, members: [] });
    return gid;
  };
  // Groups first, then users, then members, whatever the order of the lines.
  for (const line of lines) if (line.type === 'group' && !groupIds.has(line.name)) addGroup(line.name, free(line.gid));
  for (const line of lines) {
    if (line.type !== 'user' || userNames.has(line.name)) continue;
    const own = groupIds.get(line.name);
    const uid = own !== undefined && ![...others.passwd, ...passwd].some((u) => u.uid === own) ? own : free(line.uid);
    const gid =
      typeof line.group === 'number'
        ? line.group
        : line.group !== undefined
          ? (groupIds.get(line.group) ?? addGroup(line.group, free()))
          : (own ?? addGroup(line.name, uid));
    userNames.add(line.name);
    passwd.push({
      name: line.name,
      password: 'x',
      uid,
      gid,
      gecos: line.gecos ?? '',
      home: line.home ?? '/',
      shell: line.shell ?? (uid === 0 ? '/bin/sh' : '/usr/sbin/nologin'),
    });
  }
  for (const line of lines) {
    if (line.type !== 'member') continue;
    if (!groupIds.has(line.group)) addGroup(line.group, free());
    const entry = group.find((g) => g.name === line.group);
    if (entry !== undefined && !entry.members.includes(line.user)) entry.members.push(line.user);
  }
  return { passwd, group };
}

/** The tree's own rpm has packages make users this way; or an owner of these packages' files is known to nobody else. */
function isNeeded(tree: ImageTree, packages: readonly ImportedPackage[]): boolean {
  if (tree.readText('usr/lib/rpm/macros')?.includes('%__systemd_sysusers') === true) return true;
  const names = ownersOfTree(tree);
  return packages.some((pkg) =>
    Array.from(imageFiles(pkg.header)).some(
      ({ file }) => (file.flags & FileFlag.ghost) === 0 && !(names.hasUser(file.user) && names.hasGroup(file.group)),
    ),
  );
}

function linesOf(tree: ImageTree, packages: readonly ImportedPackage[]): SysusersLine[] {
  const out: SysusersLine[] = [];
  for (const pkg of packages)
    for (const { path } of imageFiles(pkg.header))
      if (/^usr\/lib\/sysusers\.d\/[^/]+\.conf$/.test(path))
        out.push(...parseSysusers(tree.readText(path) ?? '').lines);
  return out;
}

/** Whether `makeAccounts` has something to do for packages whose files are in the tree. */
export function wantsAccounts(tree: ImageTree, packages: readonly ImportedPackage[]): boolean {
  return linesOf(tree, packages).length > 0 && isNeeded(tree, packages);
}

export function makeAccounts(txn: Transaction, tree: ImageTree, packages: readonly ImportedPackage[]): void {
  const read = (dir: string): Accounts => ({
    passwd: parsePasswd(tree.readText(`${dir}/passwd`) ?? ''),
    group: parseGroup(tree.readText(`${dir}/group`) ?? ''),
  });
  // An image keeps its packages' accounts in /usr/lib; a tree that is not one yet has only /etc.
  const [place, other] = tree.lookup('usr/lib/passwd') === undefined ? ['usr/etc', 'usr/lib'] : ['usr/lib', 'usr/etc'];
  const after = addAccounts(read(place!), linesOf(tree, packages), read(other!));
  tree.writeFile(txn, `${place}/passwd`, formatPasswd(after.passwd));
  tree.writeFile(txn, `${place}/group`, formatGroup(after.group));
}
