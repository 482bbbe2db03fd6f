import { CoppiceError } from '@coppice/base';
import { type Fields, isTrue, maybeInt, maybeText, text, texts } from '@coppice/ignition';
import { isDirectory } from '../root.ts';
import { type Accounts, checkAccountName, checkField } from './accounts.ts';
import { addGroupRow } from './groups.ts';
import { createHome, createMailSpool, moveHome, removeHome } from './home.ts';
import { authorizeKeys } from './ssh-keys.ts';

/** useradd, usermod for users that exist, or userdel for `shouldExist: false`; then the ssh keys. */
export function ensureUser(user: Fields, accounts: Accounts): void {
  const name = text(user, 'name');
  checkAccountName(name, 'user');
  for (const field of ['gecos', 'homeDir', 'passwordHash', 'primaryGroup', 'shell'])
    checkField(text(user, field), field);
  const exists = accounts.user(name) !== undefined;
  if (user['shouldExist'] === false) {
    if (exists) removeUser(name, accounts);
    return;
  }
  if (exists) modifyUser(name, user, accounts);
  else addUser(name, user, accounts);
  // The original sets the password in a run of its own.
  if (maybeText(user, 'passwordHash') !== undefined) {
    setPassword(name, text(user, 'passwordHash'), accounts);
    accounts.files.commit();
  }
  authorizeKeys(name, texts(user, 'sshAuthorizedKeys'), accounts);
}

function groupsOf(user: Fields, accounts: Accounts): string[] {
  return texts(user, 'groups').map((group) => {
    if (accounts.gid(group) === undefined) throw new CoppiceError('NotFound', `group '${group}' does not exist`);
    return accounts.files.rows('group').find((row) => row[0] === group || row[2] === group)?.[0] ?? group;
  });
}

function primaryGroup(user: Fields, accounts: Accounts): number | undefined {
  const group = text(user, 'primaryGroup');
  if (group === '') return undefined;
  const gid = accounts.gid(group);
  if (gid === undefined) throw new CoppiceError('NotFound', `group '${group}' does not exist`);
  return gid;
}

function addUser(name: string, user: Fields, accounts: Accounts): void {
  const { files, defs } = accounts;
  const system = isTrue(user, 'system');
  const wanted = maybeInt(user, 'uid');
  const taken = files.rows('passwd').some((row) => Number(row[2]) === Number(wanted));
  if (wanted !== undefined && taken) throw new CoppiceError('Exists', `UID ${wanted} is not unique`);
  const groups = groupsOf(user, accounts);
  const chosen = primaryGroup(user, accounts);
  const ownGroup = chosen === undefined && defs.userGroups && !isTrue(user, 'noUserGroup');
  if (ownGroup && accounts.gid(name) !== undefined)
    throw new CoppiceError('Exists', `group ${name} exists - if you want to add this user to that group, use -g.`);
  files.ensure('passwd');
  files.ensure('group');
  const uid = wanted === undefined ? accounts.freeId('uid', system) : Number(wanted);
  const gid = ownGroup
    ? accounts.freeId('gid', system, uid)
    : (chosen ?? accounts.gid(defs.defaultGroup) ?? Number(defs.defaultGroup));
  const home = text(user, 'homeDir') === '' ? `${defs.homeBase}/${name}` : text(user, 'homeDir');
  const shell = text(user, 'shell') === '' ? defs.shell : text(user, 'shell');
  const password = text(user, 'passwordHash') === '' ? '*' : text(user, 'passwordHash');
  files.put('passwd', [
    name,
    files.has('shadow') ? 'x' : password,
    String(uid),
    String(gid),
    text(user, 'gecos'),
    home,
    shell,
  ]);
  const aging = system ? ['', '', ''] : defs.aging;
  files.put('shadow', [name, password, accounts.today(), ...aging, defs.inactive, defs.expire, '']);
  if (ownGroup) addGroupRow(name, gid, '!', accounts);
  accounts.changeMembers((members, group) => (groups.includes(group) ? [...members, name] : members));
  if (!system) addSubIds(name, accounts);
  files.commit();
  if (!isTrue(user, 'noCreateHome')) createHome(home, uid, gid, accounts);
  if (!system) createMailSpool(name, uid, gid, accounts);
}

/** Subordinate ids of a new user, where the tree has the files for them. */
function addSubIds(name: string, accounts: Accounts): void {
  for (const file of ['subuid', 'subgid'] as const) {
    if (!accounts.files.has(file) || accounts.files.find(file, name) !== undefined) continue;
    let start = accounts.defs.subIdMin;
    for (const row of accounts.files.rows(file)) start = Math.max(start, Number(row[1]) + Number(row[2]));
    accounts.files.put(file, [name, String(start), String(accounts.defs.subIdCount)]);
  }
}

function setPassword(name: string, hash: string, accounts: Accounts): void {
  const password = hash === '' ? '*' : hash;
  const row = accounts.files.find('passwd', name)!;
  const shadow = accounts.files.find('shadow', name);
  if (shadow === undefined) accounts.files.put('passwd', [row[0]!, password, ...row.slice(2)]);
  else {
    accounts.files.put('passwd', row);
    accounts.files.put('shadow', [shadow[0]!, password, accounts.today(), ...shadow.slice(3)]);
  }
}

function modifyUser(name: string, user: Fields, accounts: Accounts): void {
  const { files } = accounts;
  const row = files.find('passwd', name);
  if (row === undefined) throw new CoppiceError('NotFound', `user '${name}' does not exist in /etc/passwd`);
  const uid = maybeInt(user, 'uid');
  const groups = groupsOf(user, accounts);
  const gid = primaryGroup(user, accounts);
  const home = text(user, 'homeDir');
  const given = ['uid', 'gecos', 'primaryGroup', 'shell', 'homeDir'].some((field) => user[field] !== undefined);
  if (given) {
    files.put('passwd', [
      name,
      row[1]!,
      uid === undefined ? row[2]! : String(uid),
      gid === undefined ? row[3]! : String(gid),
      text(user, 'gecos') === '' ? row[4]! : text(user, 'gecos'),
      home === '' ? row[5]! : home,
      text(user, 'shell') === '' ? row[6]! : text(user, 'shell'),
    ]);
  }
  if (texts(user, 'groups').length > 0)
    accounts.changeMembers((members, group) =>
      groups.includes(group)
        ? members.includes(name)
          ? members
          : [...members, name]
        : members.filter((member) => member !== name),
    );
  // Given to this run too, not only to the one that sets the password.
  if (maybeText(user, 'passwordHash') !== undefined) setPassword(name, text(user, 'passwordHash'), accounts);
  files.commit();
  const now = accounts.user(name)!;
  if (home !== '' && home !== row[5]) moveHome(row[5]!, home, accounts);
  moveOwner(now.home, { uid: Number(row[2]), gid: Number(row[3]) }, now, accounts);
}

/** usermod hands the home directory, and what the user owns in it, to the new ids. */
function moveOwner(
  home: string,
  before: { uid: number; gid: number },
  now: { uid: number; gid: number },
  accounts: Accounts,
): void {
  if (before.uid === now.uid && before.gid === now.gid) return;
  const { root } = accounts;
  const visit = (path: string): void => {
    const stat = root.lstat(path);
    if (stat === undefined) return;
    root.chown(path, stat.uid === before.uid ? now.uid : stat.uid, stat.gid === before.gid ? now.gid : stat.gid);
    if (isDirectory(stat)) for (const entry of root.fs.readdir(root.host(path))) visit(`${path}/${entry}`);
  };
  visit(root.resolve(home, true));
}

function removeUser(name: string, accounts: Accounts): void {
  const { files } = accounts;
  const user = accounts.user(name)!;
  files.remove('passwd', name);
  files.remove('shadow', name);
  accounts.changeMembers((members) => members.filter((member) => member !== name));
  const own = files.find('group', name);
  const inUse = files.rows('passwd').some((row) => row[3] === own?.[2]);
  if (own !== undefined && Number(own[2]) === user.gid && !inUse && (own[3] ?? '') === '') {
    files.remove('group', name);
    files.remove('gshadow', name);
  }
  for (const file of ['subuid', 'subgid'] as const) files.remove(file, name);
  files.commit();
  removeHome(user, accounts);
}
