import { CoppiceError } from '@coppice/base';
import { parseRefspec } from '@coppice/ostree';
import { Origin, Upgrader } from '@coppice/sysroot';
import { adminVerb, isOld, reboot } from './call.ts';
import { pullerFor } from './puller.ts';

export const verb = adminVerb({
  params: 'REFSPEC',
  summary: 'Construct new tree from REFSPEC and deploy it',
  superuser: true,
  options: (level) => [
    { long: 'reboot', short: 'r', help: 'Reboot after switching trees' },
    ...(isOld(level) ? [] : [{ long: 'kexec', short: 'k', help: 'Stage new kernel in kexec' }]),
    { long: 'os', arg: 'OSNAME', help: 'Use a different operating system root than the current one' },
  ],
  async run({ sysroot, operands, options, context, usage, print }) {
    const [wanted] = operands;
    if (wanted === undefined) return usage('REFSPEC must be specified');
    const upgrader = new Upgrader(sysroot, {
      osname: options.string('os'),
      ignoreUnconfigured: true,
      pull: pullerFor(context, sysroot.repo),
    });
    const old = upgrader.refspec;
    const oldRefspec = old.remote === undefined ? old.ref : `${old.remote}:${old.ref}`;
    // `REMOTE:` changes only the remote.
    const target = wanted.endsWith(':') ? { remote: wanted.slice(0, -1), ref: old.ref } : parseRefspec(wanted);
    const remote = target.remote ?? old.remote;
    const refspec = remote === undefined ? target.ref : `${remote}:${target.ref}`;
    if (refspec === upgrader.origin.refspec)
      throw new CoppiceError('Conflict', `Old and new refs are equal: ${refspec}`);
    upgrader.setOrigin(Origin.fromRefspec(refspec));
    await upgrader.pull({ allowOlder: true });
    upgrader.deploy();
    // Even when another deployment has it as its origin.
    print(`Deleting ref '${old.remote ?? '(null)'}:${old.ref}'`);
    sysroot.repo.setRef(oldRefspec, null);
    if (options.flag('reboot')) await reboot(sysroot);
  },
});
