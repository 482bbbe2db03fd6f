import { CoppiceError } from '@coppice/base';
import { Client, deployOrigin } from '@coppice/rpm-ostree';
import { lockFinalization, reboot, stateroot, verbOptions } from './options.ts';
import { inTransaction, openSystem } from './run.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  summary: 'Enable or disable local initramfs regeneration',
  options: verbOptions([
    ...stateroot,
    { long: 'enable', help: 'Enable regenerating initramfs locally using dracut' },
    { long: 'arg', arg: 'ARG', type: 'strings', help: 'Append ARG to the dracut arguments' },
    { long: 'disable', help: 'Disable regenerating initramfs locally' },
    reboot,
    lockFinalization,
  ]),
  async run(call) {
    const { options, context } = call;
    const enable = options.flag('enable');
    const disable = options.flag('disable');
    const args = options.strings('arg');
    if (!enable && !disable) {
      if (options.flag('reboot')) throw new CoppiceError('Usage', '--reboot must be used with --enable or --disable');
      if (args.length > 0) throw new CoppiceError('Usage', '--arg must be used with --enable');
      const sysroot = options.string('sysroot');
      const client = Client.open({ ...(sysroot === undefined ? {} : { sysroot }), env: context.env });
      const origin = client.origin(client.originMerge);
      context.stdout.write(`Initramfs regeneration: ${origin.regenerateInitramfs ? 'enabled' : 'disabled'}\n`);
      if (origin.initramfsArgs.length > 0)
        context.stdout.write(`Initramfs args: ${origin.initramfsArgs.map((a) => `${a} `).join('')}\n`);
      return 0;
    }
    if (enable && disable) throw new CoppiceError('Usage', 'Cannot simultaenously specify --enable and --disable');
    if (disable && args.length > 0)
      throw new CoppiceError('Usage', 'Cannot simultaenously specify --disable and --arg');
    const system = openSystem(call);
    const { client } = system;
    const outcome = await inTransaction(system, 'initramfs', async () => {
      const previous = client.originMerge;
      const before = client.origin(previous);
      // With arguments it is made again in any case: what they refer to may have changed.
      const same = before.regenerateInitramfs === enable && before.initramfsArgs.length === 0 && args.length === 0;
      if (same)
        throw new CoppiceError(
          'Conflict',
          `initramfs regeneration state is already ${enable ? 'enabled' : 'disabled'}`,
        );
      return await deployOrigin(client, {
        origin: { ...before, regenerateInitramfs: enable, initramfsArgs: enable ? args : [] },
        pull: false,
        cacheOnly: true,
        always: true,
        lockFinalization: options.flag('lock-finalization'),
        showSteps: true,
      });
    });
    if (outcome.changed && options.flag('reboot')) client.reboot();
    system.text.line(`Initramfs regeneration is now: ${enable ? 'enabled' : 'disabled'}`);
    if (!enable) system.text.line('Initramfs will be reset to default on next reboot.');
    return 0;
  },
};
