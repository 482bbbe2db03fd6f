// What turns merged packages into the tree of an image: users, configuration, units, kernel, package database in its place.
import { CoppiceError } from '@coppice/base';
import type { Transaction } from '@coppice/ostree';
import { placeKernel, type TreeKernel } from '../assemble/kernel.ts';
import { mutateOsRelease, parseOsRelease } from '../os-release.ts';
import { addAltfiles, splitGroup, splitPasswd } from '../passwd.ts';
import { baseDatabasePath, databasePath } from '../rpmdb.ts';
import type { ImageTree } from '../tree/image-tree.ts';
import type { Treefile } from '../treefile/treefile.ts';

/** Users of the distribution move to /usr/lib, where they can be updated; root and chosen groups stay in /etc. */
function splitUsers(txn: Transaction, tree: ImageTree, treefile: Treefile): void {
  const passwd = tree.readText('usr/etc/passwd');
  const group = tree.readText('usr/etc/group');
  if (passwd === undefined || group === undefined || tree.lookup('usr/lib/passwd') !== undefined) return;
  const users = splitPasswd(passwd);
  const groups = splitGroup(group, treefile.etcGroupMembers);
  tree.writeFile(txn, 'usr/etc/passwd', users.etc);
  tree.writeFile(txn, 'usr/lib/passwd', users.lib);
  tree.writeFile(txn, 'usr/etc/group', groups.etc);
  tree.writeFile(txn, 'usr/lib/group', groups.lib);
  const nsswitch = tree.readText('usr/etc/nsswitch.conf');
  if (nsswitch !== undefined) tree.writeFile(txn, 'usr/etc/nsswitch.conf', addAltfiles(nsswitch));
}

function linkUnits(txn: Transaction, tree: ImageTree, treefile: Treefile): void {
  for (const unit of treefile.units) {
    const wants = 'usr/etc/systemd/system/multi-user.target.wants';
    tree.ensureDir(wants);
    if (tree.lookup(`${wants}/${unit}`) === undefined)
      tree.writeSymlink(txn, `${wants}/${unit}`, `/usr/lib/systemd/system/${unit}`);
  }
  if (treefile.defaultTarget !== undefined) {
    const path = 'usr/lib/systemd/system/default.target';
    tree.remove(path);
    tree.writeSymlink(txn, path, treefile.defaultTarget);
  }
}

/** /usr/share/rpm holds the database; other places are links; a copy stays for layering. */
export function placeDatabase(txn: Transaction, tree: ImageTree): void {
  const database = tree.lookup(`${databasePath}/rpmdb.sqlite`);
  if (database?.type !== 'file') throw new CoppiceError('NotFound', 'No package database in the tree');
  tree.remove('usr/lib/sysimage/rpm');
  tree.writeSymlink(txn, 'usr/lib/sysimage/rpm', '../../share/rpm');
  tree.setFile(`${baseDatabasePath}/rpmdb.sqlite`, database.checksum);
  tree.writeFile(txn, 'usr/lib/rpm/macros.d/macros.rpm-ostree', '%_dbpath /usr/share/rpm\n');
}

function releaseText(txn: Transaction, tree: ImageTree, treefile: Treefile, version: string | undefined): void {
  const base = treefile.mutateOsRelease;
  if (base === undefined) return;
  if (version === undefined)
    throw new CoppiceError('Invalid', 'mutate-os-release specified, but no automatic-version-prefix or version');
  const path = ['usr/lib/os-release', 'usr/etc/os-release'].find((p) => tree.readText(p) !== undefined);
  if (path === undefined) return;
  const text = tree.readText(path)!;
  if (parseOsRelease(text).size > 0) tree.writeFile(txn, path, mutateOsRelease(text, base, version));
}

function useradd(txn: Transaction, tree: ImageTree): void {
  const path = 'usr/etc/default/useradd';
  const text = tree.readText(path);
  if (text !== undefined) tree.writeFile(txn, path, text.replace(/^HOME=\/home$/m, 'HOME=/var/home'));
}

/** Where an image has directories elsewhere, for those who label files. */
const substitutions: readonly (readonly [string, string])[] = [
  ['/home', '/var/home'],
  ['/usr/etc', '/etc'],
  ['/usr/lib/opt', '/opt'],
];

/** Adds the image's places to the policy's substitutions; a rule for /var/home, which then would turn in a circle, becomes a comment. */
function substitutePaths(txn: Transaction, tree: ImageTree): void {
  const policies = tree.lookup('usr/etc/selinux');
  if (policies?.type !== 'directory') return;
  for (const name of policies.dir.dirs.keys()) {
    const path = `usr/etc/selinux/${name}/contexts/files/file_contexts.subs_dist`;
    const text = tree.readText(path);
    if (text === undefined) continue;
    const lines = text.split('\n').map((line) => (/^\/var\/home\s/.test(line) ? `# ${line}` : line));
    if (lines.at(-1) === '') lines.pop();
    for (const [from, to] of substitutions) {
      const there = lines.some((line) => line.split(/\s+/)[0] === from);
      if (!there) lines.push(`${from} ${to}`);
    }
    tree.writeFile(txn, path, `${lines.join('\n')}\n`);
  }
}

/** `remove-files`: a leading slash is dropped; directories go with all they hold. */
export function removeFiles(tree: ImageTree, paths: readonly string[]): void {
  for (const written of paths) {
    const path = written.replace(/^\/+/, '');
    tree.remove(/^etc(\/|$)/.test(path) ? `usr/${path}` : path);
  }
}

/** Edits the tree as the treefile says, after scripts ran and before it is committed. */
export function postprocessTree(
  txn: Transaction,
  tree: ImageTree,
  treefile: Treefile,
  version: string | undefined,
): TreeKernel | undefined {
  splitUsers(txn, tree, treefile);
  useradd(txn, tree);
  substitutePaths(txn, tree);
  if (treefile.machineidCompat) {
    if (tree.lookup('usr/etc/machine-id') === undefined) tree.writeFile(txn, 'usr/etc/machine-id', '', { mode: 0o444 });
  } else tree.remove('usr/etc/machine-id');
  linkUnits(txn, tree, treefile);
  releaseText(txn, tree, treefile, version);
  removeFiles(tree, treefile.removeFiles);
  return treefile.container ? undefined : placeKernel(txn, tree);
}
