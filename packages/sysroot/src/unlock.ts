// A writable /usr on the running system: an overlay whose changes are lost at the next boot (development, transient) or kept
// in the deployment (hotfix), which then gets an untouched copy of itself to fall back to.

import { spawnSync } from 'node:child_process';
import { CoppiceError, prefixError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import { cleanupSysroot } from './cleanup.ts';
import type { Deployment, UnlockedState } from './deployment.ts';
import { deployTree, writeOriginFile } from './deploytree.ts';
import { KernelArguments } from './kargs.ts';
import { makeDirectories } from './links.ts';
import { setMutable } from './mutable.ts';
import { Origin } from './origin.ts';
import type { Sysroot } from './sysroot.ts';
import { simpleWriteDeployment } from './writedeployments.ts';

/** Mounts the overlay; relative paths in `options` are below `directory`. Replaced in tests. */
export type OverlayMounter = (directory: string, options: string, readOnly: boolean) => void;

/** Through mount(8), in the caller's mount namespace. Throws `Process`. */
export const mountOverlay: OverlayMounter = (directory, options, readOnly) => {
  const flags = readOnly ? `ro,${options}` : options;
  const result = spawnSync('mount', ['-t', 'overlay', 'overlay', '-o', flags, '/usr'], { cwd: directory });
  if (result.status !== 0)
    throw new CoppiceError('Process', `Failed overlayfs mount: ${result.stderr?.toString().trim() ?? ''}`);
};

function makeUnmasked(sysroot: Sysroot, path: string, mode: number): void {
  makeDirectories(sysroot.fs, path, mode);
  sysroot.fs.chmod(path, mode);
}

/** A copy of the deployment as the rollback target of a hotfix. */
function addClone(sysroot: Sysroot, deployment: Deployment, merge: Deployment): void {
  try {
    cleanupSysroot(sysroot, { prune: false });
  } catch (error) {
    throw prefixError(error, 'Performing initial cleanup');
  }
  const copy = deployTree(sysroot, deployment.osname, deployment.checksum, deployment.origin, {
    mergeDeployment: merge,
    kernelArguments: KernelArguments.parse(merge.options).toArray(),
  });
  simpleWriteDeployment(sysroot, copy, { osname: deployment.osname, merge, notAsDefault: true });
}

/** Throws `Conflict` when it is unlocked already. There is no way back but a reboot. */
export function unlockDeployment(
  sysroot: Sysroot,
  deployment: Deployment,
  state: Exclude<UnlockedState, 'none'>,
  mount: OverlayMounter = mountOverlay,
): void {
  if (deployment.unlocked !== 'none')
    throw new CoppiceError('Conflict', `Deployment is already in unlocked state: ${deployment.unlocked}`);
  const merge = sysroot.mergeDeployment(deployment.osname);
  if (merge === undefined) throw new CoppiceError('NotFound', 'No previous deployment to duplicate');
  if (state === 'hotfix') addClone(sysroot, deployment, merge);
  const { fs, host } = sysroot;
  const tree = sysroot.deploymentPath(deployment);
  setMutable(fs, tree, true);
  const mode = fs.stat(`${tree}/usr`)!.mode & 0o7777;
  if (state === 'hotfix') {
    makeUnmasked(sysroot, `${tree}/.usr-ovl-upper`, mode);
    makeUnmasked(sysroot, `${tree}/.usr-ovl-work`, mode);
    mount(tree, 'lowerdir=usr,upperdir=.usr-ovl-upper,workdir=.usr-ovl-work', false);
    const origin = deployment.origin?.clone() ?? new Origin();
    origin.unlocked = 'hotfix';
    writeOriginFile(sysroot, deployment, origin);
  } else {
    const base = sysroot.compat.backingDirectory
      ? `${sysroot.path}/${deployment.backingPath}/usr-transient`
      : `${host.varPath}/tmp/ostree-unlock-ovl.${process.pid}`;
    removeTree(base, fs);
    makeUnmasked(sysroot, base, mode);
    makeUnmasked(sysroot, `${base}/upper`, mode);
    makeUnmasked(sysroot, `${base}/work`, mode);
    mount(tree, `lowerdir=usr,upperdir=${base}/upper,workdir=${base}/work`, state === 'transient');
    const flag = `${host.run}/deployment-state/${deployment.name}`;
    makeDirectories(fs, flag, 0o700);
    makeDirectories(fs, `${flag}/unlocked-${state}`, 0o700);
  }
  sysroot.touch();
  sysroot.reload();
}
