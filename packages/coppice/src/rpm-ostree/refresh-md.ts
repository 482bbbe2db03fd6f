import { baseOf, loadRepositories } from '@coppice/rpm-ostree';
import { stateroot, verbOptions } from './options.ts';
import { inTransaction, openSystem } from './run.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  summary: 'Generate rpm repo metadata',
  options: verbOptions([...stateroot, { long: 'force', short: 'f', help: 'Expire current cache' }]),
  async run(call) {
    const system = openSystem(call);
    const { client } = system;
    await inTransaction(system, 'refresh-md', () =>
      loadRepositories(client, baseOf(client.repo, client.originMerge.checksum), { force: call.options.flag('force') }),
    );
    return 0;
  },
};
