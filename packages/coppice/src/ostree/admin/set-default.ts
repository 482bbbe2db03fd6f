import { CoppiceError } from '@coppice/base';
import { setDefault } from '@coppice/sysroot';
import { adminVerb, atoi, indexedDeployment } from './call.ts';

export const verb = adminVerb({
  params: 'INDEX',
  summary: 'Make deployment INDEX the default',
  superuser: true,
  run({ sysroot, operands, usage }) {
    const [text] = operands;
    if (text === undefined) return usage('INDEX must be specified');
    const deployment = indexedDeployment(sysroot, atoi(text));
    if (deployment.index === 0) {
      if (sysroot.deployments.length === 1)
        throw new CoppiceError('Conflict', 'Cannot set default: only one deployment');
      return;
    }
    setDefault(sysroot, deployment);
  },
});
