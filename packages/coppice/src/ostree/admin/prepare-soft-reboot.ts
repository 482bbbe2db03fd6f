import { CoppiceError } from '@coppice/base';
import { adminVerb, atoi, indexedDeployment } from './call.ts';

export const verb = adminVerb({
  params: 'INDEX',
  summary: 'Prepare deployment for soft-reboot',
  superuser: true,
  options: () => [
    { long: 'reboot', help: 'Initiate a soft reboot on success' },
    { long: 'reset', help: 'Undo queued soft reboot state' },
  ],
  run({ sysroot, operands, options, usage }) {
    const [index] = operands;
    if (index === undefined && !options.flag('reset')) usage('INDEX must be specified');
    if (index !== undefined) indexedDeployment(sysroot, atoi(index));
    // It mounts the next root at /run/nextroot from a composefs image.
    throw new CoppiceError('Unsupported', 'not built yet: admin prepare-soft-reboot');
  },
});
