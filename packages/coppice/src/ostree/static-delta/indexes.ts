import { listDeltaIndexes } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  summary: 'List static delta indexes',
  options: () => [],
  run(call: OstreeCall) {
    const targets = listDeltaIndexes(call.repo);
    if (targets.length === 0) call.print('(No static deltas indexes)');
    for (const to of targets) call.print(to);
  },
};
