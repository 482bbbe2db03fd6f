import { listDeltas } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  summary: 'List static delta files',
  options: () => [],
  run(call: OstreeCall) {
    const deltas = listDeltas(call.repo);
    if (deltas.length === 0) call.print('(No static deltas)');
    for (const { hex } of deltas) call.print(hex);
  },
};
