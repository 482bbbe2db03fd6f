import { CoppiceError } from '@coppice/base';
import { adminVerb } from './call.ts';

export const verb = adminVerb({
  params: 'NAME MOUNTPATH',
  summary: 'Internal command to assemble a state overlay',
  superuser: true,
  run({ operands }) {
    if (operands.length < 2) throw new CoppiceError('Usage', 'Missing NAME or MOUNTPATH');
    // It mounts an overlay whose upper directory is below /var/ostree/state-overlays.
    throw new CoppiceError('Unsupported', 'not built yet: admin state-overlay');
  },
});
