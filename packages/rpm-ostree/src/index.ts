// @coppice/rpm-ostree: trees from packages. Composing base commits, layering packages on a node, explaining what changed.

// ---- Trees in the making.
export type { LayerOptions, LayerPackage } from './assemble/layer.ts';
export { layerPackages } from './assemble/layer.ts';
// ---- A node.
export type { ClientOptions } from './client/client.ts';
export { Client } from './client/client.ts';
export { diffCommits, packagesOf } from './client/packages-of.ts';
export { statusOfDeployment, systemStatus } from './client/status.ts';
// ---- What commits say about themselves.
export { baseOf, isLayered, repoStamps, versionOf } from './commit-facts.ts';
// ---- Levels of the original.
export type { RpmOstreeCompat, RpmOstreeLevel } from './compat.ts';
export { rpmOstreeCompat, rpmOstreeLevel } from './compat.ts';
// ---- Composing.
export type { ComposeOptions, ComposeResult } from './compose/compose.ts';
export { checkBuildable, composeCommit, importAll } from './compose/compose.ts';
export type {
  ComposeRepository,
  ComposeTreeOptions,
  ComposeTreeResult,
  SolvedPackage,
  SolvedTree,
} from './compose/compose-tree.ts';
export { composeTree, fetchSolved, solveTree } from './compose/compose-tree.ts';
export { commitRoot, installRoot, postprocessRoot } from './compose/stages.ts';
export { cliwrapPrograms, wrapPrograms, wrappedDirectory, wrapperFor } from './assemble/cliwrap.ts';
// ---- RPMs into commits.
export { encodeFileCapabilities, parseCapabilities } from './import/filecaps.ts';
export type { ImportedPackage, ImportOptions } from './import/package-commit.ts';
export { findImportedPackage, importPackage, loadImportedPackage } from './import/package-commit.ts';
export type { ImportPath } from './import/path.ts';
export { importPath, rewriteImportPath } from './import/path.ts';
export type { TmpfilesEntry } from './import/tmpfiles.ts';
export { formatTmpfiles, formatTmpfilesEntry, mergeTmpfiles } from './import/tmpfiles.ts';
// ---- Names: packages, refs, refspecs.
export type { Nevra } from './nevra.ts';
export { compareEvr, formatEvr, formatNevra, parseNevra } from './nevra.ts';
// ---- Origins.
export type { LocalPackage, Origin, RemoteOverride } from './origin.ts';
export {
  emptyOrigin,
  formatOrigin,
  hasPackageChanges,
  needsAssembly,
  originKeyFile,
  originOfRefspec,
  originsEqual,
  withoutOverrideCommit,
  parseOrigin,
} from './origin.ts';
// ---- Called while an image is built.
export type { KernelInstallOptions } from './assemble/kernel-install.ts';
export { kernelInstall } from './assemble/kernel-install.ts';
// ---- Being counted.
export type { CountmeCookie } from './countme.ts';
export { countmeAt, countmeBucket, countmeUserAgent, isCounted, parseCountmeCookie } from './countme.ts';
export type { CountmeOptions } from './client/send-countme.ts';
export { sendCountme } from './client/send-countme.ts';
// ---- Files of an image.
export { mutateOsRelease, parseOsRelease } from './os-release.ts';
export type { GroupEntry, PasswdEntry } from './passwd.ts';
export {
  addAltfiles,
  blankShadowDates,
  formatGroup,
  formatPasswd,
  parseGroup,
  parsePasswd,
  splitGroup,
  splitPasswd,
} from './passwd.ts';
// ---- Package lists and their differences.
export { nevraOfInstalled } from './rpmdb.ts';
export type { PackageChange, PackageDiff } from './pkgdiff.ts';
export {
  comparePackages,
  diffPackages,
  formatPackageDiff,
  formatPackageDiffMerged,
  isEmptyDiff,
  summarizePackageDiff,
} from './pkgdiff.ts';
export { packageListKey, packageListOf, packageListVariant } from './pkglist.ts';
export { escapeRefComponent, packageOfRef, packageRef, packageRefPrefix, unescapeRefComponent } from './pkgref.ts';
export type { ContainerReference, Refspec, SignatureSource } from './refspec.ts';
export {
  formatContainerReference,
  formatRefspec,
  parseContainerReference,
  parseRefspec,
  resolveRebaseTarget,
} from './refspec.ts';
export { advisoriesJson, deploymentJson, packageDiffJson, statusJson } from './status/json.ts';
// ---- Status.
export type { Json } from './status/json-glib.ts';
export { formatJsonGlib } from './status/json-glib.ts';
export type {
  Advisory,
  CachedUpdate,
  DeploymentStatus,
  Replacement,
  RepoStamp,
  SignatureStatus,
  SystemStatus,
} from './status/model.ts';
export { deploymentId } from './status/model.ts';
export type { StatusTextOptions } from './status/text.ts';
export { formatCachedUpdate, formatStatus } from './status/text.ts';
export { formatTimestamp } from './status/timestamp.ts';
export { TreeDirectory } from './tree/directory.ts';
export type { FileAttributes, TreeNode } from './tree/image-tree.ts';
export { ImageTree } from './tree/image-tree.ts';
// ---- Treefiles and lockfiles.
export type { Variable } from './treefile/condition.ts';
export { evaluateCondition } from './treefile/condition.ts';
export type { Plain, TreefileDocument } from './treefile/document.ts';
export { checkTreefileDocument, parseTreefileDocument } from './treefile/document.ts';
export type { LoadedTreefile, TreefileSource } from './treefile/load.ts';
export { loadTreefile, mergeTreefiles } from './treefile/load.ts';
export type { LockedPackage, Lockfile } from './treefile/lockfile.ts';
export { mergeLockfiles, parseLockfile } from './treefile/lockfile.ts';
export type { Treefile } from './treefile/treefile.ts';
export { typeTreefile } from './treefile/treefile.ts';
export { nextVersion } from './treefile/version.ts';
export type { AssembleOptions } from './client/assemble.ts';
export type { ApplyLiveOptions, ApplyLiveOutcome } from './client/apply-live.ts';
export { applyLive } from './client/apply-live.ts';
export type { LiveHost } from './client/live-host.ts';
export type { CleanupReport } from './client/cleanup.ts';
export { cleanupBase, cleanupRepoMetadata, dropDeployments } from './client/cleanup.ts';
export { checkPackageSignature, keyringOfFiles } from './client/package-signature.ts';
export { findUpdate, loadUpdate, storeUpdate } from './client/cached-update.ts';
export { readDaemonConfig, registerDriver } from './client/daemon-config.ts';
export type { DeployOutcome, DeployRequest } from './client/deploy.ts';
export { deployOrigin, kernelArgumentsOf } from './client/deploy.ts';
export type { HistoryEntry } from './client/history.ts';
export { readHistory } from './client/history.ts';
export { knownPackageNames } from './client/known-packages.ts';
export type { BuildServices } from './client/build-service.ts';
export { BuildService, fedoraServices } from './client/build-service.ts';
export type { OverrideChange } from './client/override.ts';
export { withPackageFiles } from './client/package-arguments.ts';
export { changeOverrides } from './client/override.ts';
export { checkBranch, findVersion, pullBase } from './client/pull-base.ts';
export { rebootSystem } from './client/reboot.ts';
export { cacheDir, enabledRepositories, loadRepositories, refreshRepository } from './client/repo-metadata.ts';
export type { Repository } from './client/repository.ts';
export { readRepositories, repositoryVariables } from './client/repository.ts';
export type { PackageChangeOptions } from './client/request.ts';
export { changePackages, importLocalPackage } from './client/request.ts';
export type { SearchResult } from './client/search.ts';
export { searchPackages } from './client/search.ts';
export { rollback } from './client/rollback.ts';
export type { RunningTransaction } from './client/transaction-lock.ts';
export {
  attachToTransaction,
  cancelTransaction,
  runningTransaction,
  withTransaction,
} from './client/transaction-lock.ts';
export { followTransaction } from './client/transaction-socket.ts';
export { advisoriesOfCommit, newAdvisories } from './advisory-list.ts';
export { formatChangelogDiff } from './changelog-diff.ts';
export { advisoriesFor, cachedAdvisories, statusAdvisory } from './client/advisories.ts';
export { formatAdvisories } from './status/advisory-text.ts';
// ---- Looking ahead, and lists of what is in a tree.
export type { Obstacle, PathChange, Plan } from './plan/model.ts';
export type { PlanOptions } from './plan/plan.ts';
export { planChange } from './plan/plan.ts';
export { formatPlan, planJson } from './plan/text.ts';
export type { BillOfMaterials } from './sbom/bill.ts';
export { billOfMaterials } from './sbom/bill.ts';
export { cycloneDx } from './sbom/cyclonedx.ts';
export { spdx } from './sbom/spdx.ts';
// ---- Commits as container images.
export type { EncapsulatedImage, EncapsulateOptions } from './container/encapsulate.ts';
export { contentMetadata, encapsulate } from './container/encapsulate.ts';
export { writeContainerRoot } from './container/container-root.ts';
export { changeRoot } from './container/change-root.ts';
export { takeEmbeddedCommit } from './container/embedded-commit.ts';
export { componentsOfManifest } from './container/chunks.ts';
export type { ComponentFacts } from './container/components.ts';
export { defaultLayers } from './container/packing.ts';
export { diffManifests, formatManifestDiff, imageLabels } from './container/manifest-diff.ts';
export type { PlainImage } from './container/plain-image.ts';
export { readPlainImage } from './container/plain-image.ts';
export type { ImportedImage, ImportImageOptions } from './container/import-image.ts';
export { importImage } from './container/import-image.ts';
export { openImage, writeImage } from './container/open-image.ts';
export type { RegistryAccess } from './container/registry-access.ts';
export { registryOptions, systemAccess, userAccess } from './container/registry-access.ts';
