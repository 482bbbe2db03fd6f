import { hostFs } from '@coppice/linux';
import { hostMachine, mountNextRoot, runProgram } from '@coppice/sysroot';
import type { OstreeVerb } from '../verb.ts';
import { adminVerb } from './call.ts';

/** What `prepare-soft-reboot` does in the deployment that is its working directory; reads no arguments at all. */
export const verb: OstreeVerb = {
  ...adminVerb({ run: () => undefined }),
  early({ cwd }) {
    const [fs, runtime] = [hostFs, '/run'];
    const cmdline = hostMachine(fs).procCmdline();
    mountNextRoot({ fs, run: runProgram, tree: cwd, physicalRoot: '/sysroot', runtime, cmdline });
    return 0;
  },
};
