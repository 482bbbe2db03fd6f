import { CoppiceError } from '@coppice/base';
import { unlockDeployment } from '@coppice/sysroot';
import { adminVerb } from './call.ts';

export const verb = adminVerb({
  summary: 'Make the current deployment mutable (as a hotfix or development)',
  superuser: true,
  options: () => [
    { long: 'hotfix', help: 'Retain changes across reboots' },
    { long: 'transient', help: 'Mount overlayfs read-only by default' },
  ],
  run({ sysroot, operands, options, usage, print }) {
    if (operands.length > 0) usage('This command takes no extra arguments');
    const hotfix = options.flag('hotfix');
    const transient = options.flag('transient');
    const booted = sysroot.requireBooted();
    if (hotfix && transient) throw new CoppiceError('Usage', 'Cannot specify both --hotfix and --transient');
    unlockDeployment(sysroot, booted, hotfix ? 'hotfix' : transient ? 'transient' : 'development');
    if (hotfix) {
      print('Hotfix mode enabled.  A writable overlayfs is now mounted on /usr');
      print('for this booted deployment.  A non-hotfixed clone has been created');
      print('as the non-default rollback target.');
    } else if (transient) {
      print('A writable overlayfs is prepared for /usr, but is mounted read-only by default.');
      print('All changes there will be discarded on reboot.');
    } else {
      print('Development mode enabled.  A writable overlayfs is now mounted on /usr.');
      print('All changes there will be discarded on reboot.');
    }
  },
});
