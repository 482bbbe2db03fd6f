// @coppice/ostree: libostree's repositories. Objects, refs, transactions, checkout and upkeep.

// ---- Upkeep.
export { verifyBindings } from './bindings.ts';
// ---- Checkout.
export type { CheckoutOptions, OverwriteMode } from './checkout.ts';
export { checkout } from './checkout.ts';
// ---- Formats: bytes <-> values, no I/O.
export { checkChecksum, checksumBytes, checksumOfBytes, isChecksum, sha256 } from './codec/checksum.ts';
export type { Commit, CommitFields } from './codec/commit.ts';
export { commitBytes, parseCommit } from './codec/commit.ts';
export { compareNames } from './codec/compare-names.ts';
export type { DirMeta } from './codec/dirmeta.ts';
export { decodeDirMeta, encodeDirMeta } from './codec/dirmeta.ts';
export type { DirTree, DirTreeDir, DirTreeFile } from './codec/dirtree.ts';
export { decodeDirTree, encodeDirTree } from './codec/dirtree.ts';
export type { ArchiveHeader, FileHeader } from './codec/file-header.ts';
export {
  decodeArchiveHeader,
  decodeFileHeader,
  encodeArchiveHeader,
  encodeFileHeader,
  headerLength,
} from './codec/file-header.ts';
export { formatSize } from './codec/format-size.ts';
export type { ObjectType, RepoMode } from './codec/object-type.ts';
export {
  isMetaType,
  isObjectType,
  looseName,
  objectName,
  objectTypeNumber,
  objectTypeOfNumber,
  objectTypes,
  repoModes,
} from './codec/object-type.ts';
export { decodeVarint, encodeVarint } from './codec/varint.ts';
export type { Xattr } from './codec/xattrs.ts';
export { decodeXattrs, encodeXattrs, sortXattrs } from './codec/xattrs.ts';
// ---- Releases of the original.
export type { OstreeCompat, OstreeLevel } from './compat.ts';
export { defaultLevel, ostreeCompat } from './compat.ts';
export type { DifferenceSide, TreeDifference } from './diff.ts';
export { diffTrees } from './diff.ts';
export type { FileChecksumOptions } from './file-checksum.ts';
export { fileChecksum } from './file-checksum.ts';
export type { FsckEvent, FsckOptions, FsckResult } from './fsck.ts';
export { fsck, runFsck } from './fsck.ts';
export { ObjectChecker } from './fsck-object.ts';
// ---- Trees and commits.
export type { CommitModifier, DevInoCache, EntryOwnership } from './modifier.ts';
export { devInoKey } from './modifier.ts';
export { MutableTree } from './mutable-tree.ts';
export type { PruneOptions, PruneResult } from './prune.ts';
export {
  deleteCommit,
  deleteObject,
  enableTombstones,
  prune,
  pruneStaticDeltas,
  pruneUnreachable,
  writeTombstone,
} from './prune.ts';
// ---- Distribution: pull, remotes, summary, deltas, signatures.
export type { Remote } from './remote/remote.ts';
export { findRemote, listRemotes, useRemotesDir } from './remote/remote.ts';
// ---- The store.
export type { RepoCreateOptions, RepoOptions } from './repo.ts';
export { maxMetadataSize, Repo } from './repo.ts';
export { commitGpgResults, gpgSignCommit, requireValidGpg, verifyCommitGpg, verifyGpg } from './sign/gpg.ts';
export { verificationKeyring } from './sign/keyrings.ts';
export type { LoadedFile } from './store/load-file.ts';
export type { LockKind } from './store/lock.ts';
export type { LooseObject } from './store/objects.ts';
export type { CollectionRef, ListRefsOptions } from './store/ref-list.ts';
export { collectionRefs } from './store/ref-list.ts';
export type { Refspec } from './store/ref-name.ts';
export {
  checkCollectionId,
  checkRefName,
  checkRemoteName,
  formatRefspec,
  isRefFragment,
  isRefName,
  parseRefspec,
} from './store/ref-name.ts';
export type { RepoSettings } from './store/settings.ts';
export { modeText, parseMode } from './store/settings.ts';
export { setSummaryUpdater } from './store/summary-hook.ts';
export type { TransactionOptions, TransactionStats } from './store/transaction.ts';
export { Transaction } from './store/transaction.ts';
export type { TraverseOptions } from './traverse.ts';
export { allRefTargets, Reachable, traverseCommit, traverseRefs } from './traverse.ts';
export type { TreeEntry } from './tree.ts';
export { findInTree } from './tree.ts';
