import { CoppiceError } from '@coppice/base';
import {
  baseOf,
  changePackages,
  deployOrigin,
  findUpdate,
  formatCachedUpdate,
  type Origin,
  packageListOf,
  pullBase,
  readDaemonConfig,
  storeUpdate,
  withoutOverrideCommit,
} from '@coppice/rpm-ostree';
import {
  bypassDriver,
  cacheOnly,
  downloadOnly,
  lockFinalization,
  reboot,
  stateroot,
  unchangedExit,
  verbOptions,
} from './options.ts';
import { finishChange, inTransaction, type OpenSystem, openSystem, refuseWithDriver } from './run.ts';
import { statusTextOptions } from './status.ts';
import type { Verb, VerbCall } from './verb.ts';

/** --check and --preview: what an upgrade would bring, which `status` tells from then on; exit status 77 when nothing. */
async function checkForUpdate(system: OpenSystem, call: VerbCall, preview: boolean): Promise<number> {
  const { client, text } = system;
  const update = await inTransaction(system, 'upgrade (check)', async () => {
    const previous = client.originMerge;
    const current = baseOf(client.repo, previous.checksum);
    const origin = withoutOverrideCommit(client.origin(previous));
    const found = await pullBase(client, origin, { allowDowngrade: false, current, commitOnly: true });
    // A commit that does not list its packages has them in its tree.
    if (packageListOf(client.repo.loadCommit(found).metadata) === undefined)
      await pullBase(client, origin, { allowDowngrade: false, current });
    const result = await findUpdate(client, found);
    storeUpdate(client, result);
    return result;
  });
  if (update === undefined) {
    text.line('No updates available.');
    return 77;
  }
  call.context.stdout.write(
    formatCachedUpdate(update, {
      ...statusTextOptions(call.context, client.compat),
      verbose: preview,
      advisories: preview,
    }),
  );
  return 0;
}

export const verb: Verb = {
  summary: 'Perform a system upgrade',
  options: verbOptions(
    [
      ...stateroot,
      reboot,
      { long: 'allow-downgrade', help: 'Permit deployment of chronologically older trees' },
      { long: 'check-diff', hidden: true, help: 'Check for upgrades and print package diff only' },
      { long: 'preview', help: 'Just preview package differences (implies --unchanged-exit-77)' },
      { long: 'check', help: 'Just check if an upgrade is available (implies --unchanged-exit-77)' },
      cacheOnly,
      downloadOnly,
      { long: 'upgrade-unchanged-exit-77', hidden: true, help: 'If no upgrade is available, exit 77' },
      unchangedExit('If no new deployment made, exit 77'),
      {
        long: 'trigger-automatic-update-policy',
        hidden: true,
        help: 'For automated use only; triggered by automatic timer',
      },
      lockFinalization,
      bypassDriver('an upgrade'),
      { long: 'ex-reset-overrides', hidden: true, help: 'Reset overrides before upgrade' },
    ],
    { packages: true },
  ),
  async run(call) {
    const { options } = call;
    const preview = options.flag('preview') || options.flag('check-diff');
    const check = options.flag('check') && !preview;
    const install = options.strings('install');
    const uninstall = options.strings('uninstall');
    if (options.flag('reboot') && preview)
      throw new CoppiceError('Usage', 'Cannot specify both --reboot and --preview');
    if (options.flag('reboot') && check) throw new CoppiceError('Usage', 'Cannot specify both --reboot and --check');
    if (preview && install.length + uninstall.length > 0)
      throw new CoppiceError('Usage', 'Cannot specify both --preview and --install/--uninstall');
    const system = openSystem(call);
    const { client, text } = system;
    const policy = readDaemonConfig(client).automaticUpdatePolicy;
    const automatic = options.flag('trigger-automatic-update-policy');
    if (!automatic && policy === 'stage') text.line('note: automatic updates (stage) are enabled');
    refuseWithDriver(client, options.flag('bypass-driver'));
    if (automatic && policy === 'none') {
      text.line('Automatic updates are not enabled; exiting...');
      return 0;
    }
    if (check || preview || (automatic && policy === 'check')) return await checkForUpdate(system, call, preview);
    let pinned: string | undefined;
    const outcome = await inTransaction(system, 'upgrade', async () => {
      const previous = client.originMerge;
      let origin: Origin = client.origin(previous);
      if (options.flag('ex-reset-overrides'))
        origin = { ...origin, removals: [], localReplacements: [], remoteReplacements: [] };
      // What `deploy` chose is left for what the branch has; only a commit as origin is stayed with.
      origin = withoutOverrideCommit(origin);
      if (origin.refspec?.kind === 'checksum')
        pinned =
          origin.customOrigin === undefined
            ? 'Pinned to commit; no upgrade available'
            : `Pinned to commit by custom origin: ${origin.customOrigin.description}`;
      if (install.length + uninstall.length > 0)
        origin = changePackages(client, origin, baseOf(client.repo, previous.checksum), { install, uninstall });
      return await deployOrigin(client, {
        origin,
        pull: true,
        allowDowngrade: options.flag('allow-downgrade'),
        cacheOnly: options.flag('cache-only'),
        downloadOnly: options.flag('download-only'),
        lockFinalization: options.flag('lock-finalization'),
      });
    });
    return finishChange(system, outcome, {
      reboot: options.flag('reboot') || (automatic && policy === 'apply'),
      unchangedExit77: options.flag('unchanged-exit-77') || options.flag('upgrade-unchanged-exit-77'),
      hint: client.compat.upgradeRebootHint,
      unchanged: pinned ?? 'No upgrade available.',
    });
  },
};
