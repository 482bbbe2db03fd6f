import { getRemote } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  params: 'NAME',
  summary: 'Show remote repository URL',
  options: () => [],
  run(call: OstreeCall) {
    const [name] = call.operands;
    if (name === undefined) call.usage('NAME must be specified');
    call.print(getRemote(call.repo, name).need('url'));
  },
};
