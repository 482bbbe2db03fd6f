// The shape of an image's root: fixed directories, links into /var and /usr, and the tmpfiles lines that fill /var at boot.
import type { Transaction } from '@coppice/ostree';
import { TreeDirectory } from '../tree/directory.ts';
import { type ImageTree, S_IFDIR } from '../tree/image-tree.ts';

export interface LayoutOptions {
  readonly tmpIsDir: boolean;
  readonly optUsrlocal: 'var' | 'root' | 'state-overlay';
}

const rootDirs = ['boot', 'dev', 'proc', 'run', 'sys', 'var', 'sysroot'];
const links: readonly [string, string][] = [
  ['home', 'var/home'],
  ['root', 'var/roothome'],
  ['srv', 'var/srv'],
  ['mnt', 'var/mnt'],
  ['media', 'run/media'],
  ['ostree', 'sysroot/ostree'],
];
const merged = ['bin', 'sbin', 'lib', 'lib64'];

const integration = `# Directories and links that an image expects in /var and /run.
d /var/log 0755 root root -
d /var/home 0755 root root -
d /run/media 0755 root root -
d /var/srv 0755 root root -
d /var/roothome 0700 root root -
d /var/mnt 0755 root root -
L /var/lib/rpm - - - - ../../usr/share/rpm
`;

const optIntegration = `d /var/opt 0755 root root -
d /var/usrlocal 0755 root root -
d /var/usrlocal/bin 0755 root root -
d /var/usrlocal/etc 0755 root root -
d /var/usrlocal/games 0755 root root -
d /var/usrlocal/include 0755 root root -
d /var/usrlocal/lib 0755 root root -
d /var/usrlocal/man 0755 root root -
d /var/usrlocal/sbin 0755 root root -
d /var/usrlocal/share 0755 root root -
d /var/usrlocal/src 0755 root root -
`;

/** What /usr/lib/tmpfiles.d gets for the links of the root. */
export function integrationFiles(options: LayoutOptions): { readonly path: string; readonly text: string }[] {
  const out = [{ path: 'usr/lib/tmpfiles.d/rpm-ostree-0-integration.conf', text: integration }];
  if (options.optUsrlocal === 'var')
    out.push({ path: 'usr/lib/tmpfiles.d/rpm-ostree-0-integration-opt-usrlocal.conf', text: optIntegration });
  return out;
}

/** Moves what packages put into real /bin, /lib ... to /usr and makes links of them. */
function mergeUsr(txn: Transaction, tree: ImageTree): void {
  for (const name of merged) {
    const node = tree.lookup(name);
    if (node?.type === 'directory') {
      moveInto(tree, node.dir, `usr/${name}`);
      tree.remove(name);
    }
    if (tree.lookup(name) === undefined && tree.lookup(`usr/${name}`) !== undefined)
      tree.writeSymlink(txn, name, `usr/${name}`);
  }
}

function moveInto(tree: ImageTree, dir: TreeDirectory, target: string): void {
  const to = tree.ensureDir(target, dir.meta);
  for (const [name, checksum] of dir.files) if (!to.files.has(name)) to.setFile(name, checksum);
  for (const [name, child] of dir.dirs) {
    if (to.dirs.has(name)) moveInto(tree, child, `${target}/${name}`);
    else to.setDir(name, child);
  }
}

/** /opt and /usr/local keep what packages brought, and what a node adds lies over it at boot. */
function overlayState(txn: Transaction, tree: ImageTree): void {
  tree.remove('opt');
  tree.ensureDir('usr/lib/opt');
  tree.writeSymlink(txn, 'opt', 'usr/lib/opt');
  if (tree.lookup('usr/local')?.type !== 'directory') tree.remove('usr/local');
  tree.ensureDir('usr/local');
  for (const name of ['usr-lib-opt', 'usr-local'])
    tree.writeSymlink(
      txn,
      `usr/lib/systemd/system/local-fs.target.requires/ostree-state-overlay@${name}.service`,
      '../ostree-state-overlay@.service',
    );
}

/** Gives a tree of merged packages the root of an image. What packages left in /var goes. */
export function layoutRoot(txn: Transaction, tree: ImageTree, options: LayoutOptions): void {
  mergeUsr(txn, tree);
  tree.remove('var');
  tree.remove('run');
  for (const name of rootDirs) {
    tree.remove(name);
    tree.ensureDir(name);
  }
  for (const [name, target] of links) {
    tree.remove(name);
    tree.writeSymlink(txn, name, target);
  }
  tree.remove('tmp');
  if (options.tmpIsDir)
    tree.root.setDir('tmp', TreeDirectory.fresh(tree.repo, { uid: 0, gid: 0, mode: S_IFDIR | 0o1777, xattrs: [] }));
  else tree.writeSymlink(txn, 'tmp', 'sysroot/tmp');
  if (options.optUsrlocal === 'var') {
    tree.remove('opt');
    tree.writeSymlink(txn, 'opt', 'var/opt');
    tree.remove('usr/local');
    tree.writeSymlink(txn, 'usr/local', '../var/usrlocal');
  } else if (options.optUsrlocal === 'root') {
    tree.ensureDir('opt');
    tree.ensureDir('usr/local');
  } else overlayState(txn, tree);
  for (const { path, text } of integrationFiles(options)) tree.writeFile(txn, path, text);
}
