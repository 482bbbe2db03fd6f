import { CoppiceError } from '@coppice/base';
import { cleanupSysroot, Upgrader } from '@coppice/sysroot';
import { adminVerb, isOld, reboot } from './call.ts';
import { pullerFor } from './puller.ts';

export const verb = adminVerb({
  summary: 'Construct new tree from current origin and deploy it, if it changed',
  superuser: true,
  options: (level) => [
    { long: 'os', arg: 'OSNAME', help: 'Use a different operating system root than the current one' },
    { long: 'reboot', short: 'r', help: 'Reboot after a successful upgrade' },
    ...(isOld(level) ? [] : [{ long: 'kexec', short: 'k', help: 'Stage new kernel in kexec' }]),
    { long: 'allow-downgrade', help: 'Permit deployment of chronologically older trees' },
    { long: 'override-commit', arg: 'CHECKSUM', help: 'Deploy CHECKSUM instead of the latest tree' },
    { long: 'pull-only', help: 'Do not create a deployment, just download' },
    { long: 'deploy-only', help: 'Do not pull, only deploy' },
    { long: 'stage', help: 'Enable staging (finalization at reboot time)' },
  ],
  async run({ sysroot, options, context, print }) {
    const pullOnly = options.flag('pull-only');
    if (pullOnly && options.flag('deploy-only'))
      throw new CoppiceError('Usage', 'Cannot simultaneously specify --pull-only and --deploy-only');
    if (pullOnly && options.flag('reboot'))
      throw new CoppiceError('Usage', 'Cannot simultaneously specify --pull-only and --reboot');
    const upgrader = new Upgrader(sysroot, {
      osname: options.string('os'),
      stage: options.flag('stage') || context.env['OSTREE_EX_STAGE_DEPLOYMENTS'] !== undefined,
      pull: pullerFor(context, sysroot.repo),
    });
    const origin = upgrader.origin;
    origin.removeTransientState();
    origin.overrideCommit = options.string('override-commit');
    upgrader.setOrigin(origin);
    let changed: boolean;
    try {
      const result = await upgrader.pull({
        allowOlder: options.flag('allow-downgrade'),
        synthetic: options.flag('deploy-only'),
      });
      changed = result.changed;
    } catch (error) {
      // Commits that were fetched in part must not pile up while upgrades fail.
      if (pullOnly) cleanupSysroot(sysroot);
      throw error;
    }
    if (!changed) {
      print('No update available.');
      return;
    }
    if (!pullOnly) upgrader.deploy();
    if (options.flag('reboot')) await reboot(sysroot);
  },
});
