import { basename, dirname } from 'node:path';
import { readFile } from '@coppice/linux';
import { isDirectory, isLink, isRegular } from '../root.ts';
import type { Accounts, User } from './accounts.ts';

/** The home directory of a new user with the files of the skeleton; an existing one is left alone. */
export function createHome(home: string, uid: number, gid: number, accounts: Accounts): void {
  const { root, defs } = accounts;
  const path = root.resolve(home, true);
  if (root.lstat(path) !== undefined) return;
  root.makeDirectories(dirname(path));
  root.fs.mkdir(root.host(path), 0o700);
  const skeleton = root.resolve(defs.skeleton, true);
  const stat = root.lstat(skeleton);
  if (stat !== undefined && isDirectory(stat)) copyTree(skeleton, path, uid, gid, accounts);
  root.fs.chmod(root.host(path), defs.homeMode);
  root.chown(path, uid, gid);
  root.syncDirectory(dirname(path));
}

function copyTree(from: string, to: string, uid: number, gid: number, accounts: Accounts): void {
  const { root } = accounts;
  for (const name of root.fs.readdir(root.host(from)).sort()) {
    const source = `${from}/${name}`;
    const target = `${to}/${name}`;
    const stat = root.lstat(source)!;
    if (isLink(stat)) root.fs.symlink(root.fs.readlink(root.host(source)), root.host(target));
    else if (isDirectory(stat)) {
      root.fs.mkdir(root.host(target), 0o700);
      copyTree(source, target, uid, gid, accounts);
      root.fs.chmod(root.host(target), stat.mode & 0o7777);
    } else if (isRegular(stat)) {
      root.writeFile(target, readFile(root.host(source), { fs: root.fs }), stat.mode & 0o7777, uid, gid);
      continue;
    } else continue;
    root.chown(target, uid, gid);
  }
}

/** An empty mailbox, where the tree has a place for it. */
export function createMailSpool(name: string, uid: number, gid: number, accounts: Accounts): void {
  const { root, defs } = accounts;
  if (!defs.createMailSpool) return;
  const path = root.resolve(`${defs.mailDir}/${name}`);
  if (root.lstat(dirname(path)) === undefined || root.lstat(path) !== undefined) return;
  const mail = accounts.gid('mail');
  root.writeFile(path, new Uint8Array(), mail === undefined ? 0o600 : 0o660, uid, mail ?? gid);
}

/** usermod --move-home: the old directory under the new name, when there is one and the new name is free. */
export function moveHome(from: string, to: string, accounts: Accounts): void {
  const { root } = accounts;
  const source = root.resolve(from, true);
  const target = root.resolve(to);
  const stat = root.lstat(source);
  if (stat === undefined || !isDirectory(stat) || root.lstat(target) !== undefined) return;
  root.makeDirectories(dirname(target));
  root.fs.rename(root.host(source), root.host(target));
}

/** userdel --remove: mailbox and home directory, the latter only when it is the user's. */
export function removeHome(user: User, accounts: Accounts): void {
  const { root, defs } = accounts;
  const mailbox = root.resolve(`${defs.mailDir}/${user.name}`);
  if (basename(mailbox) === user.name && root.lstat(mailbox)?.uid === user.uid) root.remove(mailbox);
  const home = root.resolve(user.home, true);
  const stat = root.lstat(home);
  if (home !== '/' && stat !== undefined && isDirectory(stat) && stat.uid === user.uid) root.remove(home);
}
