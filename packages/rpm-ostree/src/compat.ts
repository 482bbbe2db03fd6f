// Everything that differs between the two supported levels, and nothing else: 2020.1 prints what the releases of early
// 2020 printed, 2026.2 what today's do.

export type RpmOstreeLevel = '2020.1' | '2026.2';

export interface RpmOstreeCompat {
  readonly level: RpmOstreeLevel;
  /** Put before an ostree refspec in `status`. */
  readonly refspecPrefix: string;
  /** Width of the widest key of `status`, to which all keys are aligned. */
  readonly statusKeyWidth: number;
  /** `AutomaticUpdates: disabled` is printed without --verbose. */
  readonly alwaysShowAutomaticUpdates: boolean;
  /** Keys of `status` for base packages replaced by local files. */
  readonly localOverridesKey: string;
  readonly inactiveLocalOverridesKey: string;
  /** What stands between a step and its result when the output is no terminal: `Step...done` or `Step... done`. */
  readonly stepSeparator: string;
  /** `Importing packages... done: N` instead of `... done`; `solvables: N` in the repository line. */
  readonly countsInSteps: boolean;
  /** The steps of an assembly are printed even when no package is added (then only staging is). */
  readonly assemblySteps: boolean;
  /** `Freed: ...` is printed after a deployment, not only by cleanup. */
  readonly freedAfterDeploy: boolean;
  /** Punctuation after `Receiving objects`. */
  readonly receivingSeparator: string;
  /** Last line of install, uninstall, rebase, rollback, kargs and reset. */
  readonly rebootHint: string;
  /** Last line of upgrade, deploy, override and initramfs-etc. */
  readonly upgradeRebootHint: string;
  /** The line about the boot loader names the boot version. */
  readonly bootversionInSummary: boolean;
  /** Verbs, fields and checks that came after 2020.1. */
  readonly modern: boolean;
}

const rebootHint = 'Run "systemctl reboot" to start a reboot';

export const rpmOstreeCompat: Readonly<Record<RpmOstreeLevel, RpmOstreeCompat>> = {
  '2020.1': {
    level: '2020.1',
    refspecPrefix: 'ostree://',
    statusKeyWidth: 'InactiveBaseReplacements'.length,
    alwaysShowAutomaticUpdates: true,
    localOverridesKey: 'LocalOverrides',
    inactiveLocalOverridesKey: 'InactiveBaseReplacements',
    stepSeparator: ' ',
    countsInSteps: false,
    assemblySteps: false,
    freedAfterDeploy: false,
    receivingSeparator: ':',
    rebootHint,
    upgradeRebootHint: rebootHint,
    bootversionInSummary: false,
    modern: false,
  },
  '2026.2': {
    level: '2026.2',
    refspecPrefix: '',
    statusKeyWidth: 'InactiveRemoteOverrides'.length,
    alwaysShowAutomaticUpdates: false,
    localOverridesKey: 'LocalOverrides',
    inactiveLocalOverridesKey: 'InactiveLocalOverrides',
    stepSeparator: '',
    countsInSteps: true,
    assemblySteps: true,
    freedAfterDeploy: true,
    receivingSeparator: ';',
    rebootHint: `Changes queued for next boot. ${rebootHint}`,
    upgradeRebootHint: rebootHint,
    bootversionInSummary: true,
    modern: true,
  },
};

/** The level asked for by `COPPICE_COMPAT=rpm-ostree=LEVEL` or `COPPICE_ERA=2020`; the newest otherwise. */
export function rpmOstreeLevel(env: Readonly<Record<string, string | undefined>>): RpmOstreeCompat {
  for (const entry of (env['COPPICE_COMPAT'] ?? '').split(',')) {
    const [name, level] = entry.trim().split('=');
    if (name === 'rpm-ostree' && level !== undefined && Object.hasOwn(rpmOstreeCompat, level)) {
      return rpmOstreeCompat[level as RpmOstreeLevel];
    }
  }
  return rpmOstreeCompat[env['COPPICE_ERA'] === '2020' ? '2020.1' : '2026.2'];
}
