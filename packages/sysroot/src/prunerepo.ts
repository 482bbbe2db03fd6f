// Pruning the system repository: refs are roots without their parents, and so is every deployed commit.

import { pruneUnreachable, Reachable, traverseCommit, traverseRefs } from '@coppice/ostree';
import type { Sysroot } from './sysroot.ts';

/** Bytes freed. Holds the repository's exclusive lock from the first look at the refs to the last deletion. */
export function pruneSystemRepo(sysroot: Sysroot): number {
  const { repo } = sysroot;
  repo.lock?.acquire('exclusive');
  try {
    const reachable = new Reachable();
    traverseRefs(repo, reachable, { depth: 0 });
    for (const { checksum } of sysroot.deployments) traverseCommit(repo, checksum, reachable, { depth: 0 });
    return pruneUnreachable(repo, reachable).freed;
  } finally {
    repo.lock?.release();
  }
}
