import { CoppiceError } from '@coppice/base';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'REV',
  summary: 'Output the target of a rev',
  options: () => [
    {
      long: 'single',
      short: 'S',
      help: 'If the repository has exactly one commit, then print it; any other case will result in an error',
    },
  ],
  run(call: OstreeCall) {
    const { repo, operands } = call;
    if (call.options.flag('single')) {
      if (operands.length > 0) call.usage('Cannot specify arguments with --single');
      call.print(onlyCommit(call));
      return;
    }
    if (operands.length === 0) call.usage('REV must be specified');
    for (const rev of operands) call.print(repo.resolveRev(rev));
  },
};

function onlyCommit({ repo }: OstreeCall): string {
  let found: string | undefined;
  for (const { checksum, type } of repo.objects()) {
    if (type !== 'commit') continue;
    if (found !== undefined) throw new CoppiceError('Conflict', 'Multiple commit objects found');
    found = checksum;
  }
  if (found === undefined) throw new CoppiceError('NotFound', 'No commit objects found');
  return found;
}
