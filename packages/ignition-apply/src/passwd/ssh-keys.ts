import { dirname } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { FileStat } from '@coppice/base/fs';
import { isDirectory, isRegular } from '../root.ts';
import type { Accounts, User } from './accounts.ts';

/**
 * Keys go to a file of their own below ~/.ssh, owned by the user and readable by nobody else. The original writes it as the
 * user: a home directory that is missing is made only where the user may, and what is there must let the user in.
 */
export function authorizeKeys(name: string, keys: readonly string[], accounts: Accounts): void {
  if (keys.length === 0) return;
  const { root } = accounts;
  const user = accounts.user(name)!;
  const shown = `${user.home}/.ssh/authorized_keys.d/ignition`;
  const path = root.resolve(shown);
  makeDirectoriesAs(user, dirname(path), shown, accounts);
  const joined = keys.join('\n');
  const content = new TextEncoder().encode(joined.endsWith('\n') ? joined : `${joined}\n`);
  const present = root.lstat(path);
  if (present !== undefined && isRegular(present)) {
    if (!may(accounts, user, present, 2)) throw denied(`opening file ${JSON.stringify(shown)}`);
    root.rewriteFile(path, content, present);
  } else {
    if (!may(accounts, user, root.lstat(dirname(path))!, 3)) throw denied(`opening file ${JSON.stringify(shown)}`);
    root.writeFile(path, content, 0o600, user.uid, user.gid);
  }
  root.syncDirectory(dirname(path));
}

function makeDirectoriesAs(user: User, path: string, shown: string, accounts: Accounts): void {
  const { root } = accounts;
  const stat = root.lstat(path);
  if (stat !== undefined) {
    if (!isDirectory(stat)) throw new CoppiceError('Conflict', `${path}: not a directory`);
    for (let dir = path; ; dir = dirname(dir)) {
      if (!may(accounts, user, root.lstat(dir)!, 1)) throw denied(`creating parent dirs for ${JSON.stringify(shown)}`);
      if (dir === '/') return;
    }
  }
  const parent = dirname(path);
  makeDirectoriesAs(user, parent, shown, accounts);
  if (!may(accounts, user, root.lstat(parent)!, 3)) throw denied(`creating parent dirs for ${JSON.stringify(shown)}`);
  root.fs.mkdir(root.host(path), 0o700);
  root.chown(path, user.uid, user.gid);
}

/** Whether the mode gives the user the rights (1 search, 2 write); the original drops all but the user's own group. */
function may({ root }: Accounts, user: User, stat: FileStat, rights: number): boolean {
  if (user.uid === 0 || !root.owners) return true;
  const shift = stat.uid === user.uid ? 6 : stat.gid === user.gid ? 3 : 0;
  return ((stat.mode >> shift) & rights) === rights;
}

function denied(context: string): CoppiceError {
  return new CoppiceError('Permission', `failed to set SSH key: ${context}: permission denied`);
}
