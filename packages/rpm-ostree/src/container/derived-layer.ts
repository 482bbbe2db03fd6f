// Layers that a container build put on top of an encapsulated commit: each becomes a commit of its own, labelled with the
// base's policy, and all of them are laid over the base's tree.
import type { Chunks } from '@coppice/archive';
import { Variant, VariantDict } from '@coppice/gvariant';
import { type CommitModifier, importArchive, MutableTree, type Repo, type Transaction } from '@coppice/ostree';
import type { LabelPolicy } from '@coppice/selinux';
import { policyOfTree } from '../assemble/relabel.ts';
import { TreeDirectory } from '../tree/directory.ts';
import { ImageTree } from '../tree/image-tree.ts';
import { filterLayer } from './derived-filter.ts';

const whiteoutPrefix = '.wh.';
const opaqueWhiteout = '.wh..wh..opq';

/** The SELinux policy that new content gets its labels from; undefined when the base has none. */
export function basePolicy(repo: Repo, base: string): LabelPolicy | undefined {
  return policyOfTree(ImageTree.fromCommit(repo, base));
}

function modifier(policy: LabelPolicy | undefined): CommitModifier {
  if (policy === undefined) return {};
  return { label: (path, mode) => policy.label(path.replace(/^\/usr\/etc(?=\/|$)/, '/etc'), mode) };
}

export interface DerivedLayer {
  readonly commit: string;
  /** Members that have no place in a system, by top-level directory. */
  readonly filtered: ReadonlyMap<string, number>;
}

/** Writes a layer's content as a commit. `tar` is decompressed. Throws `Invalid`, `Corrupt`. */
export function importDerivedLayer(
  txn: Transaction,
  tar: Chunks,
  options: { readonly policy: LabelPolicy | undefined; readonly scratch: string },
): DerivedLayer {
  const { archive, filtered } = filterLayer(tar, options.scratch);
  const tree = new MutableTree();
  importArchive(txn, tree, archive, {
    autocreateParents: true,
    parentOwner: { uid: 0, gid: 0 },
    modifier: modifier(options.policy),
  });
  const commit = txn.writeCommit({
    metadata: new VariantDict([['ostree.importer.version', Variant.string('1')]]),
    parent: undefined,
    subject: '',
    body: '',
    timestamp: 0,
    ...txn.writeTree(tree),
  });
  return { commit, filtered };
}

/**
 * Lays a layer over a tree: files replace what is there, directories that are there keep their own metadata, and whiteouts
 * (`.wh.NAME`, and `.wh..wh..opq` for all of a directory, which is made anew) remove what the layers below had (OCI image-spec, layer.md).
 */
export function overlay(base: TreeDirectory, layer: TreeDirectory): void {
  if (layer.files.has(opaqueWhiteout)) {
    for (const name of [...base.files.keys(), ...base.dirs.keys()]) base.remove(name);
    base.meta = layer.meta;
  }
  for (const name of layer.files.keys())
    if (name.startsWith(whiteoutPrefix) && name !== opaqueWhiteout) base.remove(name.slice(whiteoutPrefix.length));
  for (const [name, checksum] of layer.files) {
    if (name.startsWith(whiteoutPrefix)) continue;
    if (base.dirs.has(name)) base.remove(name);
    base.setFile(name, checksum);
  }
  for (const [name, dir] of layer.dirs) {
    if (base.files.has(name)) base.remove(name);
    overlay(base.ensureDir(name, dir.meta), dir);
  }
}

/** The tree of the base with the layers on it, written. */
export function mergeLayers(
  txn: Transaction,
  base: string,
  layers: readonly string[],
): { readonly tree: string; readonly meta: string } {
  const { repo } = txn;
  const stored = (commit: string): TreeDirectory => {
    const { tree, meta } = repo.loadCommit(commit);
    return TreeDirectory.stored(repo, tree, meta);
  };
  const root = stored(base);
  for (const layer of layers) overlay(root, stored(layer));
  return root.write(txn);
}
