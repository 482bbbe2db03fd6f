// Changes applied to the running tree: refs name the commit that /usr shows now, a stamp in /run says that it is so.
import type { Deployment } from '@coppice/sysroot';
import type { DeploymentStatus } from '../status/model.ts';
import type { Client } from './client.ts';
import { diffCommits } from './packages-of.ts';

export const liveRef = 'rpmostree/live-apply';
export const liveInProgressRef = 'rpmostree/live-apply-inprogress';

/** Path of the stamp of a deployment, below /run/ostree. */
export function liveStampPath(client: Client, d: Deployment): string {
  return `${client.sysroot.host.run}/deployment-state/${d.checksum}.${d.deploySerial}/rpmostree-is-live.stamp`;
}

export function liveStateOf(client: Client, d: Deployment): DeploymentStatus['live'] {
  if (d !== client.sysroot.booted || client.fs.lstat(liveStampPath(client, d)) === undefined) return undefined;
  const { repo } = client;
  const inProgress = repo.tryResolveRev(liveInProgressRef);
  const replaced = repo.tryResolveRev(liveRef);
  if (inProgress === undefined && replaced === undefined) return undefined;
  return {
    ...(inProgress === undefined ? {} : { inProgress }),
    ...(replaced === undefined ? {} : { replaced }),
    ...(replaced === undefined || !repo.hasObject('commit', replaced)
      ? {}
      : { diff: diffCommits(repo, d.checksum, replaced) }),
  };
}

/** Drops the refs of an earlier boot: without the stamp of the booted deployment they say nothing. */
export function syncLiveRefs(client: Client): void {
  const { repo, fs } = client;
  const { booted } = client.sysroot;
  if (booted === undefined || fs.lstat(liveStampPath(client, booted)) !== undefined) return;
  const stale = [liveRef, liveInProgressRef].filter((ref) => repo.tryResolveRev(ref) !== undefined);
  if (stale.length === 0) return;
  repo.transaction((txn) => {
    for (const ref of stale) txn.setRef(ref, null);
  });
}
