// Makes a list of deployments the boot menu, atomically. What a boot loader reads (`boot/loader.V`) is only replaced when
// menu entries change; otherwise swapping the links of the same boot version (`ostree/boot.V.S`) is enough.
//
// Order matters for power loss: everything new is written beside what is in force, one full sync, then one rename that
// switches, then a sync of its directory; only then is anything old removed.

import { CoppiceError, prefixError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import { type Bit, bootLinkTarget, otherBit, readSubBootVersion } from './bootlinks.ts';
import { cleanupSysroot } from './cleanup.ts';
import { type Deployment, sameDeployment } from './deployment.ts';
import { earlyPrune } from './earlyprune.ts';
import { installDeploymentKernel } from './installkernel.ts';
import { neutralOptions } from './kargs.ts';
import { makeDirectories, replaceLink } from './links.ts';
import { removeDeployment } from './removedeployment.ts';
import { type RetainFlags, simpleDeploymentList } from './simplewrite.ts';
import { clearSoftReboot } from './softreboot.ts';
import { stagedLockPath, stagedPath } from './stagedstate.ts';
import { fullSync } from './sync.ts';
import type { Sysroot } from './sysroot.ts';

export interface WriteOptions {
  /** Clean up and prune afterwards (default); false leaves that to the caller. */
  readonly cleanup?: boolean;
  /** For the first of two steps of an early prune. */
  readonly noEarlyPrune?: boolean;
}

/** Nothing in a boot entry would differ. */
function sameEntry(sysroot: Sysroot, a: Deployment, b: Deployment): boolean {
  return (
    a.bootChecksum === b.bootChecksum &&
    a.overlayInitrds.join() === b.overlayInitrds.join() &&
    neutralOptions(a.options) === neutralOptions(b.options) &&
    sysroot.versionOf(a) === sysroot.versionOf(b) &&
    a.osname === b.osname
  );
}

function assignBootSerials(deployments: readonly Deployment[]): void {
  const counts = new Map<string, number>();
  for (const deployment of deployments) {
    const count = counts.get(deployment.bootChecksum) ?? 0;
    counts.set(deployment.bootChecksum, count + 1);
    deployment.bootSerial = count;
  }
}

/** Writes `ostree/boot.V.S` for the S not in use and returns its name. */
function createBootLinks(sysroot: Sysroot, bootVersion: Bit, deployments: readonly Deployment[]): string {
  const { fs, path } = sysroot;
  const current =
    bootVersion === sysroot.bootVersion ? sysroot.subBootVersion : readSubBootVersion(fs, path, bootVersion);
  const name = `boot.${bootVersion}.${otherBit(current)}`;
  try {
    removeTree(`${path}/ostree/${name}`, fs);
    makeDirectories(fs, `${path}/ostree/${name}`, 0o755);
    for (const deployment of deployments) {
      const parent = `${path}/ostree/${name}/${deployment.osname}/${deployment.bootChecksum}`;
      makeDirectories(fs, parent, 0o755);
      replaceLink(fs, bootLinkTarget(deployment), `${parent}/${deployment.bootSerial}`);
    }
  } catch (error) {
    throw prefixError(error, 'Creating new current bootlinks');
  }
  return name;
}

function swapBootLinks(sysroot: Sysroot, bootVersion: Bit, target: string): void {
  try {
    replaceLink(sysroot.fs, target, `${sysroot.path}/ostree/boot.${bootVersion}`);
  } catch (error) {
    throw prefixError(error, 'Swapping new version bootlinks');
  }
}

function sync(sysroot: Sysroot): void {
  if (sysroot.flags.skipSync) return;
  fullSync(sysroot.fs, sysroot.path, {
    freeze: sysroot.freeze,
    testFifreeze: sysroot.flags.testFifreeze,
    onTestFifreeze: () => sysroot.debug('fifreeze watchdog was run'),
  });
}

/** New boot version: entries, boot loader's own file, links, sync, swap of `boot/loader`. */
function swapBootVersion(sysroot: Sysroot, deployments: readonly Deployment[]): { links: string; atomic: boolean } {
  const { fs, path } = sysroot;
  const loader = sysroot.bootLoader();
  const bootVersion = otherBit(sysroot.bootVersion);
  const entries = `${path}/boot/loader.${bootVersion}/entries`;
  removeTree(entries, fs);
  makeDirectories(fs, entries, 0o755);
  const showOsname = deployments.some((deployment) => deployment.osname !== deployments[0]!.osname);
  for (const deployment of deployments)
    installDeploymentKernel(sysroot, deployment, { bootVersion, count: deployments.length, showOsname });
  const links = createBootLinks(sysroot, bootVersion, deployments);
  swapBootLinks(sysroot, bootVersion, links);
  try {
    loader?.writeConfig(bootVersion, deployments);
  } catch (error) {
    throw prefixError(error, 'Bootloader write config');
  }
  try {
    // Lets paths with and without /boot in front work whether or not it is a partition of its own.
    if (fs.lstat(`${path}/boot/boot`) === undefined) fs.symlink('.', `${path}/boot/boot`);
    replaceLink(fs, `loader.${bootVersion}`, `${path}/boot/loader.tmp`);
  } catch (error) {
    throw prefixError(error, 'Preparing final bootloader swap');
  }
  sync(sysroot);
  try {
    fs.rename(`${path}/boot/loader.tmp`, `${path}/boot/loader`);
    fs.syncDir(`${path}/boot`);
    loader?.afterSwap?.(bootVersion);
  } catch (error) {
    throw prefixError(error, 'Final bootloader swap');
  }
  return { links, atomic: loader?.isAtomic() ?? false };
}

/** Drops the staged deployment unless it stays first; true when it was dropped. */
function settleStaged(sysroot: Sysroot, deployments: readonly Deployment[]): boolean {
  const staged = sysroot.staged;
  if (staged === undefined || deployments[0] === staged) return false;
  const { fs, host } = sysroot;
  fs.unlink(stagedPath(host));
  removeDeployment(sysroot, staged);
  if (fs.lstat(stagedLockPath(host)) !== undefined) fs.unlink(stagedLockPath(host));
  sysroot.forgetStaged();
  return true;
}

function finish(sysroot: Sysroot): void {
  sysroot.touch();
  try {
    sysroot.reload();
  } catch (error) {
    throw prefixError(error, 'Reloading deployments after commit');
  }
  for (const { osname } of sysroot.deployments) {
    const legacy = `${sysroot.path}/ostree/deploy/${osname}/current`;
    if (sysroot.fs.lstat(legacy) !== undefined) sysroot.fs.unlink(legacy);
  }
}

/**
 * Makes `list` the boot menu; its trees must be on disk (`deployTree`). The same objects in the same order change nothing.
 * Throws `Conflict` when the booted deployment would go.
 */
export function writeDeployments(sysroot: Sysroot, list: readonly Deployment[], options: WriteOptions = {}): void {
  if (sysroot.compat.earlyPrune && options.noEarlyPrune !== true && !sysroot.flags.noEarlyPrune)
    earlyPrune(sysroot, list, (common) => writeDeployments(sysroot, common, { cleanup: false, noEarlyPrune: true }));
  const droppedStaged = settleStaged(sysroot, list);
  const deployments = list.filter((deployment) => !deployment.staged);
  const current = sysroot.deployments;
  const currentCount = current.length - (sysroot.staged === undefined ? 0 : 1);
  assignBootSerials(deployments);

  let swap = deployments.length !== currentCount;
  if (!swap) {
    let same = true;
    for (const [i, deployment] of deployments.entries()) {
      const before = current[i]!;
      if (before.staged) continue;
      if (!sameEntry(sysroot, before, deployment)) {
        swap = true;
        break;
      }
      if (before !== deployment) same = false;
    }
    if (!swap && same) {
      if (droppedStaged) finish(sysroot);
      return;
    }
  }
  for (const [i, deployment] of deployments.entries()) {
    const tree = sysroot.deploymentPath(deployment);
    if (sysroot.fs.stat(tree) === undefined)
      throw new CoppiceError('NotFound', `Unable to find expected deployment root: ${tree}`);
    deployment.index = i;
  }
  if (sysroot.booted !== undefined && !deployments.some((deployment) => sameDeployment(deployment, sysroot.booted)))
    throw new CoppiceError('Conflict', 'Attempting to remove booted deployment');
  const target = current.find((deployment) => deployment.softRebootTarget);
  if (target !== undefined && !deployments.some((deployment) => sameDeployment(deployment, target)))
    clearSoftReboot(sysroot);

  let done: { links: string; atomic: boolean };
  if (swap) done = swapBootVersion(sysroot, deployments);
  else {
    const links = createBootLinks(sysroot, sysroot.bootVersion, deployments);
    sync(sysroot);
    swapBootLinks(sysroot, sysroot.bootVersion, links);
    sysroot.fs.syncDir(`${sysroot.path}/ostree`);
    done = { links, atomic: true };
  }
  sysroot.message(
    `${done.atomic ? 'Transaction complete' : 'Bootloader updated'}; bootconfig swap: ${swap ? 'yes' : 'no'}; ` +
      `bootversion: ${done.links}, deployment count change: ${deployments.length - sysroot.deployments.length}`,
  );
  finish(sysroot);
  if (options.cleanup === false) return;
  try {
    cleanupSysroot(sysroot);
  } catch (error) {
    throw prefixError(error, 'Performing final cleanup');
  }
}

/** Adds a new deployment by the usual rules: first, keeping the booted and the merge deployment and what `flags` say. */
export function simpleWriteDeployment(
  sysroot: Sysroot,
  fresh: Deployment,
  options: RetainFlags & { osname?: string | undefined; merge?: Deployment | undefined; cleanup?: boolean } = {},
): void {
  const list = simpleDeploymentList(
    sysroot.deployments,
    fresh,
    { osname: options.osname, booted: sysroot.booted, merge: options.merge },
    options,
  );
  writeDeployments(sysroot, list, options.cleanup === undefined ? {} : { cleanup: options.cleanup });
}
