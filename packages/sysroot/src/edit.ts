// Changes of the list and its members that need no new tree.

import { CoppiceError } from '@coppice/base';
import { BootConfig } from './bootconfig.ts';
import type { Deployment } from './deployment.ts';
import { writeOriginFile } from './deploytree.ts';
import { KernelArguments } from './kargs.ts';
import { Origin } from './origin.ts';
import type { Sysroot } from './sysroot.ts';
import { type WriteOptions, writeDeployments } from './writedeployments.ts';

/** Takes a deployment out of the list and deletes it. Throws `Conflict` for the booted one. */
export function undeploy(sysroot: Sysroot, deployment: Deployment, options: WriteOptions = {}): void {
  if (deployment === sysroot.booted)
    throw new CoppiceError('Conflict', `Cannot undeploy currently booted deployment ${deployment.index}`);
  writeDeployments(
    sysroot,
    sysroot.deployments.filter((other) => other !== deployment),
    options,
  );
}

/** Puts a deployment first, so that it boots by default: rollback and roll forward. */
export function setDefault(sysroot: Sysroot, deployment: Deployment): void {
  writeDeployments(sysroot, [deployment, ...sysroot.deployments.filter((other) => other !== deployment)]);
}

/** Replaces all kernel arguments of a deployment. `ostree=` is put back whatever the list says. */
export function setKernelArguments(
  sysroot: Sysroot,
  deployment: Deployment,
  kernelArguments: readonly string[],
  options: WriteOptions = {},
): void {
  if (deployment.staged)
    throw new CoppiceError('Conflict', 'Cannot change the kernel arguments of a staged deployment');
  const changed = deployment.clone();
  changed.bootConfig ??= new BootConfig();
  changed.bootConfig.set('options', new KernelArguments(kernelArguments).toString());
  writeDeployments(
    sysroot,
    sysroot.deployments.map((other) => (other === deployment ? changed : other)),
    options,
  );
}

/** Pinned deployments stay in the list when new ones are added. Throws `Conflict` for a staged one. */
export function setPinned(sysroot: Sysroot, deployment: Deployment, pinned: boolean): void {
  if (pinned === deployment.pinned) return;
  if (deployment.staged) throw new CoppiceError('Conflict', 'Cannot pin staged deployment');
  const origin = deployment.origin?.clone() ?? new Origin();
  origin.pinned = pinned;
  writeOriginFile(sysroot, deployment, origin);
  sysroot.reload();
}
