// Mounts a deployment where systemd takes the next root of a soft reboot from: what ostree-prepare-root does in an initramfs,
// done on the running system. All mounts are made by mount(8) in the caller's mount namespace.

import { mkdtempSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { Variant, VariantDict } from '@coppice/gvariant';
import { readFile, replaceFile } from '@coppice/linux';
import { boundCommit, Repo } from '@coppice/ostree';
import type { ProgramRunner } from './bootloader/bootloader.ts';
import { parseDeploymentName } from './deployment.ts';
import type { DeviceInode, Host } from './host.ts';
import { makeDirectories } from './links.ts';
import { loadPrepareRoot, type PrepareRootConfig, parsePrepareRoot } from './prepareroot.ts';

export interface NextRootOptions {
  readonly fs: FileSystem;
  readonly run: ProgramRunner;
  /** Absolute path of the deployment. */
  readonly tree: string;
  /** Where the physical root is mounted: `/sysroot`. */
  readonly physicalRoot: string;
  /** `/run`: its `ostree/.private`, which the initramfs made, must be there. */
  readonly runtime: string;
  /** Text of /proc/cmdline. */
  readonly cmdline: string;
}

export const nextRootPath = (runtime: string): string => `${runtime}/nextroot`;
export const nextRootRecord = (runtime: string): string => `${runtime}/ostree/nextroot-booted`;

/** Identity of the deployment that is mounted as the next root, if one is. Throws `Invalid` on a damaged record. */
export function readNextRoot(fs: FileSystem, host: Host): DeviceInode | undefined {
  const path = nextRootRecord(dirname(host.run));
  if (fs.lstat(path) === undefined) return undefined;
  const key = 'backing-root-device-inode';
  const value = VariantDict.decode(readFile(path, { fs, limit: 1 << 20 })).lookup(key, '(tt)');
  if (value === undefined) throw new CoppiceError('Invalid', `Missing ${key} key in ${path}`);
  const [dev, ino] = value as readonly [bigint, bigint];
  return { dev: Number(dev), ino: Number(ino) };
}

/** After a soft reboot: what was the next root is the root. Nothing when there was none. */
export function completeSoftReboot(fs: FileSystem, host: Host): void {
  const runtime = dirname(host.run);
  if (fs.lstat(nextRootRecord(runtime)) !== undefined) fs.rename(nextRootRecord(runtime), `${runtime}/ostree-booted`);
}

/** Removes the record of a next root that is no deployment any more; who may not leaves it. */
export function forgetNextRoot(fs: FileSystem, host: Host): void {
  try {
    fs.unlink(nextRootRecord(dirname(host.run)));
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS', 'ENOENT'].includes((error as { code?: string }).code ?? '')) throw error;
  }
}

function isLink(fs: FileSystem, path: string): boolean {
  return ((fs.lstat(path)?.mode ?? 0) & 0o170000) === 0o120000;
}

function isDirectory(fs: FileSystem, path: string): boolean {
  return ((fs.lstat(path)?.mode ?? 0) & 0o170000) === 0o040000;
}

/** The digest of the image that a signed commit promises. Throws `Signature` when it is not signed, or promises none. */
function signedDigest({ fs, tree, physicalRoot }: NextRootOptions, { keys }: PrepareRootConfig): Buffer {
  const { checksum } = parseDeploymentName(basename(tree));
  const commit = boundCommit(Repo.open(`${physicalRoot}/ostree/repo`, { fs }), checksum, keys);
  const digest = commit.metadata.lookup('ostree.composefs.digest.v0', 'ay');
  if (!(digest instanceof Uint8Array) || digest.length !== 32)
    throw new CoppiceError('Signature', 'Signature validation requested, but no valid digest in commit');
  return Buffer.from(digest);
}

/** Throws `Corrupt` unless the kernel vouches that the image is the one with this digest. */
function checkImage(fs: FileSystem, image: string, digest: Buffer): void {
  let measured: Buffer | undefined;
  try {
    measured = fs.measureVerity(image);
  } catch {
    // No fs-verity at all.
  }
  if (measured === undefined) throw new CoppiceError('Corrupt', 'fsverity not enabled on composefs image');
  if (!measured.equals(digest)) throw new CoppiceError('Corrupt', 'Wrong fsverity digest in composefs image');
}

/** The overlay of the image and the repository's objects at `target`. */
function mountImage(options: NextRootOptions, config: PrepareRootConfig, target: string, digest?: Buffer): void {
  const { fs, run, tree, physicalRoot, runtime } = options;
  const lower = `${runtime}/ostree/.private/cfsroot-lower`;
  try {
    if (fs.stat(lower) === undefined) fs.mkdir(lower, 0o700);
  } catch {
    throw new CoppiceError('Permission', `Failed to create ${lower}`);
  }
  const layers = [`lowerdir=${lower}::${physicalRoot}/ostree/repo/objects`];
  if (config.rootTransient !== 'no') {
    const base = `${runtime}/ostree/.private/root`;
    makeDirectories(fs, `${base}/upper`, 0o755);
    makeDirectories(fs, `${base}/work`, 0o700);
    layers.push(`upperdir=${base}/upper`, `workdir=${base}/work`);
  }
  if (config.rootTransient === 'no') layers.unshift('ro');
  if (config.requireVerity) layers.push('verity=require');
  if (fs.stat(`${tree}/.ostree.cfs`) === undefined)
    throw new CoppiceError('NotFound', 'composefs: failed to mount: No such file or directory');
  try {
    if (digest !== undefined) checkImage(fs, `${tree}/.ostree.cfs`, digest);
    run(['mount', '-t', 'erofs', '-o', 'loop,ro,noacl', '.ostree.cfs', lower], { cwd: tree });
    const overlay = [...layers, 'metacopy=on', 'redirect_dir=on'].join(',');
    try {
      run(['mount', '-t', 'overlay', '-o', overlay, 'composefs', target], {});
      if (config.rootTransient === 'read-only') run(['mount', '-o', 'remount,bind,ro', target], {});
    } finally {
      run(['umount', '-l', lower], {});
    }
  } catch (error) {
    throw prefixError(error, 'composefs: failed to mount');
  }
}

function mountEtc({ run, tree, runtime }: NextRootOptions, transient: boolean, target: string): string | undefined {
  const etc = `${target}/etc`;
  if (!transient) {
    run(['mount', '--bind', 'etc', etc], { cwd: tree });
    run(['mount', '-o', 'remount,bind,rw,suid,dev,exec', etc], {});
    return undefined;
  }
  const folder = mkdtempSync(`${runtime}/ostree/transient-etc.`);
  run(['mkdir', `${folder}/upper`, `${folder}/work`], {});
  const layers = `lowerdir=${target}/usr/etc,upperdir=${folder}/upper,workdir=${folder}/work`;
  run(['mount', '-t', 'overlay', '-o', layers, 'overlay', etc], {});
  return folder;
}

/**
 * Mounts `tree` at `/run/nextroot` and writes `/run/ostree/nextroot-booted`. Throws `Unsupported` when the tree is not
 * mounted through composefs, `Process` when a mount fails; what was mounted by then stays (the caller unmounts).
 */
export function mountNextRoot(options: NextRootOptions): void {
  const { fs, run, tree, physicalRoot, runtime } = options;
  const config = parsePrepareRoot(loadPrepareRoot(fs, tree), { cmdline: options.cmdline, keys: fs });
  if (config.composefs !== 'yes') throw new CoppiceError('Unsupported', 'soft reboot not supported without composefs');
  const target = nextRootPath(runtime);
  if (fs.stat(target) === undefined) makeDirectories(fs, target, 0o755);
  const root = fs.lstat(tree);
  if (root === undefined) throw errnoError({ code: 'ENOENT' }, `lstat(${tree})`);
  try {
    mountImage(options, config, target, config.signed ? signedDigest(options, config) : undefined);
  } catch (error) {
    throw prefixError(error, 'failed to mount composefs');
  }
  if (isLink(fs, `${physicalRoot}/boot/loader`) && isDirectory(fs, `${target}/boot`))
    run(['mount', '--bind', `${physicalRoot}/boot`, `${target}/boot`], {});
  const etc = mountEtc(options, config.etcTransient, target);
  run(['mount', '--bind', physicalRoot, `${target}/sysroot`], {});
  run(['mount', '-o', 'remount,bind,ro', `${target}/sysroot`], {});
  const record = new VariantDict([
    ['backing-root-device-inode', new Variant('(tt)', [BigInt(root.dev), BigInt(root.ino)])],
    ['root.transient', Variant.boolean(config.rootTransient !== 'no')],
    ['root.transient-ro', Variant.boolean(config.rootTransient === 'read-only')],
    ...(config.signed ? [['composefs.signed', Variant.string(config.keyPath)] as const] : []),
    ['composefs', Variant.boolean(true)],
    ['composefs.verity', Variant.boolean(config.requireVerity)],
  ]);
  if (etc !== undefined) record.set('transient-etc', Variant.string(etc));
  record.set('sysroot-ro', Variant.boolean(true));
  replaceFile(nextRootRecord(runtime), record.encode(), { fs });
}
