// Puts a deployment's kernel, initramfs and device trees into `boot/ostree/OS-BOOTCSUM` and writes its boot entry.

import { constants } from 'node:fs';
import { errnoError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { chunksOf, readFile, replaceFile } from '@coppice/linux';
import { BootConfig } from './bootconfig.ts';
import { type Bit, bootLinkPath } from './bootlinks.ts';
import { copyTree } from './copytree.ts';
import type { Deployment } from './deployment.ts';
import { entryFileName } from './entries.ts';
import { KernelArguments } from './kargs.ts';
import { type BootFile, findKernel, type KernelLayout } from './kernel.ts';
import { makeDirectories } from './links.ts';
import { entryTitle, parseOsRelease } from './osrelease.ts';
import type { Sysroot } from './sysroot.ts';

/** Directory of added initrd images, below `boot`. */
export const overlayDirectory = 'ostree/initramfs-overlays';

/** A hard link where possible, else a copy that is on disk before it has its name. What is there already stays. */
function installFile(sysroot: Sysroot, from: string, to: string): void {
  const { fs } = sysroot;
  if (fs.lstat(to) !== undefined) return;
  try {
    fs.link(from, to);
    return;
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code !== 'EXDEV' && code !== 'EMLINK') throw errnoError(error, `linkat(${to.slice(to.lastIndexOf('/') + 1)})`);
  }
  const source = fs.open(from, constants.O_RDONLY);
  const temporary = `${to}.coppice-tmp`;
  try {
    if (fs.lstat(temporary) !== undefined) fs.unlink(temporary);
    const stat = fs.fstat(source);
    const target = fs.open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      for (const chunk of chunksOf(fs, source)) fs.write(target, chunk, 0, chunk.length, null);
      fs.fchown(target, stat.uid, stat.gid);
      fs.fchmod(target, stat.mode & 0o7777);
      fs.fdatasync(target);
    } finally {
      fs.close(target);
    }
    // Never required: /boot may be of a kind that has no fs-verity.
    if (sysroot.repo.verity.wanted !== 'no') sealIfPossible(fs, temporary);
    fs.rename(temporary, to);
  } finally {
    fs.close(source);
  }
}

function sealIfPossible(fs: FileSystem, path: string): void {
  try {
    fs.enableVerity(path);
  } catch (error) {
    throw errnoError(error, 'fsverity: ioctl(FS_IOC_ENABLE_VERITY)');
  }
}

function installFiles(sysroot: Sysroot, tree: string, layout: KernelLayout, directory: string): void {
  const source = `${tree}/${layout.directory}`;
  const put = (file: BootFile | undefined): void => {
    if (file !== undefined) installFile(sysroot, `${source}/${file.source}`, `${directory}/${file.name}`);
  };
  put(layout.kernel);
  put(layout.initramfs);
  put(layout.deviceTree);
  if (layout.deviceTreeDirectory !== undefined)
    copyTree(sysroot.fs, `${source}/${layout.deviceTreeDirectory}`, `${directory}/${layout.deviceTreeDirectory}`, {
      noXattrs: true,
    });
  put(layout.hmac);
  if (sysroot.compat.androidImages) put(layout.aboot);
}

function osReleaseOf(sysroot: Sysroot, tree: string): Map<string, string> {
  const name = sysroot.fs.stat(`${tree}/usr/lib/os-release`) === undefined ? 'etc/os-release' : 'usr/lib/os-release';
  try {
    return parseOsRelease(readFile(`${tree}/${name}`, { fs: sysroot.fs, limit: 1 << 20 }).toString());
  } catch (error) {
    throw prefixError(errnoError(error, `openat(${name})`), `Reading /${name}`);
  }
}

/** Installs one overlay initrd from the staging area of `/run` when it is not in `/boot` yet. */
function installOverlay(sysroot: Sysroot, checksum: string): void {
  const { fs, path, host } = sysroot;
  makeDirectories(fs, `${path}/boot/${overlayDirectory}`, 0o755);
  installFile(sysroot, `${host.run}/staged-initrds/${checksum}`, `${path}/boot/${overlayDirectory}/${checksum}.img`);
}

function setAbootKeys(entry: BootConfig, deployment: Deployment, layout: KernelLayout, bootDirectory: string): void {
  const legacy = `/${deployment.path}/usr/lib/ostree-boot`;
  if (layout.aboot === undefined) return;
  entry.set('aboot', `/${bootDirectory}/${layout.aboot.name}`);
  entry.set('abootcfg', `${legacy}/aboot.cfg`);
}

export interface EntryContext {
  readonly bootVersion: Bit;
  /** Number of deployments in the new list. */
  readonly count: number;
  /** Deployments of more than one stateroot are listed. */
  readonly showOsname: boolean;
}

/** Throws with `Installing kernel: ` before the message. The deployment's own `bootConfig` is left as it is. */
export function installDeploymentKernel(sysroot: Sysroot, deployment: Deployment, context: EntryContext): void {
  try {
    install(sysroot, deployment, context);
  } catch (error) {
    throw prefixError(error, 'Installing kernel');
  }
}

function install(sysroot: Sysroot, deployment: Deployment, context: EntryContext): void {
  const { fs, path, compat } = sysroot;
  const settings = sysroot.settings;
  const tree = sysroot.deploymentPath(deployment);
  const { bootChecksum } = deployment;
  const layout = findKernel(fs, tree, {
    noDeviceTree: sysroot.flags.noDeviceTree,
    known: [{ tree, bootChecksum }],
  });
  const bootDirectory = `ostree/${deployment.osname}-${deployment.bootChecksum}`;
  makeDirectories(fs, `${path}/boot/${bootDirectory}`, 0o775);
  installFiles(sysroot, tree, layout, `${path}/boot/${bootDirectory}`);
  for (const checksum of deployment.overlayInitrds) installOverlay(sysroot, checksum);

  const prefix = compat.bootPrefix && settings.bootPrefix ? '/boot/' : '/';
  const entry = deployment.bootConfig?.clone() ?? new BootConfig();
  entry.set(
    'title',
    entryTitle({
      osRelease: osReleaseOf(sysroot, tree),
      version: sysroot.versionOf(deployment),
      osname: deployment.osname,
      showOsname: context.showOsname,
      index: deployment.index,
    }),
  );
  const number = context.count - deployment.index;
  entry.set('version', String(number));
  entry.set('linux', `${prefix}${bootDirectory}/${layout.kernel.name}`);
  const kargs = KernelArguments.parse(entry.get('options'), compat.quotedKernelArguments);
  const link = bootLinkPath(context.bootVersion, deployment);
  if (layout.initramfs !== undefined) {
    entry.set('initrd', `${prefix}${bootDirectory}/${layout.initramfs.name}`);
    entry.overlayInitrds = deployment.overlayInitrds.map((checksum) => `${prefix}${overlayDirectory}/${checksum}.img`);
  } else kargs.replace(`init=${link}/usr/lib/ostree/ostree-prepare-root`);
  if (compat.androidImages) setAbootKeys(entry, deployment, layout, bootDirectory);
  if (layout.deviceTree !== undefined) entry.set('devicetree', `${prefix}${bootDirectory}/${layout.deviceTree.name}`);
  else if (layout.deviceTreeDirectory !== undefined)
    entry.set('fdtdir', `${prefix}${bootDirectory}/${layout.deviceTreeDirectory}`);
  kargs.replace(`ostree=${link}`);
  entry.set('options', kargs.toString());
  if (deployment.index !== 0) for (const [key, value] of settings.blsAppendExceptDefault) entry.set(key, value);

  const old = compat.stateRootInEntryName || sysroot.flags.oldEntryNames;
  const name = entryFileName({
    number,
    osname: old ? deployment.osname : undefined,
    previous: entry.fileName,
    tries: compat.bootCounting ? settings.bootCountingTries : 0,
  });
  replaceFile(`${path}/boot/loader.${context.bootVersion}/entries/${name}`, entry.toString(), { fs });
}
