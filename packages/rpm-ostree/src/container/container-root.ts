// A commit as a directory such as its container image unpacks to: the root file system, and below sysroot/ostree/repo the
// repository of mode bare-split-xattrs, whose objects are the files.
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { TarMember } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import type { Repo } from '@coppice/ostree';
import { ImageTree } from '../tree/image-tree.ts';
import { structure } from './chunks.ts';
import { ObjectLayer } from './object-layer.ts';

const isRoot = (): boolean => process.getuid?.() === 0;

function writeContent(path: string, member: TarMember): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    for (const chunk of member.content ?? []) for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
  } finally {
    closeSync(fd);
  }
}

/** Makes one member below `root`. Modes of directories come after everything is in them. */
function place(root: string, member: TarMember, modes: Map<string, number>): void {
  const path = join(root, member.path);
  mkdirSync(dirname(path), { recursive: true });
  switch (member.type) {
    case 'directory':
      mkdirSync(path, { recursive: true });
      if (isRoot()) chownSync(path, member.uid, member.gid);
      modes.set(path, member.mode);
      return;
    case 'symlink':
      symlinkSync(member.linkTarget, path);
      if (isRoot()) lchownSync(path, member.uid, member.gid);
      return;
    case 'hardlink':
      linkSync(join(root, member.linkTarget), path);
      return;
    default:
      writeContent(path, member);
      if (isRoot()) chownSync(path, member.uid, member.gid);
      chmodSync(path, member.mode);
  }
}

function* everything(repo: Repo, commit: string, tree: ImageTree): Generator<TarMember> {
  yield* structure(repo, commit, tree);
  const paths = new Map<string, string[]>();
  for (const { path, node } of tree.walk()) {
    if (node.type !== 'file') continue;
    const there = paths.get(node.checksum);
    if (there === undefined) paths.set(node.checksum, [path]);
    else there.push(path);
  }
  const layer = new ObjectLayer(repo);
  for (const [checksum, at] of [...paths].sort(([a], [b]) => (a < b ? -1 : 1))) yield* layer.file(checksum, at);
}

/** Unpacks a commit to `dest`, which must not be there; it appears when all of it is. Owners are kept by root only. Throws `Exists`. */
export function writeContainerRoot(repo: Repo, commit: string, dest: string): void {
  if (existsSync(dest)) throw new CoppiceError('Exists', `${dest}: File exists`);
  const fresh = `${dest}.new-${process.pid}`;
  const tree = ImageTree.fromCommit(repo, commit);
  try {
    mkdirSync(fresh, { mode: 0o755 });
    const modes = new Map<string, number>();
    for (const member of everything(repo, commit, tree)) place(fresh, member, modes);
    for (const [path, mode] of [...modes].reverse()) chmodSync(path, mode);
    renameSync(fresh, dest);
  } catch (error) {
    removeTree(fresh);
    throw error;
  }
}
