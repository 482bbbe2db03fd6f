// Packages in the root file system that this runs in, a container image of a system: what a container file asks for on top of
// its base. Files and scripts of the packages make a new tree first; what of it differs goes to the disk then, file by file.
import {
  closeSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { CoppiceError, type Progress } from '@coppice/base';
import { hostFs, removeTree } from '@coppice/linux';
import { MutableTree, Repo, type Xattr } from '@coppice/ostree';
import type { Header } from '@coppice/rpm';
import { layerPackages } from '../assemble/layer.ts';
import { importAll } from '../compose/compose.ts';
import type { Nevra } from '../nevra.ts';
import { TreeDatabase } from '../rpmdb.ts';
import { TreeDirectory } from '../tree/directory.ts';
import { ImageTree, S_IFLNK, S_IFMT, type TreeNode } from '../tree/image-tree.ts';
import { typeTreefile } from '../treefile/treefile.ts';

export interface RootChange {
  /** Files of the packages to add. */
  readonly add: readonly string[];
  readonly gone: readonly Nevra[];
}

export interface ChangeRootOptions {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Seconds since the epoch, for the package database. */
  readonly installTime: number;
  readonly progress: Progress;
  /** Decides what is to be done, from the packages that are there; undefined for nothing. */
  readonly choose: (installed: readonly Header[]) => Promise<RootChange | undefined>;
}

/** The system in a root: /usr, /etc, and the links beside them. State and mounts are nobody's packages. */
function readRoot(repo: Repo, root: string): ImageTree {
  const stored = repo.transaction((txn) => {
    const tree = new MutableTree();
    txn.writeDirectory(root, tree, {
      filter(path, { mode }) {
        const [, top, below] = path.split('/');
        if (top === '' || top === undefined || top === 'usr' || top === 'etc') return 'allow';
        return below === undefined && (mode & S_IFMT) === S_IFLNK ? 'allow' : 'skip';
      },
    });
    return txn.writeTree(tree);
  });
  const tree = new ImageTree(repo, TreeDirectory.stored(repo, stored.tree, stored.meta));
  if (tree.lookup('usr/etc') !== undefined) throw new CoppiceError('Conflict', 'Found both /etc and /usr/etc');
  if (tree.lookup('etc') !== undefined) tree.move('etc', 'usr/etc');
  return tree;
}

/** Puts the files of a changed tree in the place of those on disk. */
class RootWriter {
  readonly #root: string;
  readonly #tree: ImageTree;

  constructor(root: string, tree: ImageTree) {
    this.#root = root;
    this.#tree = tree;
  }

  #disk(path: string): string {
    return join(this.#root, path.replace(/^usr\/etc(?=\/|$)/, 'etc'));
  }

  #finish(path: string, meta: { uid: number; gid: number; mode: number; xattrs: readonly Xattr[] }): void {
    const link = (meta.mode & S_IFMT) === S_IFLNK;
    lchownSync(path, meta.uid, meta.gid);
    // Labels are those of whoever runs the build.
    for (const { name, value } of meta.xattrs)
      if (name !== 'security.selinux') hostFs.setxattr(path, name, Buffer.from(value));
    if (!link) hostFs.chmod(path, meta.mode & 0o7777);
  }

  #file(path: string, checksum: string): void {
    const { header } = this.#tree.header(checksum);
    const target = this.#disk(path);
    const fresh = `${target}.rpmostree-new`;
    rmSync(fresh, { force: true });
    if ((header.mode & S_IFMT) === S_IFLNK) symlinkSync(header.symlinkTarget, fresh);
    else {
      const fd = openSync(fresh, 'wx', 0o600);
      try {
        for (const chunk of this.#tree.repo.loadFile(checksum).read())
          for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
      } finally {
        closeSync(fd);
      }
    }
    this.#finish(fresh, header);
    renameSync(fresh, target);
  }

  /** `before` is what the disk has. */
  write(before: ImageTree): void {
    const key = (node: TreeNode): string =>
      node.type === 'file'
        ? node.checksum
        : JSON.stringify(node.dir.meta, (_, v) => (v instanceof Uint8Array ? Buffer.from(v).toString('hex') : v));
    const entries = (tree: ImageTree): Map<string, TreeNode> =>
      new Map([...tree.walk('usr')].map(({ path, node }) => [path, node]));
    const [old, now] = [entries(before), entries(this.#tree)];
    for (const path of [...old.keys()].sort().reverse())
      if (now.get(path)?.type !== old.get(path)!.type) rmSync(this.#disk(path), { recursive: true, force: true });
    for (const [path, node] of [...now].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const there = old.get(path);
      if (there?.type === node.type && key(there) === key(node)) continue;
      if (node.type === 'file') this.#file(path, node.checksum);
      else {
        mkdirSync(this.#disk(path), { recursive: true });
        this.#finish(this.#disk(path), node.dir.meta);
      }
    }
  }
}

/** Changes the packages of a root. Throws what choosing, scripts and conflicts of files throw; before that nothing is changed. */
export async function changeRoot(options: ChangeRootOptions): Promise<void> {
  const { root, env, installTime, progress } = options;
  mkdirSync(join(root, 'var/tmp'), { recursive: true });
  const work = mkdtempSync(join(root, 'var/tmp/rpm-ostree-rebuild-'));
  try {
    const repo = Repo.create(join(work, 'repo'), { mode: 'bare', env });
    const tree = readRoot(repo, root);
    const before = new ImageTree(repo, tree.root.copy());
    const taken = TreeDatabase.take(tree, join(work, 'database'));
    const installed = taken?.installed().map((p) => p.header) ?? [];
    taken?.done();
    if (installed.length === 0) throw new CoppiceError('NotFound', 'Failed to find any packages');
    const change = await options.choose(installed);
    if (change === undefined) return;
    const { add, gone } = change;
    const imported = importAll({ repo, packages: add, treefile: typeTreefile({}) });
    const after = await repo.transactionAsync(async (txn) => {
      await layerPackages(txn, tree, {
        add: imported.map((pkg) => ({ pkg })),
        gone,
        installTime,
        relabel: false,
        scratch: join(work, 'layer'),
        env,
        fs: hostFs,
        progress,
      });
      return tree.write(txn);
    });
    const changed = new ImageTree(repo, TreeDirectory.stored(repo, after.tree, after.meta));
    new RootWriter(root, changed).write(before);
  } finally {
    removeTree(work);
  }
}
