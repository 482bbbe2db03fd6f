// The root file system of any container image as a tree: its layers one over the other.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { decompress, readTar, type TarEntry, type TarMember, writeTar } from '@coppice/archive';
import { prefixError } from '@coppice/base';
import { readFileChunks, removeTree } from '@coppice/linux';
import { digestHex, type ImageConfig, type ImageSource, readImageConfig, resolveManifest } from '@coppice/oci';
import { importArchive, MutableTree, type Repo } from '@coppice/ostree';
import { TreeDirectory } from '../tree/directory.ts';
import { ImageTree } from '../tree/image-tree.ts';
import { overlay } from './derived-layer.ts';
import { fetchBlob } from './fetch-blob.ts';
import { importImage } from './import-image.ts';

const layerLimit = 64 * 1024 ** 3;

/** Files, directories and links of a layer; devices have no place in a system's tree, nor has the repository of another. */
function* members(entries: Iterable<TarEntry>): Generator<TarMember> {
  for (const entry of entries) {
    if (!['file', 'directory', 'symlink', 'hardlink'].includes(entry.type)) continue;
    if (/^(\.\/)?sysroot\/./.test(entry.path)) continue;
    yield entry.type === 'file' ? { ...entry, content: entry.data() } : entry;
  }
}

export interface PlainImage {
  readonly tree: ImageTree;
  readonly config: ImageConfig;
}

/**
 * Reads an image into the repository. One that holds a commit gives the tree of that commit with what was built on it, any
 * other the union of its layers. Throws `NotFound`, `Invalid`, `Corrupt`.
 */
export async function readPlainImage(
  repo: Repo,
  source: ImageSource,
  reference: string,
  scratch: string,
): Promise<PlainImage> {
  const { manifest } = await resolveManifest(source, reference);
  const config = await readImageConfig(source, manifest);
  if (config.config?.Labels?.['ostree.commit'] !== undefined) {
    const imageReference = 'ostree-unverified-image:containers-storage:x';
    const { commit } = await importImage({ repo, source, reference, imageReference, scratch: join(scratch, 'layers') });
    return { tree: ImageTree.fromCommit(repo, commit), config };
  }
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  const root = TreeDirectory.fresh(repo);
  for (const layer of manifest.layers) {
    const path = join(scratch, digestHex(layer.digest));
    await fetchBlob(source, layer, path);
    try {
      const stored = repo.transaction((txn) => {
        const tree = new MutableTree();
        const tar = decompress(readFileChunks(path), 'auto', { limit: layerLimit });
        const plain = writeTar(members(readTar(tar)), { format: 'pax', blocking: 512 });
        importArchive(txn, tree, plain, { autocreateParents: true, parentOwner: { uid: 0, gid: 0 } });
        return txn.writeTree(tree);
      });
      overlay(root, TreeDirectory.stored(repo, stored.tree, stored.meta));
    } catch (error) {
      throw prefixError(error, `Reading layer ${layer.digest}`);
    } finally {
      removeTree(path);
    }
  }
  return { tree: new ImageTree(repo, root), config };
}
