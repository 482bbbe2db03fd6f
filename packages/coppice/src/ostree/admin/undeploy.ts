import { CoppiceError, prefixError } from '@coppice/base';
import { cleanupSysroot, undeploy } from '@coppice/sysroot';
import { adminVerb, atoi, indexedDeployment } from './call.ts';

export const verb = adminVerb({
  params: 'INDEX',
  summary: 'Delete deployment INDEX',
  superuser: true,
  run({ sysroot, operands, usage, print }) {
    const [text] = operands;
    if (text === undefined) return usage('INDEX must be specified');
    const index = atoi(text);
    const deployment = indexedDeployment(sysroot, index);
    if (deployment === sysroot.booted)
      throw new CoppiceError('Conflict', `Cannot undeploy currently booted deployment ${index}`);
    undeploy(sysroot, deployment);
    print(`Deleted deployment ${deployment.name}`);
    try {
      cleanupSysroot(sysroot);
    } catch (error) {
      throw prefixError(error, 'Performing final cleanup');
    }
  },
});
