import { CoppiceError, prefixError } from '@coppice/base';
import { cleanupSysroot, undeploy } from '@coppice/sysroot';
import { adminVerb, atoi, indexedDeployment, isOld } from './call.ts';

export const verb = adminVerb({
  params: 'INDEX',
  summary: 'Delete deployment INDEX',
  superuser: true,
  run({ sysroot, operands, usage, print, level }) {
    const [text] = operands;
    if (text === undefined) return usage('INDEX must be specified');
    if (!isOld(level) && !/^(\s*[+-]?[0-9]+)?$/.test(text)) throw new CoppiceError('Usage', `Invalid index: ${text}`);
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
