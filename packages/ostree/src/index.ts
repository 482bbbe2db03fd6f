// @coppice/ostree: libostree's repositories. Objects, refs, transactions, checkout, upkeep and distribution.

// ---- Formats: bytes <-> values, no I/O.
export { checkChecksum, checksumBytes, checksumOfBytes, isChecksum, sha256 } from './codec/checksum.ts';
export { commitBytes, parseCommit } from './codec/commit.ts';
export type { Commit, CommitFields, MetadataEntries } from './codec/commit.ts';
export { compareNames } from './codec/compare-names.ts';
export { decodeDirMeta, encodeDirMeta } from './codec/dirmeta.ts';
export type { DirMeta } from './codec/dirmeta.ts';
export { decodeDirTree, encodeDirTree } from './codec/dirtree.ts';
export type { DirTree, DirTreeDir, DirTreeFile } from './codec/dirtree.ts';
export {
  decodeArchiveHeader,
  decodeFileHeader,
  encodeArchiveHeader,
  encodeFileHeader,
  headerLength,
} from './codec/file-header.ts';
export type { ArchiveHeader, FileHeader } from './codec/file-header.ts';
export { formatSize } from './codec/format-size.ts';
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
export type { ObjectType, RepoMode } from './codec/object-type.ts';
export { decodeVarint, encodeVarint } from './codec/varint.ts';
export { decodeXattrs, encodeXattrs, sortXattrs } from './codec/xattrs.ts';
export type { Xattr } from './codec/xattrs.ts';

// ---- Releases of the original.
export { defaultLevel, ostreeCompat } from './compat.ts';
export type { OstreeCompat, OstreeLevel } from './compat.ts';

// ---- Distribution: deltas.
export { generateDelta } from './delta/generate.ts';
export type { GenerateDeltaOptions } from './delta/generate.ts';
export { deltaDir, deltaFilePath, deltaIndexPath, deltaName, parseDeltaName } from './delta/name.ts';
export type { DeltaName } from './delta/name.ts';
export { applyOffline, readOfflineSuperblock } from './delta/offline.ts';
export { showDelta } from './delta/show.ts';
export { deleteDelta, hasDelta, listDeltaIndexes, listDeltas, readDeltaFile, reindexDeltas } from './delta/store.ts';
export { readSigned } from './delta/superblock.ts';

// ---- Distribution: remotes.
export { addRemote, deleteRemote } from './remote/change.ts';
export type { AddRemoteOptions, RemoteValue } from './remote/change.ts';
export { allCollectionRefs } from './remote/collection-refs.ts';
export { addCookie, type CookieOwner, cookieOwner, deleteCookie, readCookies } from './remote/cookies.ts';
export { importRemoteKeys } from './remote/import-keys.ts';
export {
  findRemote,
  getRemote,
  isSystemRepo,
  listRemotes,
  Remote,
  remotesDir,
  useRemotesDir,
} from './remote/remote.ts';

// ---- Distribution: pull.
export { remoteFetcher } from './pull/connect.ts';
export type { AnnounceOptions } from './lan/announce.ts';
export { LanAnnouncement } from './lan/announce.ts';
export { findRemotes } from './pull/find-remotes.ts';
export type { CollectionRefName, FinderName, FoundRemote } from './pull/find-remotes.ts';
export { resolveMirrors } from './pull/mirrors.ts';
export type { PullOptions, PullResult } from './pull/options.ts';
export { pullProgressLine } from './pull/progress.ts';
export type { PullProgress } from './pull/progress.ts';
export { pull } from './pull/pull.ts';
export { fetchRemoteSummary } from './pull/remote-summary.ts';

// ---- Distribution: signatures.
export { boundCommit } from './sign/bound-commit.ts';
export { readKeyFile, remoteVerifiers, storedKeys } from './sign/engine-keys.ts';
export type { Verifier } from './sign/engine-keys.ts';
export {
  engineSignatures,
  engineSignCommit,
  verifyWithEngines,
  verifyWithKeys,
  withEngineSignature,
} from './sign/engine-verify.ts';
export { describeGpgResult, describeGpgResults, formatDate } from './sign/gpg-text.ts';
export {
  commitGpgResults,
  gpgDeleteSignatures,
  gpgSignatures,
  gpgSignCommit,
  requireValidGpg,
  verifyCommitGpg,
  verifyGpg,
  withGpgSignature,
} from './sign/gpg.ts';
export { listedKeyring, readRemoteKeyring, verificationKeyring } from './sign/keyrings.ts';

// ---- Distribution: summaries.
export {
  decodeSummary,
  encodeSummary,
  summaryCollections,
  summaryDeltas,
  summaryKeys,
  summaryType,
} from './summary/summary-file.ts';
export type { Summary, SummaryRef } from './summary/summary-file.ts';
export { makeSummary, storeSummary, updateSummary } from './summary/update.ts';
export type { Signer, UpdateSummaryOptions } from './summary/update.ts';
export { rawSummary, viewSummary } from './summary/view.ts';

// ---- The store.
export { maxMetadataSize, Repo } from './repo.ts';
export type { RepoCreateOptions, RepoOptions } from './repo.ts';
export { CompressPool } from './store/compress-pool.ts';
export type { CompressPoolOptions } from './store/compress-pool.ts';
export type { LoadedFile } from './store/load-file.ts';
export type { LockKind } from './store/lock.ts';
export type { LooseObject } from './store/objects.ts';
export { collectionTableOrder } from './collection-table.ts';
export { collectionRefs } from './store/ref-list.ts';
export type { CollectionRef, ListRefsOptions } from './store/ref-list.ts';
export {
  checkCollectionId,
  checkRefName,
  checkRemoteName,
  formatRefspec,
  isRefFragment,
  isRefName,
  parseRefspec,
} from './store/ref-name.ts';
export type { Refspec } from './store/ref-name.ts';
export { modeText, parseMode } from './store/settings.ts';
export type { RepoSettings } from './store/settings.ts';
export { parseTristate } from './store/tristate.ts';
export type { Tristate } from './store/tristate.ts';
export type { VeritySealer } from './store/verity.ts';
export { Transaction } from './store/transaction.ts';
export type { TransactionOptions, TransactionStats } from './store/transaction.ts';

// ---- Trees, commits, and what becomes one.
export { verifyBindings } from './bindings.ts';
export { commitSizes } from './commit-sizes.ts';
export { exportArchive } from './export-archive.ts';
export type { ArchiveExportOptions } from './export-archive.ts';
export { fileChecksum } from './file-checksum.ts';
export type { FileChecksumOptions } from './file-checksum.ts';
export { importArchive } from './import-archive.ts';
export type { ArchiveImportOptions } from './import-archive.ts';
export { devInoKey } from './modifier.ts';
export type { CommitModifier, DevInoCache, EntryOwnership } from './modifier.ts';
export { MutableTree, TreeRecord } from './mutable-tree.ts';
export { findInTree } from './tree.ts';
export type { TreeEntry } from './tree.ts';

// ---- Checkout and comparison.
export { checkout } from './checkout.ts';
export type { CheckoutOptions, OverwriteMode } from './checkout.ts';
export { diffTrees } from './diff.ts';
export type { DifferenceSide, TreeDifference } from './diff.ts';

// ---- Upkeep.
export { diskUsage } from './disk-usage.ts';
export type { DiskUsage, RefUsage } from './disk-usage.ts';
export { ObjectChecker } from './fsck-object.ts';
export { fsck, runFsck } from './fsck.ts';
export type { FsckEvent, FsckOptions, FsckResult } from './fsck.ts';
export {
  deleteCommit,
  deleteObject,
  enableTombstones,
  prune,
  pruneAsync,
  pruneStaticDeltas,
  pruneUnreachable,
  pruneUnreachableAsync,
  writeTombstone,
} from './prune.ts';
export type { PruneOptions, PruneResult } from './prune.ts';
export { dropCorrupt, repair } from './repair.ts';
export type { RepairedObject, RepairResult } from './repair.ts';
export { ChecksumSet } from './checksum-set.ts';
export { scanDevIno } from './scan-devino.ts';
export { HelperThread } from './thread/helper-thread.ts';
export type { HelperThreadOptions } from './thread/helper-thread.ts';
export { removeBeside } from './thread/remove-beside.ts';
export { allRefTargets, Reachable, traverseCommit, traverseRefs } from './traverse.ts';
export type { TraverseOptions } from './traverse.ts';
