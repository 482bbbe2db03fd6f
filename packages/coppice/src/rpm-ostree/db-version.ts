import { createHash } from 'node:crypto';
import { comparePackages, type Nevra, packagesOf } from '@coppice/rpm-ostree';
import { describeCommit, openDbRepo, repoOption } from './db-options.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

/** Count and checksum of a package list: what yum called the version of an rpm database. */
function rpmdbVersion(packages: readonly Nevra[]): string {
  const hash = createHash('sha256');
  for (const p of [...packages].sort(comparePackages))
    hash.update(`${p.epoch}:${p.name}-${p.version}-${p.release}.${p.arch}`);
  return `${packages.length}:${hash.digest('hex')}`;
}

export const verb: Verb = {
  params: 'REV...',
  summary: 'Show rpmdb version of packages within the commits',
  options: verbOptions([repoOption], { daemon: false }),
  run(call) {
    const repo = openDbRepo(call);
    if (call.options.operands.length === 0) call.usageError('At least one REV must be specified');
    for (const rev of call.options.operands) {
      const checksum = repo.resolveRev(rev);
      call.context.stdout.write(`ostree commit: ${describeCommit(rev, checksum)}\n`);
      call.context.stdout.write(`  rpmdbv is: ${rpmdbVersion(packagesOf(repo, checksum)).padStart(66)}\n`);
    }
    return 0;
  },
};
