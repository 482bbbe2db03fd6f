import type { OstreeGroup } from '../verb.ts';
import { adminOptions, isOld } from './call.ts';

export const group: OstreeGroup = {
  summary: 'Change kernel arguments',
  column: (level) => (isOld(level) ? 19 : 25),
  options: () => adminOptions,
  commands: [
    {
      name: 'edit-in-place',
      summary: 'Set new kernel command line arguments in place (applies to all deployments by default)',
      hidden: true,
      load: () => import('./kargs-edit-in-place.ts'),
    },
  ],
};
