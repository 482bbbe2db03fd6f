import { printCommit, printRaw } from './dump.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const commitType = '(a{sv}aya(say)sstayay)';

export const verb: OstreeVerb = {
  params: 'REV',
  summary: 'Show log starting at commit or ref',
  options: () => [{ long: 'raw', help: 'Show raw variant data' }],
  run(call: OstreeCall) {
    const { repo, operands, options, context } = call;
    const [rev] = operands;
    if (rev === undefined) call.usage('A rev argument is required');
    let at: string | undefined = repo.resolveRev(rev);
    for (let first = true; at !== undefined; first = false) {
      if (!first && !repo.hasObject('commit', at)) {
        call.print('<< History beyond this commit not fetched >>');
        return;
      }
      const commit = repo.loadCommit(at);
      if (options.flag('raw')) {
        call.print(`commit ${at}\n${printRaw(commitType, repo.loadCommitBytes(at), true)}`);
      } else {
        printCommit(context, at, commit);
      }
      at = commit.parent;
    }
  },
};
