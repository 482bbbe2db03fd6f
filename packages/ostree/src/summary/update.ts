import { errnoError } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import { checksumBytes, sha256 } from '../codec/checksum.ts';
import { encodeDict } from '../codec/commit.ts';
import { compareNames } from '../codec/compare-names.ts';
import { S_IFDIR } from '../codec/mode-bits.ts';
import { deltaFilePath, listDeltas, readDeltaFile, reindexDeltas } from '../delta/store.ts';
import { MutableTree } from '../mutable-tree.ts';
import { allCollectionRefs } from '../remote/collection-refs.ts';
import type { Repo } from '../repo.ts';
import { writeBeside } from '../store/refs.ts';
import { bigEndian64, encodeSummary, refListType, type SummaryRef, summaryKeys, valueOfRefs } from './summary-file.ts';

/** Makes detached metadata with a signature over `data` added to `dict`: GPG or an engine. */
export type Signer = (data: Uint8Array, dict: ReadonlyMap<string, Variant> | undefined) => ReadonlyMap<string, Variant>;

export interface UpdateSummaryOptions {
  /** Further keys, in order. */
  readonly metadata?: ReadonlyMap<string, Variant>;
  readonly signers?: readonly Signer[];
  /** Seconds since the epoch. */
  readonly expires?: number;
}

export const metadataRef = 'ostree-metadata';

/** A ref's entry; throws when its commit is missing. */
function refEntry(repo: Repo, ref: string, checksum: string): SummaryRef {
  const bytes = repo.loadCommitBytes(checksum);
  const commit = repo.loadCommit(checksum);
  const entries: [string, Variant][] = [];
  // GLib's dates end with the year 9999.
  const time = BigInt(commit.timestamp);
  if (time <= 253402300799n) entries.push(['ostree.commit.timestamp', new Variant('t', bigEndian64(time))]);
  const version = commit.metadata.get('version');
  if (version?.type === 's') entries.push(['ostree.commit.version', version]);
  const metadata = new VariantDict(entries).hashOrdered();
  return { ref, checksum, commitSize: BigInt(bytes.length), metadata };
}

/** Refs of `refs/heads` and, by collection, of everything else the repository mirrors. */
function gatherRefs(repo: Repo): { own: SummaryRef[]; map: [string, SummaryRef[]][] } {
  const ownId = repo.settings.collectionId;
  const own: SummaryRef[] = [];
  for (const [ref, checksum] of repo.listRefs(undefined, { excludeRemotes: true }))
    own.push(refEntry(repo, ref, checksum));
  const others = new Map<string, SummaryRef[]>();
  for (const { collection, ref, checksum } of allCollectionRefs(repo)) {
    if (collection === ownId) continue;
    const list = others.get(collection) ?? [];
    list.push(refEntry(repo, ref, checksum));
    others.set(collection, list);
  }
  return { own, map: [...others].sort(([a], [b]) => compareNames(a, b)) };
}

function deltaMap(repo: Repo): VariantDict {
  const out = new VariantDict();
  for (const name of listDeltas(repo)) {
    const bytes = readDeltaFile(repo, deltaFilePath(name.from, name.to, 'superblock'));
    out.set(name.hex, new Variant('ay', checksumBytes(sha256(bytes))));
  }
  return out.hashOrdered();
}

/** Bytes of the summary of the repository as it is now. */
export function makeSummary(repo: Repo, options: UpdateSummaryOptions = {}): Uint8Array {
  const { own, map } = gatherRefs(repo);
  const entries = new Map<string, Variant>(options.metadata ?? []);
  if (!repo.config.boolean('core', 'no-deltas-in-summary', false)) {
    const deltas = deltaMap(repo);
    if (deltas.size > 0) entries.set(summaryKeys.staticDeltas, new Variant('a{sv}', deltas));
  }
  const now = BigInt(Math.floor(repo.clock.now() / 1000));
  entries.set(summaryKeys.lastModified, new Variant('t', bigEndian64(now)));
  if (options.expires !== undefined)
    entries.set(summaryKeys.expires, new Variant('t', bigEndian64(BigInt(options.expires))));
  entries.set(summaryKeys.mode, Variant.string(repo.config.string('core', 'mode', 'bare')));
  entries.set(summaryKeys.tombstones, Variant.boolean(repo.config.boolean('core', 'tombstone-commits', false)));
  entries.set(summaryKeys.indexedDeltas, Variant.boolean(true));
  const collection = repo.settings.collectionId;
  if (collection !== undefined) entries.set(summaryKeys.collectionId, Variant.string(collection));
  if (map.length > 0) {
    const value = map.map(([id, refs]) => [id, valueOfRefs(refs)]);
    entries.set(summaryKeys.collectionMap, new Variant(`a{s${refListType}}`, value));
  }
  return encodeSummary({ refs: own, metadata: new VariantDict(entries).hashOrdered() });
}

/** The metadata commit of a collection's repository: an empty tree that carries the summary's metadata. */
function writeMetadataCommit(repo: Repo, collection: string, options: UpdateSummaryOptions): void {
  const entries = new VariantDict([...(options.metadata ?? [])]);
  entries.set('ostree.collection-binding', Variant.string(collection));
  entries.set('ostree.ref-binding', Variant.strings([metadataRef]));
  const parent = repo.tryResolveRev(metadataRef);
  const checksum = repo.transaction((transaction) => {
    const root = new MutableTree();
    root.setMeta(transaction.writeDirMeta({ uid: 0, gid: 0, mode: S_IFDIR | 0o755, xattrs: [] }));
    const { tree, meta } = transaction.writeTree(root);
    const timestamp = Math.floor(repo.clock.now() / 1000);
    const metadata = entries.hashOrdered();
    const written = transaction.writeCommit({ metadata, parent, subject: '', body: '', timestamp, tree, meta });
    transaction.setRef(metadataRef, written);
    return written;
  });
  let dict: ReadonlyMap<string, Variant> | undefined;
  for (const sign of options.signers ?? []) dict = sign(repo.loadCommitBytes(checksum), dict);
  if (dict !== undefined) repo.writeDetachedMetadata(checksum, new VariantDict(dict));
}

/**
 * Regenerates `summary` and its delta indexes and signs it, under a shared lock; an unsigned update removes an old
 * signature. Both files are complete before either gets its name.
 */
export function updateSummary(repo: Repo, options: UpdateSummaryOptions = {}): void {
  repo.lock?.acquire('shared');
  try {
    const collection = repo.settings.collectionId;
    if (collection !== undefined) writeMetadataCommit(repo, collection, options);
    const bytes = makeSummary(repo, options);
    let dict: ReadonlyMap<string, Variant> | undefined;
    for (const sign of options.signers ?? []) dict = sign(bytes, dict);
    // Once nothing stands in the way any more: it notes in the config that there are indexes.
    reindexDeltas(repo);
    storeSummary(repo, bytes, dict === undefined ? undefined : encodeDict(new VariantDict(dict).hashOrdered()));
  } finally {
    repo.lock?.release();
  }
}

function put(repo: Repo, name: string, bytes: Uint8Array): void {
  try {
    writeBeside(repo.fs, `${repo.path}/${name}`, bytes, repo.settings.fsync);
  } catch (error) {
    throw errnoError(error, `renameat(${name})`);
  }
}

/** Puts summary and signature in place, the signature last; without one an old signature goes. */
export function storeSummary(repo: Repo, summary: Uint8Array, signature: Uint8Array | undefined): void {
  const { fs, path } = repo;
  if (signature === undefined) {
    try {
      fs.unlink(`${path}/summary.sig`);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') throw errnoError(error, 'unlink(summary.sig)');
    }
  }
  put(repo, 'summary', summary);
  if (signature === undefined) return;
  put(repo, 'summary.sig', signature);
  if (!repo.compat.sameSummaryTimes) return;
  // Caches that go by time take both or neither.
  const seconds = Math.floor(repo.clock.now() / 1000);
  for (const name of ['summary', 'summary.sig']) fs.lutimes(`${path}/${name}`, seconds, seconds);
}
