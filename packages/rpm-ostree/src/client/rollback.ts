// `rollback`: the deployment that is not the default becomes it, and back again.
import { CoppiceError } from '@coppice/base';
import { sameDeployment, writeDeployments } from '@coppice/sysroot';
import { cleanupBase } from './cleanup.ts';
import type { Client } from './client.ts';
import { withTransaction } from './transaction-lock.ts';

/** Reorders the deployments. Throws `NotFound` when there is nothing to go back to, `Conflict` for a staged one. */
export async function rollback(client: Client): Promise<void> {
  await withTransaction(client, 'rollback', async () => {
    const { sysroot } = client;
    const { pending, rollback: previous } = sysroot.pendingAndRollback(client.osname);
    if (previous === undefined && pending?.staged === true)
      throw new CoppiceError('Conflict', 'Staged deployment (remove with cleanup -p)');
    // With only something pending, going back means staying with what is booted: the undoing of a rollback.
    const undo =
      sysroot.booted === undefined ? client.deployments[1] : pending === undefined ? undefined : sysroot.booted;
    const chosen = previous ?? undo;
    if (chosen === undefined) throw new CoppiceError('NotFound', 'No rollback deployment found');
    client.message(`Moving '${chosen.name}' to be first deployment`);
    const list = [chosen, ...sysroot.deployments.filter((d) => !sameDeployment(d, chosen))];
    writeDeployments(sysroot, list, { cleanup: false });
    await cleanupBase(client, client.compat.freedAfterDeploy);
  });
}
