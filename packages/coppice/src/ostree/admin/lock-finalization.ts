import { CoppiceError } from '@coppice/base';
import { setFinalizationLocked } from '@coppice/sysroot';
import { adminVerb } from './call.ts';

export const verb = adminVerb({
  summary: 'Change the finalization locking state of the staged deployment',
  superuser: true,
  options: () => [{ long: 'unlock', short: 'u', help: 'Unlock finalization' }],
  run({ sysroot, options, print }) {
    const staged = sysroot.staged;
    if (staged === undefined) throw new CoppiceError('NotFound', 'No staged deployment');
    const wanted = !options.flag('unlock');
    if (staged.finalizationLocked === wanted) {
      print(`No change; deployment is already ${wanted ? 'locked' : 'unlocked'} for finalization`);
      return;
    }
    setFinalizationLocked(sysroot, wanted);
    print(`Deployment is now ${wanted ? 'locked' : 'unlocked'} for finalization`);
  },
});
