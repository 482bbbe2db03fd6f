// @coppice/sysroot: deployments of an ostree repository on a root file system, and the boot menu that starts them.

// ---- Formats: text or bytes <-> values, no I/O.
export { BootConfig } from './bootconfig.ts';
export type { Bit, BootLink } from './bootlinks.ts';
export { bootLinkPath, bootLinkTarget, parseBootLink } from './bootlinks.ts';
export type { BootLoader, BootLoaderContext, ProgramRunner } from './bootloader/bootloader.ts';
export { runProgram } from './bootloader/bootloader.ts';
export { chooseBootLoader } from './bootloader/choose.ts';
export { grub2Menu } from './bootloader/grub2.ts';
export { syslinuxConfig } from './bootloader/syslinux.ts';
export { ubootConfig } from './bootloader/uboot.ts';
export type { CleanupOptions } from './cleanup.ts';
export { cleanupSysroot, cleanupSysrootBeside } from './cleanup.ts';
// ---- Releases of the original, testers' switches, settings of the system repository.
export type { SysrootCompat, SysrootLevel } from './compat.ts';
export { newestSysrootLevel, sysrootCompat } from './compat.ts';
export type { SysrootFlags } from './debugflags.ts';
export { sysrootFlags } from './debugflags.ts';
// ---- The sysroot and what it holds.
export type { DeploymentFields, UnlockedState } from './deployment.ts';
export { Deployment, parseDeploymentName, sameDeployment } from './deployment.ts';
export type { DeployTreeOptions } from './deploytree.ts';
export { deployTree, finalizeDeployment, initializeDeployment, writeOriginFile } from './deploytree.ts';
export { setDefault, setKernelArguments, setPinned, undeploy } from './edit.ts';
export { readEntries } from './entries.ts';
// ---- Parts that stand on their own.
export type { EtcDiff } from './etcdiff.ts';
export { diffEtc } from './etcdiff.ts';
export type { EtcMergeOptions, EtcTrees } from './etcmerge.ts';
export { mergeEtc } from './etcmerge.ts';
export type { DeviceInode, Host } from './host.ts';
export { directoryHost, hostMachine } from './host.ts';
export { KernelArguments, neutralOptions, splitKernelArguments } from './kargs.ts';
export { setKernelArgumentsInPlace } from './kargsinplace.ts';
export type { BootFile, KernelLayout } from './kernel.ts';
export { findKernel } from './kernel.ts';
export type { LockOptions } from './lock.ts';
export { SysrootLock } from './lock.ts';
export { setMutable } from './mutable.ts';
export type { NextRootOptions } from './nextroot.ts';
export { mountNextRoot } from './nextroot.ts';
export { Origin } from './origin.ts';
export { updatePostCopy } from './postcopy.ts';
export { entryTitle, parseOsRelease, shellUnquote } from './osrelease.ts';
export { deploymentPolicy, ensureLabeled, relabelTree } from './policy.ts';
export type { SysrootSettings } from './settings.ts';
export { sysrootSettings } from './settings.ts';
export type { RetainFlags } from './simplewrite.ts';
export { mergeDeploymentFor, pendingAndRollback, simpleDeploymentList } from './simplewrite.ts';
export type { StageOptions } from './staged.ts';
export {
  bootComplete,
  finalizeStaged,
  isFinalizationLocked,
  setFinalizationLocked,
  stageOverlayInitrd,
  stageTree,
} from './staged.ts';
export { mountStateOverlay, pruneStateOverlay } from './stateoverlay.ts';
export { canSoftReboot, clearSoftReboot, prepareSoftReboot } from './softreboot.ts';
export type { StagedState } from './stagedstate.ts';
export { decodeStaged, encodeStaged } from './stagedstate.ts';
// ---- Verbs. Callers hold the lock (`sysroot.lock()`) while they change anything.
export type { InitEpoch } from './stateroot.ts';
export { ensureInitialized, initFs, initStateroot } from './stateroot.ts';
export type { DeploymentStatus, StatusTextOptions } from './status.ts';
export { deploymentStatus, statusJson, statusText } from './status.ts';
export type { SysrootOptions } from './sysroot.ts';
export { Sysroot } from './sysroot.ts';
export type { OverlayMounter } from './unlock.ts';
export { unlockDeployment } from './unlock.ts';
export type { Puller, UpgradeResult, UpgraderOptions } from './upgrader.ts';
export { Upgrader } from './upgrader.ts';
export { strverscmp } from './verscmp.ts';
export type { WriteOptions } from './writedeployments.ts';
export { simpleWriteDeployment, writeDeployments } from './writedeployments.ts';

// ---- What would happen, and what is broken.
export { checkSysroot } from './check.ts';
export type { Finding, FindingCode } from './checkfinding.ts';
export type { DeployPlan, EtcChange, PlannedEntry, PlanOptions } from './plan.ts';
export { planDeploy } from './plan.ts';

// ---- What systemd of a host needs; the units are files in `host/systemd`.
export { parseFstabMounts } from './fstab.ts';
export type { SystemGeneratorOptions } from './systemgenerator.ts';
export { generateSystemUnits } from './systemgenerator.ts';

// ---- Disk images without root.
export type { BuildImageOptions, BuiltImage } from './image/buildimage.ts';
export { buildImage } from './image/buildimage.ts';
export { VirtualFs } from './image/virtualfs.ts';
export { encodeComposefs } from './composefs/erofs.ts';
export { type ComposefsOptions, checkComposefsDigest, composefsOfTree } from './composefs/from-commit.ts';
export { FsVerity } from './composefs/fsverity.ts';
export type { KnownImages } from './composefs/known-images.ts';
export type { ComposefsDirectory, ComposefsFile, ComposefsLink, ComposefsNode } from './composefs/tree.ts';
