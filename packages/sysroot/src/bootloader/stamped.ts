// zipl (IBM Z) and aboot (Android boot images): programs that must run after the entries are in force. A stamp file says
// that the run is still owed, so that one that failed is made up for at the next change.

import { constants } from 'node:fs';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { replaceFile } from '@coppice/linux';
import type { Bit } from '../bootlinks.ts';
import { inDeploymentRoot } from '../deploymentroot.ts';
import type { BootLoader, BootLoaderContext } from './bootloader.ts';
import { kernelFlag, underSecureExecution, updateSecureExecution } from './secureexecution.ts';

const stamp = 'boot/ostree-bootloader-update.stamp';

function stamped(
  context: BootLoaderContext,
  name: string,
  isActive: () => boolean,
  update: (bootVersion: Bit) => void,
): BootLoader {
  const { fs, path } = context;
  return {
    name,
    isActive,
    isAtomic: () => true,
    writeConfig: () => replaceFile(`${path}/${stamp}`, '', { fs }),
    afterSwap(bootVersion) {
      if (fs.lstat(`${path}/${stamp}`) === undefined) return;
      update(bootVersion);
      fs.unlink(`${path}/${stamp}`);
      fs.syncDir(`${path}/boot`);
    },
  };
}

/** Old kernels have no file for it, but say so among their first messages. */
function kernelLogTells(fs: FileSystem): boolean {
  let fd: number;
  try {
    fd = fs.open('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw errnoError(error, 'openat(/dev/kmsg)');
  }
  try {
    // One message for each reading.
    const buffer = Buffer.alloc(8192);
    for (let i = 0; i < 5; i++)
      if (buffer.subarray(0, fs.read(fd, buffer, 0, buffer.length, null)).includes('Secure-IPL enabled')) return true;
    return false;
  } catch (error) {
    // Fewer messages than that.
    if ((error as { code?: string }).code === 'EAGAIN') return false;
    throw errnoError(error, 'read(/dev/kmsg)');
  } finally {
    fs.close(fd);
  }
}

export function zipl(context: BootLoaderContext): BootLoader {
  const { fs, path } = context;
  const loader = stamped(
    context,
    'zipl',
    () => process.arch === 's390x',
    () => {
      const argv: [string, ...string[]] = ['zipl'];
      if (context.compat.ziplSecureBoot) {
        const secure = kernelFlag(fs, '/sys/firmware/ipl/secure') ?? kernelLogTells(fs);
        argv.push('--secure', secure ? '1' : 'auto', '-V');
      }
      const { booted, defaultTree } = context;
      if (booted || defaultTree === undefined) context.run(argv, {});
      // Of another system, its own zipl for its own /boot.
      else context.run(inDeploymentRoot(argv, ['--bind', `${path}/boot`, '/boot']), { cwd: `${path}/${defaultTree}` });
    },
  );
  return {
    ...loader,
    afterSwap(bootVersion) {
      // Only root can run it.
      if (process.getuid?.() !== 0 || fs.lstat(`${path}/${stamp}`) === undefined) return;
      // The stamp stays then: the image is made anew with every change.
      if (underSecureExecution(fs)) updateSecureExecution(context, bootVersion);
      else loader.afterSwap?.(bootVersion);
    },
  };
}

export function aboot(context: BootLoaderContext): BootLoader {
  return stamped(
    context,
    'aboot',
    () => false,
    (bootVersion) => {
      const entry = context.entries(bootVersion)[0];
      if (entry === undefined) throw new CoppiceError('NotFound', 'aboot: no bls config');
      const need = (key: string): string => {
        const value = entry.get(key);
        if (value === undefined) throw new CoppiceError('Invalid', `aboot: no "${key}" key in bootloader config`);
        return value;
      };
      const [image, config, , , , options] = ['aboot', 'abootcfg', 'version', 'linux', 'initrd', 'options'].map(need);
      const argv = ['aboot-deploy', '-r', '.', '-c', config!, '-o', options!, image!] as const;
      context.run(argv, { cwd: context.path });
    },
  );
}
