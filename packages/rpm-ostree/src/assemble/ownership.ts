// Owners, modes and capabilities of a package's files: an imported package has everything as root's, the names in its header
// are looked up in the tree once its users exist.
import { CoppiceError } from '@coppice/base';
import type { Transaction } from '@coppice/ostree';
import { FileFlag } from '@coppice/rpm';
import type { ImportedPackage } from '../import/package-commit.ts';
import { parseGroup, parsePasswd } from '../passwd.ts';
import { type ImageTree, S_IFDIR, S_IFMT } from '../tree/image-tree.ts';
import { imageFiles } from './package-files.ts';

/** Names to numbers, from passwd and group files. */
export class OwnerNames {
  readonly #users = new Map<string, number>([['root', 0]]);
  readonly #groups = new Map<string, number>([['root', 0]]);

  /** Later texts do not replace what earlier ones say. */
  add(passwd: string | undefined, group: string | undefined): void {
    for (const e of parsePasswd(passwd ?? '')) if (!this.#users.has(e.name)) this.#users.set(e.name, e.uid);
    for (const e of parseGroup(group ?? '')) if (!this.#groups.has(e.name)) this.#groups.set(e.name, e.gid);
  }

  hasUser(name: string): boolean {
    return this.#users.has(name);
  }

  hasGroup(name: string): boolean {
    return this.#groups.has(name);
  }

  uid(name: string): number {
    const id = this.#users.get(name);
    if (id === undefined) throw new CoppiceError('NotFound', `Could not find user '${name}' in passwd file`);
    return id;
  }

  gid(name: string): number {
    const id = this.#groups.get(name);
    if (id === undefined) throw new CoppiceError('NotFound', `Could not find group '${name}' in group file`);
    return id;
  }
}

/** The names a tree knows: /etc and /usr/lib files of the image. */
export function ownersOfTree(tree: ImageTree): OwnerNames {
  const names = new OwnerNames();
  for (const dir of ['usr/etc', 'usr/lib']) names.add(tree.readText(`${dir}/passwd`), tree.readText(`${dir}/group`));
  return names;
}

/** Gives the files of a package their owners in the tree. Throws `NotFound` for a user or group that nobody made. */
export function applyOwnership(txn: Transaction, tree: ImageTree, pkg: ImportedPackage, names: () => OwnerNames): void {
  for (const { path, file } of imageFiles(pkg.header)) {
    if ((file.user === 'root' && file.group === 'root') || (file.flags & FileFlag.ghost) !== 0) continue;
    const at = tree.resolve(path);
    const node = tree.lookup(at);
    if (node === undefined) continue;
    const uid = names().uid(file.user);
    const gid = names().gid(file.group);
    if (node.type === 'directory') {
      if ((file.mode & S_IFMT) !== S_IFDIR) continue;
      node.dir.meta = { ...node.dir.meta, uid, gid, mode: S_IFDIR | (file.mode & 0o7777) };
    } else tree.changeAttributes(txn, at, (header) => ({ ...header, uid, gid }));
  }
}
