// The composefs image of a commit, as `ostree` makes it for a deployment.

import { CoppiceError } from '@coppice/base';
import { type Commit, type DirMeta, looseName, type Repo, type Tristate } from '@coppice/ostree';
import { encodeComposefs } from './erofs.ts';
import { FsVerity } from './fsverity.ts';
import type { ComposefsDirectory, ComposefsNode } from './tree.ts';

/** Directories that a root needs as mount points; made when the tree lacks them. */
const rootDirectories = ['usr', 'etc', 'boot', 'var', 'sysroot'];

export interface ComposefsOptions {
  /**
   * Digests of files, by which the kernel can check their content: `no` leaves them out, `maybe` has those that the kernel
   * measured when the files were sealed, `yes` (default) all.
   */
  readonly verity?: Tristate;
}

/** Where overlayfs finds content, whatever the mode of the repository. */
const contentPath = (checksum: string): string => looseName(checksum, 'file', 'bare');

/** What the kernel measured; asks no more once it says that the file system has no fs-verity. */
class Measured {
  readonly #repo: Repo;
  #possible: boolean;

  constructor(repo: Repo, wanted: boolean) {
    this.#repo = repo;
    this.#possible = wanted && repo.mode !== 'archive';
  }

  of(checksum: string): Buffer | undefined {
    const found = this.#possible ? this.#repo.findObject('file', checksum) : undefined;
    if (found === undefined) return undefined;
    try {
      return this.#repo.fs.measureVerity(found.path);
    } catch {
      this.#possible = false;
      return undefined;
    }
  }
}

function readFileNode(repo: Repo, checksum: string, verity: Tristate, measured: Measured): ComposefsNode {
  const loaded = repo.loadFile(checksum);
  const { header, size } = loaded;
  const { mode, uid, gid, xattrs } = header;
  if ((mode & 0o170000) === 0o120000) return { type: 'symlink', mode, uid, gid, xattrs, target: header.symlinkTarget };
  const file = { type: 'file', mode, uid, gid, xattrs, size, content: contentPath(checksum) } as const;
  if (size === 0) return file;
  let digest = measured.of(checksum);
  if (digest === undefined && verity === 'yes') {
    const hash = new FsVerity();
    for (const piece of loaded.read()) hash.update(piece);
    digest = hash.digest();
  }
  return digest === undefined ? file : { ...file, digest };
}

/** The image's bytes and its own fs-verity digest, which `ostree.composefs.digest.v0` of a commit holds. */
export function composefsOfTree(
  repo: Repo,
  top: { readonly tree: string; readonly meta: string },
  { verity = 'yes' }: ComposefsOptions = {},
): { image: Buffer; digest: Buffer } {
  const files = new Map<string, ComposefsNode>();
  const measured = new Measured(repo, verity !== 'no');
  // Directories share few of these.
  const metas = new Map<string, DirMeta>();
  const directory = (tree: string, meta: string): ComposefsDirectory => {
    const children = new Map<string, ComposefsNode>();
    const entries = repo.loadDirTree(tree);
    for (const { name, checksum } of entries.files) {
      let node = files.get(checksum);
      if (node === undefined) {
        node = readFileNode(repo, checksum, verity, measured);
        files.set(checksum, node);
      }
      children.set(name, node);
    }
    for (const entry of entries.dirs) children.set(entry.name, directory(entry.tree, entry.meta));
    const own = metas.get(meta) ?? repo.loadDirMeta(meta);
    if (metas.size < 1000) metas.set(meta, own);
    const { mode, uid, gid, xattrs } = own;
    return { type: 'directory', mode, uid, gid, xattrs, children };
  };
  const root = directory(top.tree, top.meta);
  for (const name of rootDirectories)
    if (!root.children.has(name))
      root.children.set(name, { type: 'directory', mode: 0o040755, uid: 0, gid: 0, xattrs: [], children: new Map() });
  const image = encodeComposefs(root);
  return { image, digest: new FsVerity().update(image).digest() };
}

/** The digest of its image that a commit tells of; undefined when it tells of none. Throws `Invalid` on one that cannot be. */
export function composefsDigestOf(commit: Commit): Buffer | undefined {
  const told = commit.metadata.lookup('ostree.composefs.digest.v0', 'ay');
  if (!(told instanceof Uint8Array)) return undefined;
  if (told.length !== 32)
    throw new CoppiceError('Invalid', 'Expected composefs fs-verity in metadata has the wrong size');
  return Buffer.from(told);
}

/** Throws `Corrupt` when the commit tells of another image than the one with this digest. */
export function checkComposefsDigest(commit: Commit, digest: Buffer): void {
  const expected = composefsDigestOf(commit);
  if (expected === undefined || expected.equals(digest)) return;
  const [found, wanted] = [digest, expected].map((bytes) => bytes.toString('hex'));
  throw new CoppiceError(
    'Corrupt',
    `Generated composefs image digest (${found}) doesn't match expected digest (${wanted})`,
  );
}
