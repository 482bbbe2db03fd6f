// `rpm-ostree cliwrap PROGRAM ARGS...`: what the wrappers of a tree call.
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { Context } from '../../cli/context.ts';
import { runReal, runUnprivileged, thisHost, type WrapHost } from './host.ts';
import { installWrappers } from './install.ts';
import { wrapRpm } from './rpm.ts';
import { wrapYum } from './yum.ts';

const dracutNotice = `This system is rpm-ostree based; initramfs handling is
integrated with the underlying ostree transaction mechanism.
Use \`rpm-ostree initramfs\` to control client-side initramfs generation.
`;
const grubbyNotice = `This system is rpm-ostree based; grubby is not used.
Use \`rpm-ostree kargs\` instead.
`;

/** Runs a verb of ours, with variables of the environment set. */
type RpmOstree = (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<number>;

/** Says that nothing else has to be done, which callers of the real program do not know. */
const skipRest = 77;

/** Only where images are built is the work ours. */
async function wrapKernelInstall(host: WrapHost, args: readonly string[], rpmOstree: RpmOstree): Promise<number> {
  if (host.type !== 'ostree-container') return runReal(host, 'kernel-install', args);
  const status = await rpmOstree(['kernel-install', ...args], { KERNEL_INSTALL_LAYOUT: 'ostree' });
  return status === skipRest ? 0 : status;
}

/** Answers a call of a wrapped program; everything after its name is the program's. Throws `Usage`, `Unsupported`. */
export async function runCliwrap(
  context: Context,
  args: readonly string[],
  rpmOstree: RpmOstree,
  host: WrapHost = thisHost(context),
): Promise<number> {
  const [path, ...rest] = args;
  if (path === undefined) throw new CoppiceError('Usage', 'Missing required argument');
  if (path === 'install-to-root') {
    const [root] = rest;
    if (root === undefined) throw new CoppiceError('Usage', 'Missing required argument: ROOTDIR');
    const dir = resolve(context.cwd, root);
    if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true || !existsSync(join(dir, 'usr')))
      throw new CoppiceError('NotFound', `${root}: not a root file system`);
    installWrappers(dir);
    context.stdout.write(`Successfully enabled cliwrap for ${root}\n`);
    return 0;
  }
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name === '') throw new CoppiceError('Usage', `Invalid wrapped binary: ${path}`);
  if (host.type === 'other' || context.env['RPMOSTREE_CLIWRAP_SKIP'] !== undefined) return runReal(host, name, rest);
  switch (name) {
    case 'rpm':
      return wrapRpm(host, rest);
    case 'yum':
    case 'dnf':
      return await wrapYum(host, rest, rpmOstree);
    case 'dracut':
      context.stderr.write(dracutNotice);
      return rest.length === 0 ? 1 : runUnprivileged(host, true, 'dracut', rest);
    case 'grubby':
      context.stderr.write(grubbyNotice);
      return 1;
    case 'kernel-install':
      return await wrapKernelInstall(host, rest, rpmOstree);
    default:
      throw new CoppiceError('Usage', `Unknown wrapped binary: ${path}`);
  }
}
