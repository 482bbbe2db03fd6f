// What scripts changed: the upper directories of the overlays become edits of the tree.
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { FileSystem } from '@coppice/base/fs';
import type { Transaction, Xattr } from '@coppice/ostree';
import { type ImageTree, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../tree/image-tree.ts';

export interface CollectOptions {
  readonly fs: FileSystem;
  /** Without root every file belongs to root in the tree; with it, to whom it belongs on disk. */
  readonly keepOwners: boolean;
  readonly label?: (path: string, mode: number) => string | undefined;
}

const S_IFCHR = 0o020000;
const overlayPrefixes = ['trusted.overlay.', 'user.overlay.'];

function attributes(path: string, options: CollectOptions, treePath: string, mode: number): Xattr[] {
  const out: Xattr[] = [];
  for (const name of options.fs.listxattr(path)) {
    if (name !== 'security.capability' && !name.startsWith('user.')) continue;
    if (overlayPrefixes.some((p) => name.startsWith(p))) continue;
    const value = options.fs.getxattr(path, name);
    if (value !== undefined) out.push({ name, value });
  }
  const context = options.label?.(`/${treePath}`, mode);
  if (context !== undefined) out.push({ name: 'security.selinux', value: Buffer.from(`${context}\0`) });
  return out;
}

function isOpaque(path: string, fs: FileSystem): boolean {
  return overlayPrefixes.some((p) => fs.getxattr(path, `${p}opaque`)?.toString() === 'y');
}

/** Applies the changes below `upper` to `path` of the tree. Sockets, pipes and devices are dropped. Returns paths touched. */
export function collectChanges(
  txn: Transaction,
  tree: ImageTree,
  upper: string,
  path: string,
  options: CollectOptions,
): string[] {
  const touched: string[] = [];
  const visit = (dir: string, treePath: string): void => {
    for (const name of readdirSync(dir)) {
      const from = join(dir, name);
      const to = `${treePath}/${name}`;
      const stat = lstatSync(from);
      const type = stat.mode & S_IFMT;
      const owner = options.keepOwners ? { uid: stat.uid, gid: stat.gid } : { uid: 0, gid: 0 };
      if (type === S_IFCHR) {
        if (stat.rdev === 0 && tree.remove(to)) touched.push(to);
        continue;
      }
      if (type === S_IFDIR) {
        const known = tree.lookup(to);
        if (known?.type === 'file' || (known !== undefined && isOpaque(from, options.fs))) tree.remove(to);
        const dirNode = tree.ensureDir(to);
        const mode = S_IFDIR | (stat.mode & 0o7777);
        // Without root an overlay copies directories up as ours: only directories that are new take their mode from disk.
        if (known?.type !== 'directory') dirNode.meta = { ...owner, mode, xattrs: attributes(from, options, to, mode) };
        else if (
          options.keepOwners &&
          (dirNode.meta.mode !== mode || dirNode.meta.uid !== owner.uid || dirNode.meta.gid !== owner.gid)
        )
          dirNode.meta = { ...dirNode.meta, ...owner, mode };
        visit(from, to);
        continue;
      }
      if (type !== S_IFREG && type !== S_IFLNK) continue;
      if (tree.lookup(to)?.type === 'directory') tree.remove(to);
      if (type === S_IFLNK)
        tree.writeSymlink(txn, to, readlinkSync(from), { ...owner, xattrs: attributes(from, options, to, stat.mode) });
      else
        tree.writeFile(
          txn,
          to,
          { path: from },
          { ...owner, mode: stat.mode & 0o7777, xattrs: attributes(from, options, to, stat.mode) },
        );
      touched.push(to);
    }
  };
  visit(upper, path);
  return touched;
}
