// Which deployments stay when a new one is added (ostree_sysroot_simple_write_deployment).

import { type Deployment, sameDeployment } from './deployment.ts';

export interface RetainFlags {
  /** Keep every old deployment. */
  readonly retain?: boolean;
  /** Keep those listed before the booted (else the merge) deployment. */
  readonly retainPending?: boolean;
  /** Keep those listed after it. */
  readonly retainRollback?: boolean;
  /** Put the new one after the booted or merge deployment instead of first. */
  readonly notAsDefault?: boolean;
}

/** The new deployment list. Pure: the old list is left as it is. */
export function simpleDeploymentList(
  old: readonly Deployment[],
  fresh: Deployment,
  around: { osname?: string | undefined; booted?: Deployment | undefined; merge?: Deployment | undefined },
  flags: RetainFlags,
): Deployment[] {
  const { booted, merge } = around;
  const osname = around.osname ?? booted?.osname;
  const retainPending = flags.retainPending === true;
  const retainRollback = flags.retainRollback === true;
  // Without a crossover point, pending and rollback mean nothing.
  const retain =
    flags.retain === true || (booted === undefined && merge === undefined && (retainPending || retainRollback));
  const list: Deployment[] = [];
  let added = false;
  if (flags.notAsDefault !== true) {
    list.push(fresh);
    added = true;
  }
  let beforeBooted = true;
  let beforeMerge = true;
  for (const deployment of old) {
    const isBooted = sameDeployment(deployment, booted);
    const isMerge = sameDeployment(deployment, merge);
    if (isBooted) beforeBooted = false;
    if (isMerge) beforeMerge = false;
    const passed = booted !== undefined ? !beforeBooted : !beforeMerge;
    const otherOs = osname !== undefined && deployment.osname !== osname;
    if (
      retain ||
      deployment.pinned ||
      otherOs ||
      isBooted ||
      isMerge ||
      (retainPending && !passed) ||
      (retainRollback && passed)
    )
      list.push(deployment);
    if (!added && passed) {
      list.push(fresh);
      added = true;
    }
  }
  if (!added) list.push(fresh);
  return list;
}

/** The first deployment before the booted one and the first after it, of one stateroot. Nothing is after when nothing is booted. */
export function pendingAndRollback(
  list: readonly Deployment[],
  osname: string,
  booted: Deployment | undefined,
): { pending: Deployment | undefined; rollback: Deployment | undefined } {
  let pending: Deployment | undefined;
  let rollback: Deployment | undefined;
  let found = false;
  for (const deployment of list) {
    if (deployment.osname !== osname) continue;
    if (sameDeployment(deployment, booted)) {
      found = true;
      continue;
    }
    if (!found) pending ??= deployment;
    else rollback ??= deployment;
  }
  return { pending, rollback };
}

/** The deployment whose configuration a new one of `osname` takes over: the booted one, else the first listed. */
export function mergeDeploymentFor(
  list: readonly Deployment[],
  osname: string,
  booted: Deployment | undefined,
): Deployment | undefined {
  if (booted !== undefined && booted.osname === osname) return booted;
  return pendingAndRollback(list, osname, booted).pending;
}
