import { CoppiceError } from '@coppice/base';
import {
  type ApplyLiveOutcome,
  applyLive,
  baseOf,
  changePackages,
  type DeployOutcome,
  deployOrigin,
  withoutOverrideCommit,
  withPackageFiles,
} from '@coppice/rpm-ostree';
import { printApplied } from './apply-live.ts';
import { changeImage, containerOptions, inContainer } from './container-options.ts';
import {
  cacheOnly,
  downloadOnly,
  dryRun,
  lockFinalization,
  reboot,
  stateroot,
  unchangedExit,
  verbOptions,
} from './options.ts';
import { confirmOrAbort, finishChange, inTransaction, type OpenSystem, openSystem, printPending } from './run.ts';
import type { Verb, VerbCall } from './verb.ts';

/** Options that install and uninstall share. */
export const packageChangeOptions = [
  ...stateroot,
  reboot,
  dryRun,
  { long: 'assumeyes', short: 'y', help: 'Auto-confirm interactive prompts for non-security questions' },
  { long: 'allow-inactive', help: 'Allow inactive package requests' },
  { long: 'idempotent', help: 'Do nothing if package already (un)installed' },
  unchangedExit('If no overlays were changed, exit 77'),
  lockFinalization,
] as const;

interface PackageChange {
  readonly install: readonly string[];
  readonly uninstall: readonly string[];
  readonly uninstallAll?: boolean;
  readonly offline: boolean;
  /** Also to the running tree, once the deployment is written. */
  readonly applyLive?: boolean;
  readonly title: string;
}

async function deployChange(
  { options }: VerbCall,
  { client }: OpenSystem,
  change: PackageChange,
  dryRun: boolean,
): Promise<DeployOutcome> {
  const previous = client.originMerge;
  const before = client.origin(previous);
  const origin = await withPackageFiles(client, change.install, {}, (install) =>
    changePackages(client, withoutOverrideCommit(before), baseOf(client.repo, previous.checksum), {
      install,
      uninstall: change.uninstall,
      uninstallAll: change.uninstallAll ?? false,
      allowInactive: options.flag('allow-inactive'),
      idempotent: options.flag('idempotent'),
      forceReplaceFiles: options.flag('force-replacefiles'),
    }),
  );
  return await deployOrigin(client, {
    origin,
    pull: false,
    showSteps: change.install.length > 0,
    cacheOnly: change.offline,
    downloadOnly: options.flag('download-only'),
    dryRun,
    lockFinalization: options.flag('lock-finalization'),
  });
}

/** Installs and uninstalls in one deployment. */
export async function changeLayeredPackages(call: VerbCall, change: PackageChange): Promise<number> {
  const { options } = call;
  if (change.applyLive === true && options.flag('reboot'))
    throw new CoppiceError('Usage', 'Cannot specify `apply-live` and `reboot`');
  const system = openSystem(call);
  const { client } = system;
  let live: ApplyLiveOutcome | undefined;
  // Into the running tree only what was seen before.
  if (change.applyLive === true && call.context.stdin.isTTY && !options.flag('assumeyes') && !options.flag('dry-run')) {
    await inTransaction(system, `${change.title} (preview)`, () => deployChange(call, system, change, true));
    confirmOrAbort(call.context);
  }
  const outcome = await inTransaction(system, change.title, async () => {
    const deployed = await deployChange(call, system, change, options.flag('dry-run'));
    if (change.applyLive === true && deployed.deployment !== undefined)
      live = await applyLive(client, { target: deployed.deployment.checksum });
    return deployed;
  });
  if (live !== undefined) {
    printPending(system, outcome.previous.checksum);
    printApplied(system, live);
    return 0;
  }
  return finishChange(system, outcome, {
    reboot: options.flag('reboot'),
    unchangedExit77: options.flag('unchanged-exit-77'),
    hint: client.compat.rebootHint,
    ...(options.flag('dry-run') ? {} : { unchanged: 'No change.' }),
  });
}

export const verb: Verb = {
  params: 'PACKAGE [PACKAGE...]',
  summary: 'Overlay additional packages',
  options: verbOptions([
    ...packageChangeOptions,
    { long: 'uninstall', arg: 'PKG', type: 'strings', help: 'Remove overlayed additional package' },
    cacheOnly,
    downloadOnly,
    { long: 'apply-live', short: 'A', help: 'Apply changes to both pending deployment and running filesystem tree' },
    ...containerOptions,
    { long: 'force-replacefiles', help: 'Allow package to replace files from other packages' },
  ]),
  async run(call) {
    const { options } = call;
    if (options.operands.length === 0) call.usageError('At least one PACKAGE must be specified');
    if (inContainer(call)) return await changeImage(call, options.operands, options.strings('uninstall'));
    return await changeLayeredPackages(call, {
      install: options.operands,
      uninstall: options.strings('uninstall'),
      offline: options.flag('cache-only'),
      applyLive: options.flag('apply-live'),
      title: `install ${options.operands.join(' ')}`,
    });
  },
};
