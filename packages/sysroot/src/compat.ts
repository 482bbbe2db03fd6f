/** Release of the original whose files, messages and rules are followed. */
export type SysrootLevel = '2019.6' | '2022.7' | '2026.4';

/** What differs between releases of the original; nothing else in this package asks for the release. */
export interface SysrootCompat {
  /** Entry files are named `ostree-N-STATEROOT.conf`, later `ostree-N.conf`. */
  readonly stateRootInEntryName: boolean;
  /** A new stateroot gets an empty `var`, filled by the first deployment; before, the legacy skeleton at once. */
  readonly initialVar: boolean;
  /** `ostree/deploy/OS/backing/CSUM.SERIAL` is made beside each deployment. */
  readonly backingDirectory: boolean;
  /** `stateroot-init`'s word, and the check before a checkout. */
  readonly stateRootWord: 'stateroot' | 'root';
  readonly requireStateRoot: boolean;
  /** `cleanup` tells how much the prune of the repository freed. */
  readonly cleanupPrintsFreed: boolean;
  /** Quoted spaces do not split kernel arguments. */
  readonly quotedKernelArguments: boolean;
  /** The lock of a staged deployment is recorded in its state file, not only as a separate file. */
  readonly stagedLockInState: boolean;
  /** Android boot images are installed and named in the entries as `aboot` and `abootcfg`. */
  readonly androidImages: boolean;
  /** `sysroot.boot-counting-tries` is honoured. */
  readonly bootCounting: boolean;
  /** `sysroot.bootprefix` is honoured. */
  readonly bootPrefix: boolean;
  /** Boot directories are pruned before a deployment that would not fit. */
  readonly earlyPrune: boolean;
  /** `.ostree.cfs` is made for each deployment. */
  readonly composefs: boolean;
  /** A special file inside a directory that /etc got locally fails the merge. */
  readonly etcRefusesSpecial: boolean;
  /** The generator looks for /run/ostree first. */
  readonly generatorNeedsRun: boolean;
  /** A deployment can be mounted for a soft reboot, and is found as booted after it. */
  readonly softReboot: boolean;
  /** The generator's mounts survive a soft reboot. */
  readonly softRebootMounts: boolean;
  /** A sysroot whose /boot is a FAT file system, without links, is refused. */
  readonly refusesFatBoot: boolean;
  /** Errors of a deployment say in which step they came up. */
  readonly stepPrefixes: boolean;
  /** An empty /etc in a tree with /usr/etc is dropped, not refused. */
  readonly dropsEmptyEtc: boolean;
  /** zipl is told whether this system was started by secure boot. */
  readonly ziplSecureBoot: boolean;
  /** The program that makes images for secure execution. */
  readonly protectedImages: 'genprotimg' | 'pvimg';
  /** Flag of `semodule` that rebuilds a policy whose modules changed. */
  readonly semoduleRefresh: '--refresh' | '--rebuild-if-modules-changed';
}

const old: SysrootCompat = {
  stateRootInEntryName: true,
  initialVar: false,
  backingDirectory: false,
  stateRootWord: 'root',
  requireStateRoot: false,
  cleanupPrintsFreed: true,
  quotedKernelArguments: false,
  stagedLockInState: false,
  androidImages: false,
  bootCounting: false,
  bootPrefix: false,
  earlyPrune: false,
  composefs: false,
  etcRefusesSpecial: true,
  generatorNeedsRun: false,
  softReboot: false,
  softRebootMounts: false,
  refusesFatBoot: false,
  stepPrefixes: false,
  dropsEmptyEtc: false,
  ziplSecureBoot: false,
  protectedImages: 'genprotimg',
  semoduleRefresh: '--rebuild-if-modules-changed',
};

const table: Readonly<Record<SysrootLevel, SysrootCompat>> = {
  '2019.6': old,
  '2022.7': old,
  '2026.4': {
    stateRootInEntryName: false,
    initialVar: true,
    backingDirectory: true,
    stateRootWord: 'stateroot',
    requireStateRoot: true,
    cleanupPrintsFreed: false,
    quotedKernelArguments: true,
    stagedLockInState: true,
    androidImages: true,
    bootCounting: true,
    bootPrefix: true,
    earlyPrune: true,
    composefs: true,
    etcRefusesSpecial: false,
    generatorNeedsRun: true,
    softReboot: true,
    softRebootMounts: true,
    refusesFatBoot: true,
    stepPrefixes: true,
    dropsEmptyEtc: true,
    ziplSecureBoot: true,
    protectedImages: 'pvimg',
    semoduleRefresh: '--refresh',
  },
};

export const newestSysrootLevel: SysrootLevel = '2026.4';

export function sysrootCompat(level: SysrootLevel): SysrootCompat {
  return table[level];
}
