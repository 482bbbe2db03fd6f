// A tree in the making on disk, as hard links to the repository's objects: what scripts and tools look at, never write to.
import { constants } from 'node:fs';
import type { Repo } from '@coppice/ostree';
import type { TreeDirectory } from './directory.ts';
import { type ImageTree, S_IFLNK, S_IFMT } from './image-tree.ts';

export interface CheckoutTreeOptions {
  /** Entries that are the same in this tree are left out. */
  readonly without?: ImageTree;
  /** Give files and directories their owners; needs root. */
  readonly owners?: boolean;
  /** Files of their own instead of hard links to objects: for those who change them. */
  readonly copy?: boolean;
}

/** Whether files on disk have the owners of the tree: only with root and a repository that keeps them on its objects. */
export function ownersOnDisk(repo: Repo): boolean {
  return process.getuid?.() === 0 && repo.mode === 'bare';
}

interface Work {
  readonly repo: Repo;
  readonly tree: ImageTree;
  readonly owners: boolean;
  readonly copy: boolean;
}

function copyFile(work: Work, checksum: string, to: string): void {
  const { fs } = work.repo;
  const file = work.repo.loadFile(checksum);
  const fd = fs.open(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    for (const chunk of file.read()) fs.write(fd, chunk, 0, chunk.length, null);
    if (work.owners) fs.fchown(fd, file.header.uid, file.header.gid);
    fs.fchmod(fd, file.header.mode & 0o7777);
    if (work.owners) for (const { name, value } of file.header.xattrs) fs.fsetxattr(fd, name, value);
  } finally {
    fs.close(fd);
  }
}

function placeFile(work: Work, checksum: string, to: string): void {
  const { repo } = work;
  const { header } = work.tree.header(checksum);
  if ((header.mode & S_IFMT) === S_IFLNK) {
    repo.fs.symlink(header.symlinkTarget, to);
    return;
  }
  // Content of an archive is compressed, and an object of a bare-user repository has its owner in an attribute.
  const place =
    !work.copy &&
    (repo.mode === 'bare' || (repo.mode === 'bare-user' && !work.owners) || repo.mode === 'bare-user-only')
      ? repo.findObject('file', checksum)
      : undefined;
  if (place !== undefined) {
    try {
      repo.fs.link(place.path, to);
      return;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'EMLINK' && code !== 'EXDEV' && code !== 'EPERM') throw error;
    }
  }
  copyFile(work, checksum, to);
}

/** True when nothing of `base` is missing from `dir`: what an overlay over `base` needs no deletions for. */
export function onlyAdds(dir: TreeDirectory, base: TreeDirectory): boolean {
  if (dir.stored !== undefined && dir.stored.tree === base.stored?.tree) return true;
  for (const name of base.files.keys()) if (!dir.files.has(name)) return false;
  for (const [name, child] of base.dirs) {
    const mine = dir.dirs.get(name);
    if (mine === undefined || !onlyAdds(mine, child)) return false;
  }
  return true;
}

function place(work: Work, dir: TreeDirectory, base: TreeDirectory | undefined, to: string): void {
  const { fs } = work.repo;
  fs.mkdir(to, 0o700);
  for (const [name, checksum] of dir.files)
    if (base?.files.get(name) !== checksum) placeFile(work, checksum, `${to}/${name}`);
  for (const [name, child] of dir.dirs) {
    const other = base?.dirs.get(name);
    const same = child.stored;
    if (
      same !== undefined &&
      other?.stored !== undefined &&
      same.tree === other.stored.tree &&
      same.meta === other.stored.meta
    )
      continue;
    place(work, child, other, `${to}/${name}`);
  }
  if (work.owners) fs.lchown(to, dir.meta.uid, dir.meta.gid);
  fs.chmod(to, (dir.meta.mode & 0o7777) | 0o700);
}

/** Writes the tree (or `subpath` of it) to `to`, which must not exist. */
export function checkoutTree(tree: ImageTree, to: string, options: CheckoutTreeOptions = {}): void {
  const owners = options.owners ?? ownersOnDisk(tree.repo);
  const work: Work = { repo: tree.repo, tree, owners, copy: options.copy === true };
  place(work, tree.root, options.without?.root, to);
}
