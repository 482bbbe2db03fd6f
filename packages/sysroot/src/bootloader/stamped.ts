// zipl (IBM Z) and aboot (Android boot images): programs that must run after the entries are in force. A stamp file says
// that the run is still owed, so that one that failed is made up for at the next change.

import { CoppiceError } from '@coppice/base';
import { replaceFile } from '@coppice/linux';
import type { Bit } from '../bootlinks.ts';
import { inDeploymentRoot } from '../deploymentroot.ts';
import type { BootLoader, BootLoaderContext } from './bootloader.ts';

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

export function zipl(context: BootLoaderContext): BootLoader {
  const secureFlag = '/sys/firmware/ipl/secure';
  return stamped(
    context,
    'zipl',
    () => process.arch === 's390x',
    () => {
      const { fs } = context;
      let secure = false;
      if (fs.stat(secureFlag) !== undefined) {
        const fd = fs.open(secureFlag, 0);
        const buffer = Buffer.alloc(8);
        secure = buffer.subarray(0, fs.read(fd, buffer, 0, 8, 0)).includes('1');
        fs.close(fd);
      }
      const argv = ['zipl', '--secure', secure ? '1' : 'auto', '-V'] as const;
      const { booted, defaultTree, path } = context;
      if (booted || defaultTree === undefined) context.run(argv, {});
      // Of another system, its own zipl for its own /boot.
      else context.run(inDeploymentRoot(argv, ['--bind', `${path}/boot`, '/boot']), { cwd: `${path}/${defaultTree}` });
    },
  );
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
