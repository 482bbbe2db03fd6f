import { Client, cancelTransaction } from '@coppice/rpm-ostree';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  summary: 'Cancel an active transaction',
  options: verbOptions([]),
  async run({ context, options }) {
    const sysroot = options.string('sysroot');
    const client = Client.open({ ...(sysroot === undefined ? {} : { sysroot }), env: context.env });
    const cancelled = await cancelTransaction(client, (title) => {
      context.stdout.write(`Cancelling transaction: ${title}\n`);
      context.stdout.flush();
    });
    context.stdout.write(cancelled ? 'Cancelled.\n' : 'No active transaction.\n');
    return 0;
  },
};
