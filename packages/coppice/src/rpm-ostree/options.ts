// Option tables shared by several verbs of rpm-ostree.
import { type GOption, helpOption } from '../cli/goption.ts';

export const versionOption: GOption = { long: 'version', help: 'Print version information and exit' };
export const quietOption: GOption = { long: 'quiet', short: 'q', help: 'Avoid printing most informational messages' };

/** Options of every verb that works on a sysroot. */
export const daemonOptions: readonly GOption[] = [
  { long: 'sysroot', arg: 'SYSROOT', help: 'Use system root SYSROOT (default: /)' },
  { long: 'peer', help: 'Force a peer-to-peer connection instead of using the system message bus' },
];

/** Options of verbs that can also change the layered packages. */
export const packageOptions: readonly GOption[] = [
  { long: 'install', arg: 'PKG', type: 'strings', help: 'Overlay additional package' },
  { long: 'uninstall', arg: 'PKG', type: 'strings', help: 'Remove overlayed additional package' },
];

export const globalOptions: readonly GOption[] = [versionOption, quietOption];

export const stateroot: readonly GOption[] = [
  { long: 'stateroot', arg: 'STATEROOT', help: 'Operate on provided STATEROOT' },
  { long: 'os', arg: 'OSNAME', hidden: true, help: 'Operate on provided OSNAME' },
];

export const reboot: GOption = { long: 'reboot', short: 'r', help: 'Initiate a reboot after operation is complete' };
export const cacheOnly: GOption = {
  long: 'cache-only',
  short: 'C',
  help: 'Do not download latest ostree and RPM data',
};
export const downloadOnly: GOption = {
  long: 'download-only',
  help: "Just download latest ostree and RPM data, don't deploy",
};
export const lockFinalization: GOption = {
  long: 'lock-finalization',
  hidden: true,
  help: 'Prevent automatic deployment finalization on shutdown',
};
export const bypassDriver = (what: string): GOption => ({
  long: 'bypass-driver',
  help: `Force ${what} even if an updates driver is registered`,
});
export const dryRun: GOption = { long: 'dry-run', short: 'n', help: 'Exit after printing the transaction' };
export const unchangedExit = (help: string): GOption => ({ long: 'unchanged-exit-77', help });

/** All options of a verb in the order its help lists them. */
export function verbOptions(own: readonly GOption[], flags: { daemon?: boolean; packages?: boolean } = {}): GOption[] {
  return [
    helpOption,
    ...own,
    ...(flags.daemon === false ? [] : daemonOptions),
    ...(flags.packages === true ? packageOptions : []),
    ...globalOptions,
  ];
}
