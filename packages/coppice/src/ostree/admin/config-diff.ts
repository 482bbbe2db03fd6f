import { CoppiceError } from '@coppice/base';
import { diffEtc } from '@coppice/sysroot';
import { adminVerb, requireBootedOrOs } from './call.ts';

export const verb = adminVerb({
  summary: 'Diff current /etc configuration versus default',
  superuser: true,
  unlocked: true,
  options: () => [{ long: 'os', arg: 'OSNAME', help: 'Use a different operating system root than the current one' }],
  run({ sysroot, options, print }) {
    const osname = options.string('os');
    requireBootedOrOs(sysroot, osname);
    const deployment = osname === undefined ? sysroot.requireBooted() : sysroot.mergeDeployment(osname);
    if (deployment === undefined) throw new CoppiceError('NotFound', `No deployment for OS '${osname}'`);
    const tree = sysroot.deploymentPath(deployment);
    const diff = diffEtc(sysroot.fs, `${tree}/usr/etc`, `${tree}/etc`);
    for (const path of diff.modified) print(`M    ${path}`);
    for (const path of diff.removed) print(`D    ${path}`);
    for (const path of diff.added) print(`A    ${path}`);
  },
});
