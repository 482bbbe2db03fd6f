// Applying a commit to the running system: an overlay over /usr shows it until the next boot, which starts the commit itself.
import { CoppiceError } from '@coppice/base';
import { replaceFile } from '@coppice/linux';
import { type Deployment, deploymentPolicy, diffEtc, unlockDeployment } from '@coppice/sysroot';
import type { Client } from './client.ts';
import { type LiveHost, liveHost } from './live-host.ts';
import { liveInProgressRef, liveRef, liveStampPath } from './live-state.ts';
import { changedServices, checkApplicable, diffUsr, formatUsrDiff, updateEtc, updateUsr } from './live-tree.ts';
import { diffCommits } from './packages-of.ts';

export interface ApplyLiveOptions {
  /** Checksum of the commit; default: that of the pending deployment. */
  readonly target?: string;
  /** Back to the booted commit. */
  readonly reset?: boolean;
  /** Packages may change and go. */
  readonly allowReplacement?: boolean;
  readonly host?: LiveHost;
}

export interface ApplyLiveOutcome {
  readonly commit: string;
  /** Services whose unit changed and which were not restarted. */
  readonly services: readonly string[];
}

function targetOf(client: Client, booted: Deployment, options: ApplyLiveOptions): string {
  if (options.reset === true) return booted.checksum;
  if (options.target !== undefined) return client.repo.resolveRev(options.target);
  const { pending } = client.sysroot.pendingAndRollback(booted.osname);
  if (pending === undefined) throw new CoppiceError('NotFound', 'No target commit specified and no pending deployment');
  return pending.checksum;
}

function record(client: Client, booted: Deployment, live: string | undefined, inProgress: string | undefined): void {
  client.repo.transaction((txn) => {
    txn.setRef(liveRef, live ?? null);
    txn.setRef(liveInProgressRef, inProgress ?? null);
  });
  const stamp = liveStampPath(client, booted);
  if (client.fs.lstat(stamp) === undefined) replaceFile(stamp, '', { fs: client.fs, mode: 0o644 });
}

/** Mounts the overlay when there is none. Throws `Conflict` in a state that keeps changes over a reboot. */
function unlock(client: Client, booted: Deployment, applied: boolean, host: LiveHost): 'development' | 'transient' {
  const { unlocked } = booted;
  if (unlocked === 'development' || unlocked === 'transient') return unlocked;
  if (applied) throw new CoppiceError('Conflict', `deployment not unlocked, is in state: ${unlocked}`);
  if (unlocked !== 'none')
    throw new CoppiceError('Conflict', `apply-live is incompatible with unlock state: ${unlocked}`);
  unlockDeployment(client.sysroot, booted, 'transient', host.mount);
  return 'transient';
}

/**
 * Brings the running tree to a commit; the caller holds the transaction. An update cut short is finished by the next call
 * with the same target. Throws `Conflict` when packages would change or go without leave, and what mounting says.
 */
export async function applyLive(client: Client, options: ApplyLiveOptions = {}): Promise<ApplyLiveOutcome> {
  const { repo, sysroot, fs } = client;
  const { booted } = sysroot;
  if (booted === undefined) throw new CoppiceError('NotFound', 'Not booted into an OSTree system');
  const host = options.host ?? liveHost;
  const applied = fs.lstat(liveStampPath(client, booted)) !== undefined;
  const commit = targetOf(client, booted, options);
  const inProgress = applied ? repo.tryResolveRev(liveInProgressRef) : undefined;
  const current = applied ? repo.tryResolveRev(liveRef) : undefined;
  if (inProgress !== undefined && inProgress !== commit)
    throw new CoppiceError(
      'Conflict',
      `Previously interrupted while targeting commit ${inProgress}, cannot change target to ${commit}`,
    );
  const source = current ?? booted.checksum;
  const diff = diffUsr(repo, source, commit);
  const packages = diffCommits(repo, source, commit);
  const changed = packages.upgraded.length + packages.downgraded.length;
  const removed = packages.removed.length;
  if (options.allowReplacement !== true && options.reset !== true) {
    if (removed > 0)
      throw new CoppiceError('Conflict', `packages would be removed: ${removed}, allow replacement to override`);
    if (changed > 0)
      throw new CoppiceError('Conflict', `packages would be changed: ${changed}, allow replacement to override`);
  }
  checkApplicable(diff);
  host.check();
  const state = unlock(client, booted, applied, host);
  client.message(`Computed /usr diff: ${formatUsrDiff(diff)}`);
  client.message(`Computed pkg diff: ${packages.added.length} added, ${changed} changed, ${removed} removed`);
  record(client, booted, current, commit);
  // A sysroot elsewhere that plays a machine runs from its deployment directory.
  const root = sysroot.path === '/' ? '' : sysroot.deploymentPath(booted);
  const tree = { repo, fs, root, commit };
  const local = await client.step('Computing /etc diff to preserve', () =>
    diffEtc(fs, `${root}/usr/etc`, `${root}/etc`),
  );
  const policy = deploymentPolicy(sysroot, booted);
  if (state === 'transient') host.remount(true);
  try {
    await client.step('Updating /usr', () => updateUsr(tree, diff));
  } finally {
    if (state === 'transient') host.remount(false);
  }
  await client.step('Updating /etc', () =>
    updateEtc(tree, diff, local, policy === undefined ? undefined : (path, mode) => policy.label(path, mode)),
  );
  await client.step('Running systemd-tmpfiles for /run and /var', () => host.tmpfiles(root === '' ? '/' : root));
  record(client, booted, commit === booted.checksum ? undefined : commit, undefined);
  return { commit, services: changedServices(diff) };
}
