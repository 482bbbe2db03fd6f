import { cacheDir, cleanupBase, cleanupRepoMetadata, dropDeployments } from '@coppice/rpm-ostree';
import { stateroot, verbOptions } from './options.ts';
import { inTransaction, openSystem } from './run.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  summary: 'Clear cached/pending data',
  options: verbOptions([
    ...stateroot,
    { long: 'base', short: 'b', help: 'Clear temporary files; will leave deployments unchanged' },
    { long: 'pending', short: 'p', help: 'Remove pending deployment' },
    { long: 'rollback', short: 'r', help: 'Remove rollback deployment' },
    { long: 'repomd', short: 'm', help: 'Delete cached rpm repo metadata' },
  ]),
  async run(call) {
    const { options } = call;
    const pending = options.flag('pending');
    const rollback = options.flag('rollback');
    if (!options.flag('base') && !pending && !rollback && !options.flag('repomd'))
      call.usageError('At least one cleanup option must be specified');
    const system = openSystem(call);
    const { client } = system;
    await inTransaction(system, 'cleanup', async () => {
      const dropped = (pending || rollback) && dropDeployments(client, { pending, rollback });
      if ((pending || rollback) && !dropped) client.message('Deployments unchanged.');
      if (options.flag('base') || dropped) await cleanupBase(client, true);
      if (options.flag('repomd')) cleanupRepoMetadata(cacheDir(client));
    });
    return 0;
  },
};
