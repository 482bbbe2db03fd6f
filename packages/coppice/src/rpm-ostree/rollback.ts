import { rollback } from '@coppice/rpm-ostree';
import { reboot, verbOptions } from './options.ts';
import { openSystem, printPending } from './run.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  summary: 'Revert to the previously booted tree',
  options: verbOptions([reboot]),
  async run(call) {
    const system = openSystem(call);
    const { client, text } = system;
    const before = client.originMerge.checksum;
    try {
      await rollback(client);
    } catch (error) {
      text.abort();
      throw error;
    }
    if (call.options.flag('reboot')) {
      client.reboot();
      return 0;
    }
    printPending(system, before);
    text.line(client.compat.rebootHint);
    return 0;
  },
};
