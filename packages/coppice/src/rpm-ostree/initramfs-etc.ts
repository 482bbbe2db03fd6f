import { CoppiceError } from '@coppice/base';
import { Client, deployOrigin } from '@coppice/rpm-ostree';
import { lockFinalization, reboot, stateroot, unchangedExit, verbOptions } from './options.ts';
import { finishChange, inTransaction, openSystem } from './run.ts';
import type { Verb } from './verb.ts';

/** `ex initramfs-etc`: as it was called at first. */
export const formerVerb: Verb = {
  get summary() {
    return verb.summary;
  },
  get options() {
    return verb.options;
  },
  run(call) {
    call.context.stderr.write(
      'NOTICE: This command is now stable and no longer requires `ex`.\nNOTICE: Please update scripts; support for this alias will be removed.\n',
    );
    return verb.run(call);
  },
};

export const verb: Verb = {
  summary: 'Add files to the initramfs',
  options: verbOptions([
    ...stateroot,
    { long: 'force-sync', help: 'Deploy a new tree with the latest tracked /etc files' },
    { long: 'track', arg: 'FILE', type: 'strings', help: 'Track root /etc file' },
    { long: 'untrack', arg: 'FILE', type: 'strings', help: 'Untrack root /etc file' },
    { long: 'untrack-all', help: 'Untrack all root /etc files' },
    reboot,
    lockFinalization,
    unchangedExit('If no new deployment made, exit 77'),
  ]),
  async run(call) {
    const { options, context } = call;
    const track = options.strings('track');
    const untrack = options.strings('untrack');
    const changes = track.length + untrack.length > 0 || options.flag('untrack-all') || options.flag('force-sync');
    if (!changes) {
      if (options.flag('reboot'))
        throw new CoppiceError(
          'Usage',
          'Cannot use ---reboot without --track, --untrack, --untrack-all, or --force-sync',
        );
      const sysroot = options.string('sysroot');
      const client = Client.open({ ...(sysroot === undefined ? {} : { sysroot }), env: context.env });
      const files = [...client.origin(client.originMerge).initramfsEtc].sort();
      context.stdout.write(
        files.length === 0 ? 'No tracked files.\n' : `Tracked files:\n${files.map((f) => `  ${f}\n`).join('')}`,
      );
      return 0;
    }
    const system = openSystem(call);
    const { client } = system;
    const outcome = await inTransaction(system, 'initramfs-etc', async () => {
      const previous = client.originMerge;
      const before = client.origin(previous);
      let files = options.flag('untrack-all') ? [] : before.initramfsEtc.filter((f) => !untrack.includes(f));
      files = [...files, ...track.filter((f) => !files.includes(f))];
      const same = [...files].sort().join('\0') === [...before.initramfsEtc].sort().join('\0');
      if (same && !options.flag('force-sync')) return { changed: false, base: previous.checksum, previous };
      const outside = files.find((f) => !f.startsWith('/etc/'));
      if (outside !== undefined) throw new CoppiceError('Usage', `Path outside /etc forbidden: ${outside}`);
      return await deployOrigin(client, {
        origin: { ...before, initramfsEtc: files },
        pull: false,
        cacheOnly: true,
        always: true,
        lockFinalization: options.flag('lock-finalization'),
      });
    });
    return finishChange(system, outcome, {
      reboot: options.flag('reboot'),
      unchangedExit77: options.flag('unchanged-exit-77'),
      hint: client.compat.upgradeRebootHint,
      unchanged: 'No changes.',
      diff: false,
    });
  },
};
