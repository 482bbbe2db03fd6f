import { cleanupSysroot } from '@coppice/sysroot';
import { adminVerb } from './call.ts';

export const verb = adminVerb({
  summary: 'Delete untagged deployments and repository objects',
  superuser: true,
  run: ({ sysroot }) => cleanupSysroot(sysroot),
});
