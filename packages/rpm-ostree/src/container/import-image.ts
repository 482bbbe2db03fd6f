// An encapsulated image back into a repository: every layer's objects, checked, and the commit they make up. Layers that were
// imported before are known by their refs and not fetched again.
import { createHash, type Hash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { decompress } from '@coppice/archive';
import { CoppiceError, type Progress, prefixError, silentProgress } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import { readFileChunks, removeTree } from '@coppice/linux';
import {
  type Descriptor,
  digestHex,
  type ImageConfig,
  type ImageSource,
  type Manifest,
  readImageConfig,
  resolveManifest,
} from '@coppice/oci';
import type { Repo, Transaction } from '@coppice/ostree';
import { escapeRefComponent } from '../pkgref.ts';
import { TreeDirectory } from '../tree/directory.ts';
import { basePolicy, importDerivedLayer, mergeLayers } from './derived-layer.ts';
import { fetchBlob } from './fetch-blob.ts';
import { createdAt, imageLayout, mergeMetadata } from './image-layout.ts';
import { LayerReader } from './object-reader.ts';

export interface ImportImageOptions {
  readonly repo: Repo;
  readonly source: ImageSource;
  /** Tag, digest or name in the source. */
  readonly reference: string;
  /** The image reference as origins write it, for the ref that keeps it. */
  readonly imageReference: string;
  /** A parent of `repo` whose layers need not be fetched again. */
  readonly parent?: Repo;
  /** Whether layers on top of the commit are accepted; default yes. A signature of the commit says nothing about them. */
  readonly acceptDerived?: boolean;
  /** A directory of our own for downloads. */
  readonly scratch: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface ImportedImage {
  /** The commit that was encapsulated. */
  readonly encapsulated: string;
  /** The commit to deploy: the same tree, with the image in its metadata. */
  readonly commit: string;
  readonly digest: string;
  readonly layersFetched: number;
  readonly layersTotal: number;
}

/** Largest layer, decompressed. */
const layerLimit = 64 * 1024 ** 3;
/** Largest record that archives are padded to, and to spare. */
const paddingLimit = 16 * 1024 ** 2;
const blobRefPrefix = 'ostree/container/blob';
const imageRefPrefix = 'ostree/container/image';

export function layerRef(digest: string): string {
  return `${blobRefPrefix}/${escapeRefComponent(digest)}`;
}

export function imageRef(reference: string): string {
  return `${imageRefPrefix}/${escapeRefComponent(reference)}`;
}

/** A commit that keeps a layer's file objects alive: each under its checksum in one directory. */
function layerCommit(txn: Transaction, files: ReadonlySet<string>, digest: string): string {
  const root = TreeDirectory.fresh(txn.repo);
  for (const checksum of [...files].sort()) root.setFile(checksum, checksum);
  return txn.writeCommit({
    metadata: new VariantDict([['ostree.importlayer-digest', Variant.string(digest)]]),
    parent: undefined,
    subject: '',
    body: '',
    timestamp: 0,
    ...root.write(txn),
  });
}

/** Manifest and configuration of an image, for this machine where there are several. */
interface OpenedImage {
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly digest: string;
  readonly encapsulated: string;
}

async function openManifest(source: ImageSource, reference: string): Promise<OpenedImage> {
  const { manifest, digest } = await resolveManifest(source, reference);
  const config = await readImageConfig(source, manifest);
  const encapsulated = config.config?.Labels?.['ostree.commit'];
  if (encapsulated === undefined || !/^[0-9a-f]{64}$/.test(encapsulated))
    throw new CoppiceError('Invalid', `Missing label ostree.commit: the image is not an encapsulated commit`);
  return { manifest, config, digest, encapsulated };
}

interface PlacedLayer {
  readonly layer: Descriptor;
  readonly diffId: string | undefined;
  /** Put on top by a container build, instead of holding objects of the commit. */
  readonly derived: boolean;
}

/** Members without a place in a system, by top-level directory. */
type LeftOut = ReadonlyMap<string, number>;

/** Reads a fetched layer into the repository and makes its ref. Throws `Corrupt`, `Invalid`. */
function importLayer(repo: Repo, placed: PlacedLayer, path: string, encapsulated: string, scratch: string): LeftOut {
  const { layer, diffId } = placed;
  return repo.transaction((txn) => {
    const hash = createHash('sha256');
    const plain = hashed(decompress(readFileChunks(path), 'auto', { limit: layerLimit }), hash);
    let commit: string;
    let filtered: LeftOut = new Map();
    try {
      if (placed.derived) {
        ({ commit, filtered } = importDerivedLayer(txn, plain, { policy: basePolicy(repo, encapsulated), scratch }));
      } else {
        const reader = new LayerReader(txn);
        reader.read(plain);
        // The layer with the commit is kept by the commit itself; it comes after all its files.
        commit = reader.commit ?? layerCommit(txn, reader.files, layer.digest);
      }
      // The digest covers all of it, also what a reader does not care for: the padding of an archive, which has an end.
      let padding = 0;
      for (const rest of plain) {
        padding += rest.length;
        if (padding > paddingLimit)
          throw new CoppiceError('Corrupt', `more than ${paddingLimit} bytes after the end of the archive`);
      }
    } catch (error) {
      throw prefixError(error, `Importing layer ${layer.digest}`);
    }
    if (diffId !== undefined && `sha256:${hash.digest('hex')}` !== diffId)
      throw new CoppiceError('Corrupt', `layer ${layer.digest}: does not match its diff id`);
    txn.setRef(layerRef(layer.digest), commit);
    return filtered;
  });
}

/** Fetches and imports layers one after another; what was left out of each, by digest. */
async function fetchLayers(
  options: ImportImageOptions,
  missing: readonly PlacedLayer[],
  encapsulated: string,
): Promise<Map<string, LeftOut>> {
  const { repo, source, scratch, progress = silentProgress } = options;
  const filtered = new Map<string, LeftOut>();
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  try {
    for (const [i, placed] of missing.entries()) {
      if (options.signal?.aborted === true) throw new CoppiceError('Cancelled', 'Operation was cancelled');
      const step = `Fetching layer ${i + 1}/${missing.length}`;
      progress({ type: 'begin', step });
      const path = join(scratch, digestHex(placed.layer.digest));
      await fetchBlob(source, placed.layer, path);
      const leftOut = importLayer(repo, placed, path, encapsulated, scratch);
      if (leftOut.size > 0) filtered.set(placed.layer.digest, leftOut);
      removeTree(path);
      progress({ type: 'end', step });
    }
  } finally {
    removeTree(scratch);
  }
  return filtered;
}

/** The commit to deploy: the encapsulated one's tree with derived layers (commits) over it, and the image in its metadata. */
function mergeImage(
  options: ImportImageOptions,
  image: OpenedImage,
  derived: readonly string[],
  filtered: ReadonlyMap<string, LeftOut>,
): string {
  const { repo } = options;
  const { manifest, config, digest, encapsulated } = image;
  const base = repo.loadCommit(encapsulated);
  return repo.transaction((txn) => {
    const leftOut = derived.length === 0 ? undefined : filtered;
    const merged = txn.writeCommit({
      metadata: mergeMetadata(repo, encapsulated, digest, manifest, config, leftOut),
      parent: undefined,
      subject: '',
      body: '',
      ...(derived.length === 0
        ? { timestamp: base.timestamp, tree: base.tree, meta: base.meta }
        : { timestamp: createdAt(manifest, config, base.timestamp), ...mergeLayers(txn, encapsulated, derived) }),
    });
    txn.setRef(imageRef(options.imageReference), merged);
    return merged;
  });
}

/** Says what of the layers has no place in a system. */
function reportLeftOut(progress: Progress, filtered: ReadonlyMap<string, LeftOut>): void {
  const sum = new Map<string, number>();
  for (const counts of filtered.values()) for (const [top, count] of counts) sum.set(top, (sum.get(top) ?? 0) + count);
  if (sum.size === 0) return;
  const text = [...sum].map(([top, count]) => ` ${top}: ${count}`).join('');
  progress({ type: 'message', text: `Image contains non-ostree compatible file paths:${text}` });
}

/** Imports an image. Throws `NotFound`, `Network`, `Corrupt`; nothing is visible until all of it is there. */
export async function importImage(options: ImportImageOptions): Promise<ImportedImage> {
  const { repo, parent, progress = silentProgress } = options;
  const image = await openManifest(options.source, options.reference);
  const { manifest, encapsulated } = image;
  const { commit: commitLayer, objects, derived } = imageLayout(manifest, image.config);
  if (derived.length > 0 && options.acceptDerived === false)
    throw new CoppiceError('Signature', 'Cannot currently verify layered containers via ostree remote');
  const layerAt = (digest: string): string | undefined =>
    repo.tryResolveRev(layerRef(digest)) ?? parent?.tryResolveRev(layerRef(digest));
  const missing = [
    ...[...objects, commitLayer].map((l) => ({ ...l, derived: false })),
    ...derived.map((l) => ({ ...l, derived: true })),
  ].filter(({ layer }) => layerAt(layer.digest) === undefined);
  const bytes = missing.reduce((n, m) => n + m.layer.size, 0);
  progress({
    type: 'message',
    text: `layers already present: ${manifest.layers.length - missing.length}; layers needed: ${missing.length} (${bytes} bytes)`,
  });
  const filtered = await fetchLayers(options, missing, encapsulated);
  if (!repo.hasObject('commit', encapsulated))
    throw new CoppiceError('Corrupt', `the image does not hold its commit ${encapsulated}`);
  checkComplete(repo, encapsulated);
  const derivedCommits = derived.map(({ layer }) => layerAt(layer.digest)!);
  const commit = mergeImage(options, image, derivedCommits, filtered);
  reportLeftOut(progress, filtered);
  return {
    encapsulated,
    commit,
    digest: image.digest,
    layersFetched: missing.length,
    layersTotal: manifest.layers.length,
  };
}

/** Throws `Corrupt` when an object of the commit is missing. */
function checkComplete(repo: Repo, commit: string): void {
  for (const entry of repo.readTree(commit))
    if (entry.type === 'file' && !repo.hasObject('file', entry.checksum))
      throw new CoppiceError('Corrupt', `the image lacks the object of ${entry.path}`);
}

function* hashed(chunks: Iterable<Uint8Array>, hash: Hash): Generator<Uint8Array> {
  for (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Refs of layers that no image in the repository uses, and of images that are not in `deployed` (their merge commits). */
export function staleContainerRefs(repo: Repo, deployed: ReadonlySet<string>): string[] {
  const out: string[] = [];
  const used = new Set<string>();
  for (const [ref, commit] of repo.listRefs(imageRefPrefix)) if (!deployed.has(commit)) out.push(ref);
  for (const commit of deployed) {
    if (!repo.hasObject('commit', commit)) continue;
    const text = repo.loadCommit(commit).metadata.lookupString('ostree.manifest');
    if (text === undefined) continue;
    for (const layer of (JSON.parse(text) as Manifest).layers) used.add(layerRef(layer.digest));
  }
  for (const ref of repo.listRefs(blobRefPrefix).keys()) if (!used.has(ref)) out.push(ref);
  return out;
}
