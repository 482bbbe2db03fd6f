import { CoppiceError } from '@coppice/base';
import { type Fields, isTrue, maybeInt, text } from '@coppice/ignition';
import { type Accounts, checkAccountName, checkField } from './accounts.ts';

/** groupadd, or groupdel for `shouldExist: false`. Throws `Exists` when the group is there. */
export function ensureGroup(group: Fields, accounts: Accounts): void {
  const name = text(group, 'name');
  checkAccountName(name, 'group');
  const { files } = accounts;
  const exists = accounts.gid(name) !== undefined;
  if (group['shouldExist'] === false) {
    if (exists) removeGroup(name, accounts);
    return;
  }
  if (exists) throw new CoppiceError('Exists', `group '${name}' already exists`);
  const given = maybeInt(group, 'gid');
  const gid = given === undefined ? accounts.freeId('gid', isTrue(group, 'system')) : Number(given);
  if (given !== undefined && accounts.gid(String(gid)) !== undefined)
    throw new CoppiceError('Exists', `GID '${gid}' already exists`);
  const password = text(group, 'passwordHash') === '' ? '*' : checkField(text(group, 'passwordHash'), 'password hash');
  files.ensure('group');
  addGroupRow(name, gid, password, accounts);
  files.commit();
}

export function addGroupRow(name: string, gid: number, password: string, accounts: Accounts): void {
  const shadowed = accounts.files.has('gshadow');
  accounts.files.put('group', [name, shadowed ? 'x' : password, String(gid), '']);
  accounts.files.put('gshadow', [name, password, '', '']);
}

function removeGroup(name: string, accounts: Accounts): void {
  const gid = accounts.gid(name);
  const user = accounts.files.rows('passwd').find((row) => Number(row[3]) === gid);
  if (user !== undefined) throw new CoppiceError('Conflict', `cannot remove the primary group of user '${user[0]}'`);
  accounts.files.remove('group', name);
  accounts.files.remove('gshadow', name);
  accounts.files.commit();
}
