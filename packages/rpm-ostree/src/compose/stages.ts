// The stages of a compose one at a time, with the tree as a plain directory between them: packages into a directory, a
// directory into an image, a directory into a commit. Directories keep owners only when root writes them.
import { existsSync, mkdirSync, mkdtempSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { VariantDict } from '@coppice/gvariant';
import { removeTree } from '@coppice/linux';
import { checkout, MutableTree, Repo, type Transaction } from '@coppice/ostree';
import { relabelTree } from '../assemble/relabel.ts';
import { packageListOfTree } from '../rpmdb.ts';
import { TreeDirectory } from '../tree/directory.ts';
import { ImageTree, S_IFLNK, S_IFMT } from '../tree/image-tree.ts';
import { type ComposeOptions, commitMetadata, finishTree, importAll, mergePackages } from './compose.ts';

const isRoot = (): boolean => process.getuid?.() === 0;

/** A repository for the time of `body`. */
async function withScratchRepo<T>(
  options: Pick<ComposeOptions, 'env'>,
  body: (repo: Repo, dir: string) => Promise<T>,
): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'rpm-ostree-stage-'));
  try {
    const mode = isRoot() ? 'bare' : 'bare-user';
    return await body(Repo.create(join(dir, 'repo'), { mode, env: options.env ?? process.env }), dir);
  } finally {
    removeTree(dir);
  }
}

function readDirectory(repo: Repo, path: string): ImageTree {
  const stored = repo.transaction((txn) => {
    const tree = new MutableTree();
    txn.writeDirectory(path, tree, isRoot() ? {} : { canonicalPermissions: true });
    return txn.writeTree(tree);
  });
  return new ImageTree(repo, TreeDirectory.stored(repo, stored.tree, stored.meta));
}

function writeDirectory(txn: Transaction, tree: ImageTree, timestamp: number): string {
  return txn.writeCommit({
    metadata: new VariantDict(),
    parent: undefined,
    subject: '',
    body: '',
    timestamp,
    ...tree.write(txn),
  });
}

/** A commit as a directory; it appears when all of it is there. */
function place(repo: Repo, commit: string, dest: string): void {
  mkdirSync(dirname(dest), { recursive: true });
  const fresh = `${dest}.new-${process.pid}`;
  try {
    checkout(repo, { commit, dest: fresh, mode: isRoot() ? 'none' : 'user', forceCopy: true });
    renameSync(fresh, dest);
  } finally {
    removeTree(fresh);
  }
}

/** Packages and their scripts, and nothing else, into a new directory. Throws what `composeCommit` throws. */
export async function installRoot(options: Omit<ComposeOptions, 'repo'>, dest: string): Promise<void> {
  if (existsSync(dest)) throw new CoppiceError('Exists', `Destination already exists: ${dest}`);
  await withScratchRepo(options, async (repo) => {
    const imported = importAll({ ...options, repo });
    const commit = await repo.transactionAsync(async (txn) => {
      const tree = new ImageTree(repo);
      await mergePackages(txn, tree, { ...options, repo }, imported);
      return writeDirectory(txn, tree, options.timestamp);
    });
    place(repo, commit, dest);
  });
}

/** Gives a directory with installed packages the shape of an image. It is replaced at the end, or stays as it was. */
export async function postprocessRoot(options: Parameters<typeof finishTree>[2], root: string): Promise<void> {
  await withScratchRepo(options, async (repo) => {
    const tree = readDirectory(repo, root);
    const etc = tree.lookup('etc');
    if (etc?.type === 'directory' && tree.lookup('usr/etc') === undefined) {
      tree.remove('etc');
      tree.ensureDir('usr').setDir('etc', etc.dir);
    }
    const commit = await repo.transactionAsync(async (txn) => {
      await finishTree(txn, tree, options);
      return writeDirectory(txn, tree, options.timestamp);
    });
    const fresh = `${root}.done-${process.pid}`;
    const old = `${root}.old-${process.pid}`;
    place(repo, commit, fresh);
    renameSync(root, old);
    renameSync(fresh, root);
    removeTree(old);
  });
}

function kernelOf(tree: ImageTree): string | undefined {
  const modules = tree.lookup('usr/lib/modules');
  if (modules?.type !== 'directory') return undefined;
  return [...modules.dir.dirs].find(([, dir]) => dir.files.has('vmlinuz'))?.[0];
}

/** A root as containers have it, made one that libostree deploys: /etc in /usr, nothing where file systems are mounted. */
function fromContainer(tree: ImageTree): void {
  for (const [name, checksum] of tree.root.files)
    if ((tree.header(checksum).header.mode & S_IFMT) !== S_IFLNK)
      throw new CoppiceError('Unsupported', `Unsupported regular file ${name} at toplevel`);
  if (tree.lookup('etc') !== undefined) {
    if (tree.lookup('usr/etc') !== undefined) throw new CoppiceError('Conflict', 'Found both /etc and /usr/etc');
    tree.move('etc', 'usr/etc');
  }
  for (const name of ['run', 'tmp', 'proc', 'sys', 'dev', 'sysroot']) {
    const there = tree.lookup(name);
    if (there?.type !== 'directory') continue;
    for (const child of [...there.dir.files.keys(), ...there.dir.dirs.keys()]) there.dir.remove(child);
  }
}

/** Commits a postprocessed directory (or tree in the repository); with `container`, one as containers have it. */
export async function commitRoot(
  options: Omit<ComposeOptions, 'packages' | 'packageRepo'> & { readonly container?: boolean },
  root: string | ImageTree,
): Promise<string> {
  const { repo, treefile } = options;
  const tree = typeof root === 'string' ? readDirectory(repo, root) : root;
  if (options.container === true) fromContainer(tree);
  const packages = packageListOfTree(tree, options.scratch);
  const ref = options.ref === null ? undefined : (options.ref ?? treefile.ref);
  return await repo.transactionAsync(async (txn) => {
    // A container's /etc is labelled as what it is, before it moves.
    const version = options.container === true ? 1 : treefile.selinuxLabelVersion;
    if (treefile.selinux) relabelTree(txn, tree, undefined, version);
    const commit = txn.writeCommit({
      metadata: commitMetadata(options, packages, kernelOf(tree)),
      parent: options.parent,
      subject: options.subject ?? '',
      body: '',
      timestamp: options.timestamp,
      ...tree.write(txn),
    });
    if (ref !== undefined) txn.setRef(ref, commit);
    return commit;
  });
}
