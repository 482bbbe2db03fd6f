import { checkChecksum, reindexDeltas } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  summary: 'Regenerate static delta indexes',
  options: () => [{ long: 'to', arg: 'REV', help: 'Only update delta index to revision REV' }],
  run({ repo, options }: OstreeCall) {
    const to = options.string('to');
    reindexDeltas(repo, to === undefined ? undefined : checkChecksum(to));
  },
};
