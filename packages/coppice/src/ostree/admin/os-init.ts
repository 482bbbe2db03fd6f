import { CoppiceError } from '@coppice/base';
import { initStateroot } from '@coppice/sysroot';
import { adminVerb, isOld } from './call.ts';

/** `os-init` and, with a newer name, `stateroot-init`. */
export const verb = adminVerb({
  params: (level) => (isOld(level) ? 'OSNAME' : 'STATEROOT'),
  summary: 'Initialize empty state for given operating system',
  superuser: true,
  unlocked: true,
  run({ sysroot, operands, usage, print, level }) {
    const [osname] = operands;
    if (osname === undefined) return usage(isOld(level) ? 'OSNAME must be specified' : 'STATEROOT must be specified');
    if (osname === '') throw new CoppiceError('Exists', 'Creating ostree/deploy/: File exists');
    initStateroot(sysroot, osname);
    print(
      sysroot.compat.stateRootWord === 'root'
        ? `ostree/deploy/${osname} initialized as OSTree root`
        : `ostree/deploy/${osname} initialized as OSTree stateroot`,
    );
  },
});
