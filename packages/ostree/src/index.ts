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
// ---- Distribution: pull, remotes, summary, deltas, signatures.
export type { DeltaName } from './delta/name.ts';
export { deltaDir, deltaFilePath, deltaIndexPath, deltaName, parseDeltaName } from './delta/name.ts';
export type { GenerateDeltaOptions } from './delta/generate.ts';
export { generateDelta } from './delta/generate.ts';
export { applyOffline, readOfflineSuperblock } from './delta/offline.ts';
export { showDelta } from './delta/show.ts';
export { deleteDelta, hasDelta, listDeltaIndexes, listDeltas, readDeltaFile, reindexDeltas } from './delta/store.ts';
export { readSigned } from './delta/superblock.ts';
export type { DifferenceSide, TreeDifference } from './diff.ts';
export { commitSizes } from './commit-sizes.ts';
export { diffTrees } from './diff.ts';
export type { ArchiveExportOptions } from './export-archive.ts';
export { exportArchive } from './export-archive.ts';
export type { ArchiveImportOptions } from './import-archive.ts';
export { importArchive } from './import-archive.ts';
export { scanDevIno } from './scan-devino.ts';
export type { FileChecksumOptions } from './file-checksum.ts';
export { fileChecksum } from './file-checksum.ts';
export type { DiskUsage, RefUsage } from './disk-usage.ts';
export { diskUsage } from './disk-usage.ts';
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
export { remoteFetcher } from './pull/connect.ts';
export type { CollectionRefName, FoundRemote } from './pull/find-remotes.ts';
export { findRemotes } from './pull/find-remotes.ts';
export { resolveMirrors } from './pull/mirrors.ts';
export type { PullOptions, PullResult } from './pull/options.ts';
export type { PullProgress } from './pull/progress.ts';
export { pullProgressLine } from './pull/progress.ts';
export { pull } from './pull/pull.ts';
export { fetchRemoteSummary } from './pull/remote-summary.ts';
export type { AddRemoteOptions, RemoteValue } from './remote/change.ts';
export { addRemote, deleteRemote } from './remote/change.ts';
export { importRemoteKeys } from './remote/import-keys.ts';
export { allCollectionRefs } from './remote/collection-refs.ts';
export { addCookie, deleteCookie, readCookies } from './remote/cookies.ts';
export {
  findRemote,
  getRemote,
  isSystemRepo,
  listRemotes,
  Remote,
  remotesDir,
  useRemotesDir,
} from './remote/remote.ts';
// ---- The store.
export type { RepoCreateOptions, RepoOptions } from './repo.ts';
export { maxMetadataSize, Repo } from './repo.ts';
export type { Verifier } from './sign/engine-keys.ts';
export { readKeyFile, remoteVerifiers, storedKeys } from './sign/engine-keys.ts';
export {
  engineSignatures,
  engineSignCommit,
  verifyWithEngines,
  verifyWithKeys,
  withEngineSignature,
} from './sign/engine-verify.ts';
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
export { describeGpgResult, describeGpgResults, formatDate } from './sign/gpg-text.ts';
export { listedKeyring, readRemoteKeyring, verificationKeyring } from './sign/keyrings.ts';
export type { CompressPoolOptions } from './store/compress-pool.ts';
export { CompressPool } from './store/compress-pool.ts';
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
export type { Summary, SummaryRef } from './summary/summary-file.ts';
export {
  decodeSummary,
  encodeSummary,
  summaryCollections,
  summaryDeltas,
  summaryKeys,
  summaryType,
} from './summary/summary-file.ts';
export type { Signer, UpdateSummaryOptions } from './summary/update.ts';
export { makeSummary, storeSummary, updateSummary } from './summary/update.ts';
export { rawSummary, viewSummary } from './summary/view.ts';
export type { RepairedObject, RepairResult } from './repair.ts';
export { dropCorrupt, repair } from './repair.ts';
export type { TraverseOptions } from './traverse.ts';
export { allRefTargets, Reachable, traverseCommit, traverseRefs } from './traverse.ts';
export type { TreeEntry } from './tree.ts';
export { findInTree } from './tree.ts';
