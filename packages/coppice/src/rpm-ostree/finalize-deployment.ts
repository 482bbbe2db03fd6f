import { CoppiceError } from '@coppice/base';
import { baseOf } from '@coppice/rpm-ostree';
import { isFinalizationLocked, setFinalizationLocked } from '@coppice/sysroot';
import { stateroot, verbOptions } from './options.ts';
import { inTransaction, openSystem } from './run.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'CHECKSUM',
  summary: 'Unset the finalization locking state of the staged deployment and reboot',
  options: verbOptions([
    ...stateroot,
    { long: 'allow-missing-checksum', help: "Don't error out if no expected checksum is provided" },
    { long: 'allow-unlocked', help: "Don't error out if staged deployment wasn't locked" },
  ]),
  async run(call) {
    const { options } = call;
    const [expected] = options.operands;
    const missing = options.flag('allow-missing-checksum');
    if (options.operands.length > 1) call.usageError('Too many arguments passed');
    if (expected === undefined && !missing)
      call.usageError('Must provide expected CHECKSUM or --allow-missing-checksum');
    if (expected !== undefined && missing) call.usageError('Cannot specify both CHECKSUM and --allow-missing-checksum');
    const system = openSystem(call);
    const { client } = system;
    await inTransaction(system, 'finalize-deployment', async () => {
      const { staged } = client.sysroot;
      if (staged === undefined) throw new CoppiceError('NotFound', 'No pending staged deployment found');
      if (staged.osname !== client.osname)
        throw new CoppiceError('Conflict', `Staged deployment is not for osname '${client.osname}'`);
      // Whoever drives updates knows the commit of the release, not the one with layers.
      const base = baseOf(client.repo, staged.checksum);
      if (expected !== undefined && base !== expected)
        throw new CoppiceError('Conflict', `Expected staged base checksum ${expected}, but found ${base}`);
      if (!isFinalizationLocked(client.sysroot) && !options.flag('allow-unlocked'))
        throw new CoppiceError('Conflict', 'Staged deployment already unlocked');
      setFinalizationLocked(client.sysroot, false);
    });
    client.reboot();
    return 0;
  },
};
