import { CoppiceError } from '@coppice/base';
import { deleteDelta, parseDeltaName } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  summary: 'Remove a delta',
  options: () => [],
  run(call: OstreeCall) {
    const [name] = call.operands;
    if (name === undefined) throw new CoppiceError('Usage', 'DELTA must be specified');
    deleteDelta(call.repo, parseDeltaName(name));
  },
};
