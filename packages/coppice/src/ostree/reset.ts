import { CoppiceError } from '@coppice/base';
import { ensureWritable } from './ensure-writable.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'REF COMMIT',
  summary: 'Reset a REF to a previous COMMIT',
  options: () => [],
  run(call: OstreeCall) {
    const { repo, operands } = call;
    const [ref, target] = operands;
    ensureWritable(repo);
    if (ref === undefined || target === undefined) call.usage('A REF and COMMIT argument is required');
    if (!repo.listRefs().has(ref)) throw new CoppiceError('NotFound', `Invalid ref '${ref}'`);
    const checksum = repo.resolveRev(target);
    repo.transaction((transaction) => transaction.setRef(ref, checksum));
  },
};
