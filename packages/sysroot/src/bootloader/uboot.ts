// U-Boot: variables in `uEnv.txt`, wholly ours. The default deployment may bring further lines in its tree.

import { CoppiceError } from '@coppice/base';
import { readFile, replaceFile } from '@coppice/linux';
import type { BootConfig } from '../bootconfig.ts';
import { KernelArguments } from '../kargs.ts';
import { type BootLoader, type BootLoaderContext, joinConfigLines, kernelOf } from './bootloader.ts';

/** The text of `uEnv.txt`; `extra` gives the tree's own lines for the default entry's `ostree=` value. */
export function ubootConfig(
  entries: readonly BootConfig[],
  extra: (bootLink: string) => string | undefined,
  prefix = '/boot',
): string {
  const lines: string[] = [];
  entries.forEach((entry, i) => {
    const suffix = i === 0 ? '' : String(i + 1);
    const put = (variable: string, value: string | undefined, before = prefix): void => {
      if (value !== undefined) lines.push(`${variable}${suffix}=${before}${value}`);
    };
    put('kernel_image', kernelOf(entry));
    put('ramdisk_image', entry.get('initrd'));
    put('fdt_file', entry.get('devicetree'));
    put('fdtdir', entry.get('fdtdir'));
    const options = entry.get('options');
    put('bootargs', options, '');
    if (i !== 0 || options === undefined) return;
    const link = KernelArguments.parse(options).lastValue('ostree');
    if (link === undefined)
      throw new CoppiceError('Invalid', 'No ostree= kernel argument found in boot loader configuration file');
    const own = extra(link);
    if (own !== undefined) lines.push(own);
  });
  return joinConfigLines(lines);
}

export function uboot(context: BootLoaderContext): BootLoader {
  const { fs, path } = context;
  return {
    name: 'U-Boot',
    isActive: () => ((fs.lstat(`${path}/boot/loader/uEnv.txt`)?.mode ?? 0) & 0o170000) === 0o100000,
    isAtomic: () => true,
    writeConfig(bootVersion) {
      const extra = (link: string): string | undefined => {
        const file = `${path}${link}/usr/lib/ostree-boot/uEnv.txt`;
        return fs.stat(file) === undefined ? undefined : readFile(file, { fs, limit: 1 << 20 }).toString();
      };
      const text = ubootConfig(context.entries(bootVersion), extra);
      replaceFile(`${path}/boot/loader.${bootVersion}/uEnv.txt`, text, { fs });
    },
  };
}
