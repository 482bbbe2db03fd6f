// An encapsulated image back into a repository: every layer's objects, checked, and the commit they make up. Layers that were
// imported before are known by their refs and not fetched again.
import { createHash, type Hash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { decompress, readTar, type TarEntry } from '@coppice/archive';
import { CoppiceError, type Progress, prefixError, silentProgress } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import { removeTree } from '@coppice/linux';
import {
  chooseManifest,
  type Descriptor,
  digestHex,
  type ImageConfig,
  type ImageSource,
  type Manifest,
  parseImageConfig,
  parseManifest,
} from '@coppice/oci';
import { decodeXattrs, type FileHeader, type Repo, type Transaction, type Xattr } from '@coppice/ostree';
import { packageListKey } from '../pkglist.ts';
import { escapeRefComponent } from '../pkgref.ts';
import { TreeDirectory } from '../tree/directory.ts';
import { S_IFLNK, S_IFREG } from '../tree/image-tree.ts';
import { readFileChunks } from './read-file-chunks.ts';

export interface ImportImageOptions {
  readonly repo: Repo;
  readonly source: ImageSource;
  /** Tag, digest or name in the source. */
  readonly reference: string;
  /** The image reference as origins write it, for the ref that keeps it. */
  readonly imageReference: string;
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

const blobRefPrefix = 'ostree/container/blob';
const imageRefPrefix = 'ostree/container/image';

export function layerRef(digest: string): string {
  return `${blobRefPrefix}/${escapeRefComponent(digest)}`;
}

export function imageRef(reference: string): string {
  return `${imageRefPrefix}/${escapeRefComponent(reference)}`;
}

/** Downloads a blob to a file, checked against its digest and size. */
async function download(source: ImageSource, descriptor: Descriptor, path: string): Promise<void> {
  const hash = createHash('sha256');
  const fd = openSync(path, 'wx', 0o600);
  let size = 0;
  try {
    for await (const chunk of source.blob(descriptor)) {
      size += chunk.length;
      if (size > descriptor.size)
        throw new CoppiceError('Corrupt', `blob ${descriptor.digest}: longer than ${descriptor.size} bytes`);
      hash.update(chunk);
      let at = 0;
      while (at < chunk.length) at += writeSync(fd, chunk, at);
    }
  } finally {
    closeSync(fd);
  }
  if (size !== descriptor.size || hash.digest('hex') !== digestHex(descriptor.digest))
    throw new CoppiceError('Corrupt', `blob ${descriptor.digest}: content does not match`);
}

async function document(source: ImageSource, descriptor: Descriptor): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source.blob(descriptor)) {
    size += chunk.length;
    if (size > descriptor.size) throw new CoppiceError('Corrupt', `blob ${descriptor.digest}: too long`);
    parts.push(chunk);
  }
  const bytes = Buffer.concat(parts);
  if (createHash('sha256').update(bytes).digest('hex') !== digestHex(descriptor.digest))
    throw new CoppiceError('Corrupt', `blob ${descriptor.digest}: content does not match`);
  return bytes;
}

/** Reads one layer's objects into the transaction; returns the file objects it holds. */
class LayerReader {
  readonly #txn: Transaction;
  readonly #xattrs = new Map<string, readonly Xattr[]>();
  readonly #links = new Map<string, string>();
  readonly files = new Set<string>();
  /** The commit object in this layer, if any. */
  commit: string | undefined;

  constructor(txn: Transaction) {
    this.#txn = txn;
  }

  #object(entry: TarEntry): { readonly checksum: string; readonly suffix: string } | undefined {
    const match = /^(?:\.\/)?sysroot\/ostree\/repo\/objects\/([0-9a-f]{2})\/([0-9a-f]{62})\.([a-z-]+)$/.exec(
      entry.path,
    );
    return match === null ? undefined : { checksum: match[1]! + match[2]!, suffix: match[3]! };
  }

  #bytes(entry: TarEntry, limit: number): Buffer {
    if (entry.size > limit) throw new CoppiceError('Limit', `${entry.path}: ${entry.size} bytes`);
    return Buffer.concat(Array.from(entry.data(), (c) => Buffer.from(c)));
  }

  read(chunks: Iterable<Uint8Array>): void {
    for (const entry of readTar(chunks)) {
      const object = this.#object(entry);
      if (object === undefined) continue;
      const { checksum, suffix } = object;
      switch (suffix) {
        case 'commit':
        case 'dirtree':
        case 'dirmeta':
          this.#txn.writeMetadata(suffix, this.#bytes(entry, 128 << 20), checksum);
          if (suffix === 'commit') this.commit = checksum;
          break;
        case 'commitmeta':
          this.#txn.setDetachedMetadataBytes(checksum, this.#bytes(entry, 16 << 20));
          break;
        case 'file-xattrs': {
          const bytes = this.#bytes(entry, 4 << 20);
          if (createHash('sha256').update(bytes).digest('hex') !== checksum)
            throw new CoppiceError('Corrupt', `${entry.path}: content does not match its name`);
          this.#xattrs.set(checksum, decodeXattrs(bytes, 0, bytes.length, 'file-xattrs'));
          break;
        }
        case 'file-xattrs-link': {
          const target = /([0-9a-f]{2})\/([0-9a-f]{62})\.file-xattrs$/.exec(entry.linkTarget);
          if (entry.type !== 'hardlink' || target === null)
            throw new CoppiceError('Corrupt', `${entry.path}: not a link to attributes`);
          this.#links.set(checksum, target[1]! + target[2]!);
          break;
        }
        case 'file':
          this.#file(entry, checksum);
          break;
      }
    }
  }

  #file(entry: TarEntry, checksum: string): void {
    const name = this.#links.get(checksum);
    const xattrs = name === undefined ? [] : this.#xattrs.get(name);
    if (xattrs === undefined) throw new CoppiceError('Corrupt', `${entry.path}: its attributes are not in the layer`);
    const link = entry.type === 'symlink';
    if (!link && entry.type !== 'file') throw new CoppiceError('Corrupt', `${entry.path}: neither file nor link`);
    const header: FileHeader = {
      uid: entry.uid,
      gid: entry.gid,
      mode: (link ? S_IFLNK : S_IFREG) | (link ? 0o777 : entry.mode & 0o7777),
      symlinkTarget: link ? entry.linkTarget : '',
      xattrs,
    };
    this.#txn.writeContent(header, link ? new Uint8Array(0) : entry.data(), checksum);
    this.files.add(checksum);
  }
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

function mergeMetadata(
  repo: Repo,
  encapsulated: string,
  digest: string,
  manifest: Manifest,
  config: ImageConfig,
): VariantDict {
  const base = repo.loadCommit(encapsulated).metadata;
  const out = new VariantDict();
  out.set('ostree.manifest-digest', Variant.string(digest));
  out.set('ostree.manifest', Variant.string(JSON.stringify(manifest)));
  out.set('ostree.container.image-config', Variant.string(JSON.stringify(config)));
  out.set('ostree.importer.version', Variant.string('1'));
  for (const key of [
    'version',
    packageListKey,
    'ostree.linux',
    'ostree.bootable',
    'rpmostree.rpmmd-repos',
    'rpmostree.initramfs-args',
  ]) {
    const value = base.get(key);
    if (value !== undefined) out.set(key, value);
  }
  return out;
}

/** Imports an image. Throws `NotFound`, `Network`, `Corrupt`; nothing is visible until all of it is there. */
export async function importImage(options: ImportImageOptions): Promise<ImportedImage> {
  const { repo, source } = options;
  const progress = options.progress ?? silentProgress;
  let { bytes, digest } = await source.manifest(options.reference);
  let parsed = parseManifest(bytes);
  if (parsed.kind === 'index') {
    ({ bytes, digest } = await source.manifest(chooseManifest(parsed.index).digest));
    parsed = parseManifest(bytes);
  }
  if (parsed.kind !== 'manifest') throw new CoppiceError('Invalid', 'index points to an index');
  const { manifest } = parsed;
  const config = parseImageConfig(await document(source, manifest.config));
  const encapsulated = config.config?.Labels?.['ostree.commit'];
  if (encapsulated === undefined || !/^[0-9a-f]{64}$/.test(encapsulated))
    throw new CoppiceError('Invalid', `Missing label ostree.commit: the image is not an encapsulated commit`);
  mkdirSync(options.scratch, { recursive: true, mode: 0o700 });
  let fetched = 0;
  try {
    const all = manifest.layers.map((layer, i) => ({ layer, diffId: config.rootfs.diff_ids[i] }));
    const missing = [...all.slice(1), ...all.slice(0, 1)].filter(
      ({ layer }) => repo.tryResolveRev(layerRef(layer.digest)) === undefined,
    );
    progress({
      type: 'message',
      text: `layers already present: ${manifest.layers.length - missing.length}; layers needed: ${missing.length} (${missing.reduce((n, m) => n + m.layer.size, 0)} bytes)`,
    });
    for (const [i, { layer, diffId }] of missing.entries()) {
      if (options.signal?.aborted === true) throw new CoppiceError('Cancelled', 'Operation was cancelled');
      const step = `Fetching layer ${i + 1}/${missing.length}`;
      progress({ type: 'begin', step });
      const path = join(options.scratch, digestHex(layer.digest));
      await download(source, layer, path);
      repo.transaction((txn) => {
        const reader = new LayerReader(txn);
        const hash = createHash('sha256');
        try {
          reader.read(hashed(decompress(readFileChunks(path), 'auto', { limit: 64 * 1024 ** 3 }), hash));
        } catch (error) {
          throw prefixError(error, `Importing layer ${layer.digest}`);
        }
        if (diffId !== undefined && `sha256:${hash.digest('hex')}` !== diffId)
          throw new CoppiceError('Corrupt', `layer ${layer.digest}: does not match its diff id`);
        // The layer with the commit is kept by the commit itself; it comes last, when all its files are there.
        txn.setRef(layerRef(layer.digest), reader.commit ?? layerCommit(txn, reader.files, layer.digest));
      });
      removeTree(path);
      fetched += 1;
      progress({ type: 'end', step });
    }
  } finally {
    removeTree(options.scratch);
  }
  if (!repo.hasObject('commit', encapsulated))
    throw new CoppiceError('Corrupt', `the image does not hold its commit ${encapsulated}`);
  checkComplete(repo, encapsulated);
  const base = repo.loadCommit(encapsulated);
  const commit = repo.transaction((txn) => {
    const merged = txn.writeCommit({
      metadata: mergeMetadata(repo, encapsulated, digest, manifest, config),
      parent: undefined,
      subject: '',
      body: '',
      timestamp: base.timestamp,
      tree: base.tree,
      meta: base.meta,
    });
    txn.setRef(imageRef(options.imageReference), merged);
    return merged;
  });
  return { encapsulated, commit, digest, layersFetched: fetched, layersTotal: manifest.layers.length };
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
