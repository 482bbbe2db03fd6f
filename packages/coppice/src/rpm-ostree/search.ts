import { searchPackages } from '@coppice/rpm-ostree';
import { stateroot, verbOptions } from './options.ts';
import { openSystem } from './run.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'PACKAGE [PACKAGE...]',
  summary: 'Search for packages',
  options: verbOptions([...stateroot]),
  async run(call) {
    const { options, context } = call;
    if (options.operands.length === 0) call.usageError('At least one PACKAGE must be specified');
    const { client } = openSystem(call);
    const found = await searchPackages(client, options.operands);
    if (found.length === 0) {
      context.stdout.write('No matches found.\n');
      return 0;
    }
    for (const section of ['Summary & Name Matched', 'Name Matched', 'Summary Matched'] as const) {
      const mine = found.filter((f) => f.section === section);
      if (mine.length === 0) continue;
      context.stdout.write(`\n===== ${section} =====\n`);
      for (const { name, summary } of mine) context.stdout.write(`${name} : ${summary}\n`);
    }
    return 0;
  },
};
