// GRUB 2 through its generator script: it runs our menu text into `loader.V/grub.cfg`, or, on EFI, beside the file on the
// FAT partition, where no atomic swap is possible.

import { constants } from 'node:fs';
import { CoppiceError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import type { BootConfig } from '../bootconfig.ts';
import type { Bit } from '../bootlinks.ts';
import { copyFile } from '../copytree.ts';
import type { Deployment } from '../deployment.ts';
import { type BootLoader, type BootLoaderContext, kernelOf } from './bootloader.ts';

/** `g_shell_quote`. */
function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Menu entries for the `15_ostree` script of grub2-mkconfig, which sets these variables. Throws `Usage` without them.
 * `linuxSuffix` is for GRUB builds that call the commands `linux16` and, with EFI, `linuxefi`.
 */
export function grub2Menu(
  entries: readonly BootConfig[],
  env: Readonly<Record<string, string | undefined>>,
  linuxSuffix = '',
): string {
  const device = env['GRUB2_BOOT_DEVICE_ID'];
  const prepare = env['GRUB2_PREPARE_ROOT_CACHE'];
  if (device === undefined || prepare === undefined)
    throw new CoppiceError('Usage', 'GRUB2_BOOT_DEVICE_ID and GRUB2_PREPARE_ROOT_CACHE must be set');
  const suffix = env['_OSTREE_GRUB2_IS_EFI'] !== undefined && linuxSuffix !== '' ? 'efi' : linuxSuffix;
  let out = '';
  entries.forEach((entry, i) => {
    const title = shellQuote(entry.get('title') ?? '(Untitled)');
    const id = shellQuote(`ostree-${i}-${device}`);
    out += `menuentry ${title} --class gnu-linux --class gnu --class os --unrestricted ${id} {\n`;
    out += `load_video\nset gfxpayload=keep\ninsmod gzio\n${prepare}\n`;
    const options = entry.get('options');
    out += `linux${suffix} ${kernelOf(entry)}${options === undefined ? '' : ` ${options}`}\n`;
    const initrd = entry.get('initrd');
    if (initrd !== undefined) out += `initrd${suffix} ${initrd}\n`;
    const devicetree = entry.get('devicetree');
    if (devicetree !== undefined) out += `devicetree ${devicetree}\n`;
    out += '}\n';
  });
  return out;
}

const biosPaths = ['boot/grub/grub.cfg', 'boot/grub2/grub.cfg'];

/** `grub.cfg` of the first vendor directory on the EFI partition. */
function efiConfig({ fs, path }: BootLoaderContext): string | undefined {
  const base = `${path}/boot/efi/EFI`;
  if (fs.stat(base) === undefined) return undefined;
  for (const vendor of fs.readdir(base)) {
    if (vendor === 'BOOT' || ((fs.lstat(`${base}/${vendor}`)?.mode ?? 0) & 0o170000) !== 0o040000) continue;
    if (fs.stat(`${base}/${vendor}/grub.cfg`) !== undefined) return `${base}/${vendor}/grub.cfg`;
  }
  return undefined;
}

/** bootupd ships a fixed grub.cfg that reads the entries itself; then there is nothing to write. */
function hasStaticConfigs({ fs, path }: BootLoaderContext): boolean {
  const state = `${path}/boot/bootupd-state.json`;
  if (fs.stat(state) === undefined) return false;
  try {
    const parsed: unknown = JSON.parse(readFile(state, { fs, limit: 1 << 20 }).toString());
    return (parsed as { 'static-configs'?: unknown } | null)?.['static-configs'] != null;
  } catch {
    return false;
  }
}

export function grub2(context: BootLoaderContext): BootLoader {
  const { fs, path, env } = context;
  const bios = (): boolean => biosPaths.some((name) => fs.stat(`${path}/${name}`) !== undefined);
  const efi = (): string | undefined => (bios() ? undefined : efiConfig(context));
  const generate = (output: string, bootVersion: Bit, deployments: readonly Deployment[], isEfi: boolean): void => {
    const chosen = env['OSTREE_GRUB2_EXEC'];
    const program = chosen ?? 'grub2-mkconfig';
    const options = {
      env: { ...env, _OSTREE_GRUB2_BOOTVERSION: String(bootVersion), ...(isEfi ? { _OSTREE_GRUB2_IS_EFI: '1' } : {}) },
      quiet: env['OSTREE_DEBUG_GRUB2'] === undefined,
    };
    const usesSystemTool = chosen === undefined || /grub2?-mkconfig$/.test(chosen);
    const first = deployments[0];
    if (usesSystemTool && !context.booted && path !== '/' && first !== undefined) {
      // The tool must come from the system it writes for: run it with the first deployment as its root.
      const script = 'mount --make-rprivate / && mount --bind . . && exec chroot . "$@"';
      const argv = ['unshare', '--mount', 'sh', '-c', script, 'sh', program, '-o', output] as const;
      context.run([...argv], { ...options, cwd: `${path}/${first.path}` });
    } else context.run([program, '-o', output], options);
    const fd = fs.open(output, constants.O_RDONLY);
    try {
      fs.fdatasync(fd);
    } finally {
      fs.close(fd);
    }
  };
  return {
    name: 'grub2',
    isActive: () => !hasStaticConfigs(context) && (bios() || efi() !== undefined),
    isAtomic: () => efi() === undefined,
    writeConfig(bootVersion, deployments) {
      const target = efi();
      if (target === undefined) {
        generate(`${path}/boot/loader.${bootVersion}/grub.cfg`, bootVersion, deployments, false);
        return;
      }
      const fresh = `${target}.new`;
      if (fs.lstat(fresh) !== undefined) fs.unlink(fresh);
      generate(fresh, bootVersion, deployments, true);
      copyFile(fs, target, `${target}.old`, { noXattrs: true });
      fs.rename(fresh, target);
      fs.syncDir(target.slice(0, target.lastIndexOf('/')));
    },
  };
}
