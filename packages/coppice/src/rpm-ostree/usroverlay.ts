import { run as runOstree } from '../ostree/main.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  summary: 'Apply a transient overlayfs to /usr',
  options: verbOptions(
    [
      { long: 'hotfix', help: 'Retain changes across reboots' },
      { long: 'transient', help: 'Mount overlayfs read-only by default' },
    ],
    { daemon: false },
  ),
  async run({ context, options }) {
    const args = [
      'admin',
      'unlock',
      ...(['hotfix', 'transient'] as const).filter((o) => options.flag(o)).map((o) => `--${o}`),
    ];
    return await runOstree({ ...context, program: 'ostree' }, args);
  },
};
