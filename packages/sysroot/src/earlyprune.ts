// A small /boot may hold two kernels but not three. When the new list would not fit beside the old, the deployments that
// go are taken out of the menu first.

import type { FileSystem } from '@coppice/base/fs';
import { listBootDirectories } from './bootdirs.ts';
import { cleanBootFs } from './cleanup.ts';
import type { Deployment } from './deployment.ts';
import { findKernel } from './kernel.ts';
import type { Sysroot } from './sysroot.ts';

/** Room for entries and the like beside the kernels. */
const safetyMargin = 1 << 20;

function roundedSize(fs: FileSystem, path: string, blockSize: number): number {
  const stat = fs.stat(path);
  if (stat === undefined) return 0;
  if ((stat.mode & 0o170000) === 0o040000)
    return fs.readdir(path).reduce((sum, name) => sum + roundedSize(fs, `${path}/${name}`, blockSize), 0);
  return Math.ceil(stat.size / blockSize) * blockSize;
}

function kernelSize(sysroot: Sysroot, deployment: Deployment, blockSize: number): number {
  const tree = sysroot.deploymentPath(deployment);
  const { bootChecksum } = deployment;
  const layout = findKernel(sysroot.fs, tree, {
    noDeviceTree: sysroot.flags.noDeviceTree,
    known: [{ tree, bootChecksum }],
  });
  const sources = [layout.kernel, layout.initramfs, layout.deviceTree, layout.hmac, layout.aboot]
    .map((file) => file?.source)
    .concat(layout.deviceTreeDirectory);
  return sources.reduce(
    (sum, name) =>
      name === undefined ? sum : sum + roundedSize(sysroot.fs, `${tree}/${layout.directory}/${name}`, blockSize),
    0,
  );
}

/**
 * On the running system with /boot on a partition of its own: if the kernels of `list` do not fit but would without those
 * that go, calls `writeCommon` with the deployments that stay and removes the kernels of the others. Else does nothing.
 */
export function earlyPrune(
  sysroot: Sysroot,
  list: readonly Deployment[],
  writeCommon: (common: readonly Deployment[]) => void,
): void {
  const { fs, path } = sysroot;
  if (sysroot.booted === undefined) return;
  const boot = `${path}/boot`;
  if (fs.stat(boot)?.dev === fs.stat(`${path}/ostree/repo`)?.dev) return;
  cleanBootFs(sysroot, list);
  const usage = fs.usage(boot);
  const present = new Map(
    listBootDirectories(fs, path).map(({ name, bootChecksum }) => [
      bootChecksum,
      roundedSize(fs, `${boot}/ostree/${name}`, usage.blockSize),
    ]),
  );
  const wanted = new Set<string>();
  let fresh = 0;
  for (const deployment of list) {
    if (!present.has(deployment.bootChecksum) && !wanted.has(deployment.bootChecksum))
      fresh += kernelSize(sysroot, deployment, usage.blockSize);
    wanted.add(deployment.bootChecksum);
  }
  const fits = (bytes: number): boolean => bytes <= 0 || bytes + safetyMargin <= usage.free;
  if (fits(fresh)) return;
  let going = 0;
  for (const [checksum, size] of present) if (!wanted.has(checksum)) going += size;
  if (!fits(fresh - going)) return;
  const common = sysroot.deployments.filter((deployment) => wanted.has(deployment.bootChecksum));
  if (common.length === sysroot.deployments.length) return;
  writeCommon(common);
  cleanBootFs(sysroot, list);
}
