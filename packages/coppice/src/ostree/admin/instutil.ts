import type { OstreeGroup } from '../verb.ts';
import { adminOptions } from './call.ts';

export const group: OstreeGroup = {
  summary: 'Deprecated commands intended for installer programs',
  column: () => 24,
  options: () => adminOptions,
  commands: [
    {
      name: 'selinux-ensure-labeled',
      summary: 'Relabel all or part of a deployment',
      load: () => import('./instutil-selinux-ensure-labeled.ts'),
    },
    {
      name: 'set-kargs',
      summary: 'Set new kernel command line arguments(Not stable)',
      load: () => import('./instutil-set-kargs.ts'),
    },
    {
      name: 'grub2-generate',
      summary: 'Generate GRUB2 configuration from given BLS entries',
      load: () => import('./instutil-grub2-generate.ts'),
    },
  ],
};
