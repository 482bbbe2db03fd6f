import { CoppiceError } from '@coppice/base';
import { mountStateOverlay } from '@coppice/sysroot';
import { adminVerb } from './call.ts';

export const verb = adminVerb({
  params: 'NAME MOUNTPATH',
  summary: 'Internal command to assemble a state overlay',
  superuser: true,
  unlocked: true,
  run({ sysroot, operands }) {
    const [name, mountPath] = operands;
    if (name === undefined || mountPath === undefined) throw new CoppiceError('Usage', 'Missing NAME or MOUNTPATH');
    mountStateOverlay(sysroot, name, mountPath);
  },
});
