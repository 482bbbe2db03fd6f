// syslinux and extlinux: one file that also holds entries of other systems, which are kept.

import { CoppiceError } from '@coppice/base';
import { readFile, replaceFile } from '@coppice/linux';
import type { BootConfig } from '../bootconfig.ts';
import { type BootLoader, type BootLoaderContext, joinConfigLines, kernelOf } from './bootloader.ts';

const configPath = 'boot/syslinux/syslinux.cfg';

/** The new text of `syslinux.cfg`: foreign lines of `old`, then the deployments. Throws `Invalid` on a label without kernel. */
export function syslinuxConfig(old: string, entries: readonly BootConfig[], prefix = '/boot'): string {
  const kept: string[] = [];
  let label: string[] | undefined;
  let kernel: string | undefined;
  let sawDefault = false;
  let newDefault = false;
  const finishLabel = (): void => {
    if (label === undefined) return;
    if (kernel === undefined) throw new CoppiceError('Invalid', 'No KERNEL argument found after LABEL');
    if (!kernel.startsWith('/ostree/') && !kernel.startsWith('/boot/ostree/')) kept.push(...label);
    label = undefined;
  };
  for (const line of old.split('\n')) {
    if (!line.startsWith('\t')) finishLabel();
    if (label === undefined && line.startsWith('LABEL ')) label = [line];
    else if (label !== undefined) {
      if (line.startsWith('\tKERNEL ')) kernel = line.slice('\tKERNEL '.length);
      label.push(line);
    } else if (line.startsWith('DEFAULT ')) {
      sawDefault = true;
      if (line.startsWith('DEFAULT ostree:') || line.includes('(ostree')) newDefault = true;
    } else kept.push(line);
  }
  finishLabel();
  if (!sawDefault) newDefault = true;
  entries.forEach((entry, i) => {
    const title = entry.get('title') ?? '(Untitled)';
    if (newDefault && i === 0) kept.push(`DEFAULT ${title}`);
    kept.push(`LABEL ${title}`, `\tKERNEL ${prefix}${kernelOf(entry)}`);
    const initrd = entry.get('initrd');
    if (initrd !== undefined) kept.push(`\tINITRD ${prefix}${initrd}`);
    const deviceTree = entry.get('devicetree');
    if (deviceTree !== undefined) kept.push(`\tDEVICETREE ${prefix}${deviceTree}`);
    const options = entry.get('options');
    if (options !== undefined) kept.push(`\tAPPEND ${options}`);
  });
  return joinConfigLines(kept);
}

export function syslinux(context: BootLoaderContext): BootLoader {
  const { fs, path } = context;
  return {
    name: 'syslinux',
    isActive: () => fs.lstat(`${path}/${configPath}`) !== undefined,
    isAtomic: () => true,
    writeConfig(bootVersion) {
      const old = readFile(`${path}/${configPath}`, { fs }).toString();
      const text = syslinuxConfig(old, context.entries(bootVersion), context.bootPrefix ? '' : '/boot');
      replaceFile(`${path}/boot/loader.${bootVersion}/syslinux.cfg`, text, { fs });
    },
  };
}
