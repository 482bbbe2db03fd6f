// Programs that finish a tree from outside: those of `finalize.d` beside a treefile run on this machine, with the tree as a
// directory to work in.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, lstatSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { removeTree } from '@coppice/linux';
import type { Transaction } from '@coppice/ostree';
import { checkoutTree, ownersOnDisk } from '../tree/checkout-tree.ts';
import type { TreeDirectory } from '../tree/directory.ts';
import { type ImageTree, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../tree/image-tree.ts';

export interface FinalizeOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fs: FileSystem;
  readonly scratch: string;
}

/** Executable files of the directories, each directory's by name. */
function programsIn(dirs: readonly string[]): string[] {
  return dirs.flatMap((dir) =>
    readdirSync(dir)
      .sort()
      .map((name) => join(dir, name))
      .filter((path) => {
        try {
          accessSync(path, constants.X_OK);
          return lstatSync(path).isDirectory() === false;
        } catch {
          return false;
        }
      }),
  );
}

/** Tells an untouched file from a changed one. */
const stampOf = (path: string): string => {
  const { ino, ctimeNs, size } = lstatSync(path, { bigint: true });
  return `${ino}:${ctimeNs}:${size}`;
};

class DiskTree {
  readonly #txn: Transaction;
  readonly #tree: ImageTree;
  readonly #root: string;
  readonly #owners: boolean;
  readonly #stamps = new Map<string, string>();

  constructor(txn: Transaction, tree: ImageTree, root: string, owners: boolean) {
    this.#txn = txn;
    this.#tree = tree;
    this.#root = root;
    this.#owners = owners;
    for (const { path } of tree.walk()) this.#stamps.set(path, stampOf(join(root, path)));
  }

  #owner(path: string): { readonly uid: number; readonly gid: number } {
    if (!this.#owners) return { uid: 0, gid: 0 };
    const { uid, gid } = lstatSync(path);
    return { uid, gid };
  }

  /** Takes what changed on the disk into the tree. */
  collect(dir: TreeDirectory = this.#tree.root, at = ''): void {
    const names = new Set(readdirSync(join(this.#root, at)));
    for (const name of [...dir.files.keys(), ...dir.dirs.keys()]) if (!names.has(name)) dir.remove(name);
    for (const name of names) {
      const path = at === '' ? name : `${at}/${name}`;
      const full = join(this.#root, path);
      const stat = lstatSync(full);
      const same = this.#stamps.get(path) === stampOf(full);
      if (stat.isDirectory()) {
        if (!dir.dirs.has(name)) dir.remove(name);
        const child = dir.ensureDir(name);
        if (!same) {
          const { xattrs } = child.meta;
          child.meta = { ...this.#owner(full), mode: S_IFDIR | (stat.mode & 0o7777), xattrs };
        }
        this.collect(child, path);
      } else if (!same) this.#file(dir, name, full, stat.mode);
    }
  }

  #file(dir: TreeDirectory, name: string, full: string, mode: number): void {
    const type = mode & S_IFMT;
    if (type !== S_IFREG && type !== S_IFLNK) throw new CoppiceError('Unsupported', `Unhandled file type: ${full}`);
    if (dir.dirs.has(name)) dir.remove(name);
    const link = type === S_IFLNK;
    const header = {
      ...this.#owner(full),
      mode: link ? S_IFLNK | 0o777 : S_IFREG | (mode & 0o7777),
      symlinkTarget: link ? readlinkSync(full) : '',
      xattrs: [],
    };
    dir.setFile(name, this.#txn.writeContent(header, link ? new Uint8Array(0) : { path: full }));
  }
}

/** Runs the programs over the tree, one after another. Throws `Process` naming the first that fails. */
export function runFinalize(
  txn: Transaction,
  tree: ImageTree,
  dirs: readonly string[],
  options: FinalizeOptions,
): void {
  const programs = programsIn(dirs);
  if (programs.length === 0) return;
  const root = join(options.scratch, 'finalize');
  mkdirSync(options.scratch, { recursive: true });
  const owners = ownersOnDisk(tree.repo);
  checkoutTree(tree, root, { owners, copy: true });
  const disk = new DiskTree(txn, tree, root, owners);
  for (const program of programs) {
    const env = { ...options.env, RPMOSTREE_WORKDIR: dirname(dirname(program)) };
    const done = spawnSync(program, [], { cwd: root, env, encoding: 'utf8', maxBuffer: 1 << 26 });
    const why = done.error?.message ?? (done.status === 0 ? undefined : `exited with ${done.status ?? done.signal}`);
    if (why !== undefined)
      throw new CoppiceError('Process', `Running finalize.d: Failed to execute ${basename(program)}: ${why}`, {
        data: { output: `${done.stdout ?? ''}${done.stderr ?? ''}`.slice(-4096) },
      });
  }
  disk.collect();
  removeTree(root, options.fs);
}
