// Which boot loader a sysroot has: the one its repository's `sysroot.bootloader` names, or the first found.

import { CoppiceError } from '@coppice/base';
import type { BootLoader, BootLoaderContext } from './bootloader.ts';
import { grub2 } from './grub2.ts';
import { aboot, zipl } from './stamped.ts';
import { syslinux } from './syslinux.ts';
import { uboot } from './uboot.ts';

const makers: Readonly<Record<string, (context: BootLoaderContext) => BootLoader>> = {
  grub2,
  syslinux,
  aboot,
  uboot,
  zipl,
};

const probed: readonly string[] = ['syslinux', 'grub2', 'uboot'];

/** `setting` is `auto`, `none` or a name. Undefined: entries only. Throws `Invalid` on an unknown setting. */
export function chooseBootLoader(setting: string, context: BootLoaderContext): BootLoader | undefined {
  if (setting === 'none') return undefined;
  if (setting !== 'auto') {
    const make = Object.hasOwn(makers, setting) ? makers[setting] : undefined;
    if (make === undefined) throw new CoppiceError('Invalid', `Invalid bootloader configuration: '${setting}'`);
    return make(context);
  }
  const order = process.arch === 's390x' ? [...probed, 'zipl'] : probed;
  for (const name of order) {
    const loader = makers[name]!(context);
    if (loader.isActive()) return loader;
  }
  return undefined;
}
