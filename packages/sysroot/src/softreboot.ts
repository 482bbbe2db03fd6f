// Soft reboot: userspace starts anew in another deployment while the kernel goes on. The deployment is mounted beforehand.

import { dirname } from 'node:path';
import { CoppiceError, isCoppiceError, messageOf, prefixError } from '@coppice/base';
import type { Deployment } from './deployment.ts';
import type { Host } from './host.ts';
import { neutralOptions } from './kargs.ts';
import { mountNextRoot, nextRootPath, nextRootRecord } from './nextroot.ts';
import type { Sysroot } from './sysroot.ts';

const runtimeOf = (host: Host): string => dirname(host.run);

/** Whether the running kernel is the one that `deployment` would boot, with the same arguments. */
export function canSoftReboot(sysroot: Sysroot, deployment: Deployment): boolean {
  const { booted } = sysroot;
  return (
    booted !== undefined &&
    booted.bootChecksum === deployment.bootChecksum &&
    neutralOptions(booted.options) === neutralOptions(deployment.options)
  );
}

/**
 * Makes `deployment` the target of the next `systemctl soft-reboot`. A staged one is finalized first. Throws `Conflict`
 * when it has another kernel or other kernel arguments, `Process` when mounting fails.
 */
export function prepareSoftReboot(sysroot: Sysroot, deployment: Deployment): void {
  const { fs, host, run } = sysroot;
  const step = 'Preparing /run/nextroot for a soft-reboot';
  try {
    if (!canSoftReboot(sysroot, deployment))
      throw new CoppiceError('Conflict', 'Cannot soft-reboot to deployment with different kernel state');
    run(['systemctl', 'start', '--quiet', 'ostree-finalize-staged.service'], {});
    const runtime = runtimeOf(host);
    // On the running system `/` is a deployment; the physical root is below it.
    const physicalRoot = sysroot.path === '/' ? '/sysroot' : sysroot.path;
    try {
      mountNextRoot({
        fs,
        run,
        tree: `${physicalRoot}/${deployment.path}`,
        physicalRoot,
        runtime,
        cmdline: host.procCmdline(),
      });
    } catch (error) {
      try {
        run(['umount', '-R', nextRootPath(runtime)], {});
      } catch (second) {
        // Nothing was mounted yet.
        if (!isCoppiceError(second, 'Process')) throw second;
      }
      // The original mounts in a process of its own, which tells of the failure.
      sysroot.debug(`error: ${messageOf(error)}`);
      throw new CoppiceError('Process', 'Child process exited with code 1', { cause: error });
    }
  } catch (error) {
    throw prefixError(error, step);
  }
  sysroot.touch();
  sysroot.reload();
}

/** Unmounts the next root and forgets it; nothing when none is mounted. */
export function clearSoftReboot(sysroot: Sysroot): void {
  const record = nextRootRecord(runtimeOf(sysroot.host));
  if (sysroot.booted === undefined || sysroot.fs.lstat(record) === undefined) return;
  sysroot.run(['umount', '-R', nextRootPath(runtimeOf(sysroot.host))], {});
  sysroot.fs.unlink(record);
  sysroot.reload();
}
