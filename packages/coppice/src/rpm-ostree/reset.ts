import { baseOf, changePackages, deployOrigin, withoutOverrideCommit } from '@coppice/rpm-ostree';
import { lockFinalization, reboot, stateroot, verbOptions } from './options.ts';
import { finishChange, inTransaction, openSystem } from './run.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  summary: 'Remove all mutations',
  options: verbOptions(
    [
      ...stateroot,
      reboot,
      { long: 'overlays', short: 'l', help: 'Remove all overlayed packages' },
      { long: 'overrides', short: 'o', help: 'Remove all overrides' },
      { long: 'initramfs', short: 'i', help: 'Stop regenerating initramfs or tracking files' },
      lockFinalization,
    ],
    { packages: true },
  ),
  async run(call) {
    const { options } = call;
    if (options.operands.length > 0) call.usageError('Too few or too many arguments');
    const all = !options.flag('overlays') && !options.flag('overrides') && !options.flag('initramfs');
    const system = openSystem(call);
    const { client } = system;
    const outcome = await inTransaction(system, 'reset', async () => {
      const previous = client.originMerge;
      let origin = withoutOverrideCommit(client.origin(previous));
      if (all || options.flag('overlays'))
        origin = { ...origin, packages: [], localPackages: [], localFileOverrides: [] };
      if (all || options.flag('overrides'))
        origin = { ...origin, removals: [], localReplacements: [], remoteReplacements: [] };
      if (all || options.flag('initramfs'))
        origin = { ...origin, regenerateInitramfs: false, initramfsArgs: [], initramfsEtc: [] };
      if (all) origin = { ...origin, cliwrap: false };
      const install = options.strings('install');
      const uninstall = options.strings('uninstall');
      if (install.length + uninstall.length > 0)
        origin = changePackages(client, origin, baseOf(client.repo, previous.checksum), {
          install,
          uninstall,
          allowInactive: true,
        });
      return await deployOrigin(client, {
        origin,
        pull: false,
        cacheOnly: install.length === 0,
        lockFinalization: options.flag('lock-finalization'),
      });
    });
    return finishChange(system, outcome, {
      reboot: options.flag('reboot'),
      unchangedExit77: false,
      hint: client.compat.rebootHint,
      unchanged: 'No change.',
    });
  },
};
