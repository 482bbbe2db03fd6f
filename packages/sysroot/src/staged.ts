// Staged deployments: the tree is written now, the /etc merge and the boot swap happen at shutdown, so that changes made to
// /etc until then are not lost.

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { CoppiceError, errnoError, messageOf, prefixError } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import { readFile, replaceFile } from '@coppice/linux';
import { cleanupSysroot } from './cleanup.ts';
import { type Deployment, sameDeployment } from './deployment.ts';
import { type DeployTreeOptions, finalizeDeployment, initializeDeployment, writeOrigin } from './deploytree.ts';
import { makeDirectories } from './links.ts';
import { completeSoftReboot } from './nextroot.ts';
import type { Origin } from './origin.ts';
import { removeDeployment } from './removedeployment.ts';
import { encodeStaged, readStaged, stagedLockPath, stagedPath } from './stagedstate.ts';
import type { Sysroot } from './sysroot.ts';
import { simpleWriteDeployment } from './writedeployments.ts';

export interface StageOptions extends DeployTreeOptions {
  /** Do not finalize at shutdown until unlocked. */
  readonly locked?: boolean;
}

/** Where a failed finalization leaves its message, below `boot`. */
const failurePath = 'ostree/finalize-failure.stamp';

function touchLock(sysroot: Sysroot): void {
  const { fs, host } = sysroot;
  makeDirectories(fs, host.run, 0o755);
  fs.close(fs.open(stagedLockPath(host), constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW, 0o640));
}

function dropLock(sysroot: Sysroot): void {
  const path = stagedLockPath(sysroot.host);
  if (sysroot.fs.lstat(path) !== undefined) sysroot.fs.unlink(path);
}

/** Writes a deployment's tree and records what remains. Throws `NotFound` unless the sysroot is booted. */
export function stageTree(
  sysroot: Sysroot,
  osname: string | undefined,
  checksum: string,
  origin: Origin | undefined,
  options: StageOptions = {},
): Deployment {
  const { fs, host } = sysroot;
  const step = <T>(name: string, body: () => T): T => {
    try {
      return body();
    } catch (error) {
      throw sysroot.compat.stepPrefixes ? prefixError(error, name) : error;
    }
  };
  return step('Staging deployment', () => {
    let booted: Deployment;
    try {
      booted = sysroot.requireBooted();
    } catch (error) {
      throw prefixError(error, 'Cannot stage deployment');
    }
    if (options.locked === true) touchLock(sysroot);
    const previous = sysroot.staged;
    const deployment = step('Initializing deployment', () =>
      initializeDeployment(sysroot, osname ?? booted.osname, checksum, origin, options),
    );
    writeOrigin(sysroot, deployment);
    makeDirectories(fs, host.run, 0o755);
    const state = encodeStaged(
      {
        target: deployment,
        merge: options.mergeDeployment,
        kernelArguments: options.kernelArguments,
        overlayInitrds: options.overlayInitrds,
        locked: options.locked === true,
      },
      { lockInState: sysroot.compat.stagedLockInState },
    );
    replaceFile(stagedPath(host), state, { fs });
    if (previous !== undefined) {
      removeDeployment(sysroot, previous);
      if (options.locked !== true) dropLock(sysroot);
    }
    sysroot.touch();
    sysroot.reload();
    cleanupSysroot(sysroot, { prune: false });
    return sysroot.staged ?? deployment;
  });
}

/** Copies an initrd image into the staging area; returns its checksum, to be passed to a deployment. */
export function stageOverlayInitrd(sysroot: Sysroot, path: string, shown = path): string {
  const { fs, host } = sysroot;
  let bytes: Uint8Array;
  try {
    bytes = readFile(path, { fs });
  } catch (error) {
    throw errnoError(error, `openat(${shown})`);
  }
  const checksum = createHash('sha256').update(bytes).digest('hex');
  const directory = `${host.run}/staged-initrds`;
  makeDirectories(fs, directory, 0o755);
  replaceFile(`${directory}/${checksum}`, bytes, { fs, mode: 0o600 });
  return checksum;
}

export function isFinalizationLocked(sysroot: Sysroot): boolean {
  return (sysroot.staged?.finalizationLocked ?? false) || sysroot.fs.lstat(stagedLockPath(sysroot.host)) !== undefined;
}

/** Locks or unlocks the finalization of the staged deployment. Throws `NotFound` when nothing is staged. */
export function setFinalizationLocked(sysroot: Sysroot, locked: boolean): void {
  const { fs, host } = sysroot;
  if (sysroot.staged === undefined) throw new CoppiceError('NotFound', 'No staged deployment');
  const dict = VariantDict.decode(readFile(stagedPath(host), { fs, limit: 1 << 20 }));
  dict.set('locked', Variant.boolean(locked));
  replaceFile(stagedPath(host), dict.hashOrdered().encode(), { fs });
  if (locked) touchLock(sysroot);
  else dropLock(sysroot);
  sysroot.reload();
}

function finalizeInner(sysroot: Sysroot): boolean {
  const { fs, host } = sysroot;
  const staged = sysroot.staged;
  const state = readStaged(fs, host);
  if (staged === undefined || state === undefined || isFinalizationLocked(sysroot)) return false;
  let merge: Deployment | undefined;
  if (state.merge !== undefined) {
    merge = sysroot.deployments.find((deployment) => sameDeployment(deployment, state.merge));
    if (merge === undefined)
      throw new CoppiceError('NotFound', `Failed to find merge deployment ${state.merge.name} for staged`);
  }
  // From here on a half-done merge must not be taken up again at the next attempt.
  fs.unlink(stagedPath(host));
  finalizeDeployment(sysroot, staged, merge);
  staged.staged = false;
  sysroot.forgetStaged();
  simpleWriteDeployment(sysroot, staged, { osname: staged.osname, merge, cleanup: false });
  cleanupSysroot(sysroot, { prune: false });
  return true;
}

/**
 * What the shutdown unit runs: merges /etc and swaps the boot menu. False when nothing is staged or it is locked. A failure
 * is also left in /boot for the next boot to report.
 */
export function finalizeStaged(sysroot: Sysroot): boolean {
  const stamp = `${sysroot.path}/boot/${failurePath}`;
  try {
    const done = finalizeInner(sysroot);
    if (sysroot.fs.lstat(stamp) !== undefined) sysroot.fs.unlink(stamp);
    return done;
  } catch (error) {
    makeDirectories(sysroot.fs, `${sysroot.path}/boot/ostree`, 0o755);
    replaceFile(stamp, messageOf(error), { fs: sysroot.fs });
    throw error;
  }
}

/** What the boot unit runs: throws `Process` with the message of a finalization that failed, once. */
export function bootComplete(sysroot: Sysroot): void {
  if (sysroot.compat.softReboot) completeSoftReboot(sysroot.fs, sysroot.host);
  const stamp = `${sysroot.path}/boot/${failurePath}`;
  if (sysroot.fs.stat(stamp) === undefined) return;
  const text = readFile(stamp, { fs: sysroot.fs, limit: 1 << 20 }).toString();
  sysroot.fs.unlink(stamp);
  throw new CoppiceError('Process', `ostree-finalize-staged.service failed on previous boot: ${text}`);
}
