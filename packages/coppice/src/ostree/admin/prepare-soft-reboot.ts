import { CoppiceError } from '@coppice/base';
import { adminVerb } from './call.ts';

export const verb = adminVerb({
  params: 'INDEX',
  summary: 'Prepare deployment for soft-reboot',
  superuser: true,
  options: () => [
    { long: 'reboot', help: 'Initiate a soft reboot on success' },
    { long: 'reset', help: 'Undo queued soft reboot state' },
  ],
  run() {
    // It mounts the next root at /run/nextroot from a composefs image.
    throw new CoppiceError('Unsupported', 'not built yet: admin prepare-soft-reboot needs composefs');
  },
});
