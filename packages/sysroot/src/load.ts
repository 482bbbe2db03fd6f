// Reading a sysroot: the entries of the boot version in force are the truth; each leads through its link to a deployment.

import { CoppiceError, errnoError, isCoppiceError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { readFile } from '@coppice/linux';
import type { BootConfig } from './bootconfig.ts';
import { type Bit, parseBootLink, readBootVersion, readSubBootVersion } from './bootlinks.ts';
import { Deployment, parseDeploymentName } from './deployment.ts';
import { readEntries } from './entries.ts';
import type { DeviceInode, Host } from './host.ts';
import { splitKernelArguments } from './kargs.ts';
import { forgetNextRoot, readNextRoot } from './nextroot.ts';
import { Origin } from './origin.ts';
import { readStaged } from './stagedstate.ts';

export interface SysrootState {
  readonly bootVersion: Bit;
  readonly subBootVersion: Bit;
  /** In menu order; a staged deployment comes first. */
  readonly deployments: readonly Deployment[];
  readonly booted: Deployment | undefined;
  readonly staged: Deployment | undefined;
}

/** Reads `CSUM.SERIAL.origin`; undefined when there is none. */
export function loadOrigin(fs: FileSystem, sysroot: string, deployment: Deployment): Origin | undefined {
  const path = `${sysroot}/${deployment.originPath}`;
  if (fs.stat(path) === undefined) return undefined;
  try {
    return Origin.parse(readFile(path, { fs, limit: 1 << 20 }));
  } catch (error) {
    throw errnoError(error, `Parsing ${deployment.originPath}`);
  }
}

function unlockedState(fs: FileSystem, host: Host, deployment: Deployment): Deployment['unlocked'] {
  const state = `${host.run}/deployment-state/${deployment.name}`;
  if (fs.lstat(`${state}/unlocked-development`) !== undefined) return 'development';
  if (fs.lstat(`${state}/unlocked-transient`) !== undefined) return 'transient';
  return deployment.origin?.unlocked === 'hotfix' ? 'hotfix' : 'none';
}

function deploymentOf(fs: FileSystem, sysroot: string, host: Host, entry: BootConfig): Deployment {
  const argument = splitKernelArguments(entry.get('options') ?? '').find((word) => word.startsWith('ostree='));
  if (argument === undefined) throw new CoppiceError('Invalid', 'No ostree= kernel argument found');
  const value = argument.slice('ostree='.length);
  const link = parseBootLink(value);
  try {
    let target: string;
    try {
      target = fs.readlink(`${sysroot}${value}`);
    } catch (error) {
      throw errnoError(error, 'readlinkat');
    }
    const name = parseDeploymentName(target.slice(target.lastIndexOf('/') + 1));
    const deployment = new Deployment({
      osname: link.osname,
      ...name,
      bootChecksum: link.bootChecksum,
      bootSerial: link.bootSerial,
    });
    if (fs.stat(`${sysroot}${value}`) === undefined) throw errnoError({ code: 'ENOENT' }, `opendir(${value.slice(1)})`);
    deployment.origin = loadOrigin(fs, sysroot, deployment);
    deployment.unlocked = unlockedState(fs, host, deployment);
    deployment.bootConfig = entry;
    deployment.overlayInitrds = entry.overlayInitrds.map(overlayChecksum);
    return deployment;
  } catch (error) {
    throw prefixError(error, `Parsing deployment ${value} in stateroot '${link.osname}'`);
  }
}

function overlayChecksum(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (!/^[0-9a-f]{64}\.img$/.test(name))
    throw new CoppiceError('Invalid', `Malformed overlay initrd filename: ${name}`);
  return name.slice(0, 64);
}

function nextRoot(fs: FileSystem, host: Host): DeviceInode | undefined {
  try {
    return readNextRoot(fs, host);
  } catch (error) {
    throw prefixError(error, 'Loading nextroot');
  }
}

/** Throws `Invalid` on a broken layout, with the original's words (without its leading `loading sysroot: `). */
export function loadSysroot(fs: FileSystem, sysroot: string, host: Host): SysrootState {
  const bootVersion = readBootVersion(fs, sysroot);
  const subBootVersion = readSubBootVersion(fs, sysroot, bootVersion);
  const identity: DeviceInode | undefined = host.booted(sysroot);
  const deployments: Deployment[] = [];
  const next = identity === undefined ? undefined : nextRoot(fs, host);
  let booted: Deployment | undefined;
  for (const entry of readEntries(fs, sysroot, bootVersion)) {
    const deployment = deploymentOf(fs, sysroot, host, entry);
    deployments.push(deployment);
    if (identity === undefined) continue;
    const stat = fs.stat(`${sysroot}/${deployment.path}`);
    const is = (other: DeviceInode | undefined): boolean => stat?.dev === other?.dev && stat?.ino === other?.ino;
    if (stat === undefined) continue;
    if (booted === undefined && is(identity)) booted = deployment;
    else if (is(next)) deployment.softRebootTarget = true;
  }
  if (next !== undefined && !deployments.some((deployment) => deployment.softRebootTarget)) forgetNextRoot(fs, host);
  let staged: Deployment | undefined;
  if (identity !== undefined) {
    const record = '/run/ostree-booted';
    if (booted === undefined)
      throw new CoppiceError(
        'Invalid',
        fs.lstat(`${sysroot}/boot/loader`) === undefined
          ? `Unexpected state: ${record} found, but no /boot/loader directory`
          : `Unexpected state: ${record} found and in / sysroot, but bootloader entry not found`,
      );
    try {
      staged = readStaged(fs, host)?.target;
    } catch (error) {
      if (isCoppiceError(error)) throw prefixError(error, 'Loading staged deployment');
      throw errnoError(error, 'Loading staged deployment');
    }
    if (staged !== undefined) {
      staged.origin = loadOrigin(fs, sysroot, staged);
      deployments.unshift(staged);
    }
  }
  deployments.forEach((deployment, i) => {
    deployment.index = i;
  });
  return { bootVersion, subBootVersion, deployments, booted, staged };
}
