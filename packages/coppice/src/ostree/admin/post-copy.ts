import { updatePostCopy } from '@coppice/sysroot';
import { adminVerb } from './call.ts';

export const verb = adminVerb({
  summary: 'Update the repo and deployments as needed after a copy',
  superuser: true,
  run({ sysroot }) {
    updatePostCopy(sysroot);
  },
});
