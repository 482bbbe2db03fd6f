// A new deployment on disk: the commit's tree checked out as hard links, its /etc, the first filling of the stateroot's /var,
// and the merge of the old configuration. The boot menu is not touched; `writeDeployments` does that.

import { CoppiceError, checkPathComponent, errnoError, prefixError } from '@coppice/base';
import { removeTree, replaceFile } from '@coppice/linux';
import { checkout, type HelperThread } from '@coppice/ostree';
import { BootConfig } from './bootconfig.ts';
import { deploymentDirectories } from './cleanup.ts';
import { checkComposefsDigest, composefsOfTree } from './composefs/from-commit.ts';
import { findKnownImage, imageKey, imageName, type KnownImages } from './composefs/known-images.ts';
import { Deployment } from './deployment.ts';
import { mergeEtc } from './etcmerge.ts';
import { KernelArguments } from './kargs.ts';
import { findKernel } from './kernel.ts';
import { makeDirectories } from './links.ts';
import { setMutable } from './mutable.ts';
import type { Origin } from './origin.ts';
import { deploymentPolicy, relabelVar } from './policy.ts';
import { loadPrepareRoot, parsePrepareRoot } from './prepareroot.ts';
import { refreshPolicy } from './semodule.ts';
import { legacyVarSkeleton } from './stateroot.ts';
import type { Sysroot } from './sysroot.ts';

export interface DeployTreeOptions {
  /** Whose configuration and, without `kernelArguments`, kernel arguments are taken over. */
  readonly mergeDeployment?: Deployment | undefined;
  readonly kernelArguments?: readonly string[] | undefined;
  /** Checksums of images staged with `stageOverlayInitrd`. */
  readonly overlayInitrds?: readonly string[] | undefined;
  /**
   * `user` checks out without owners and attributes, for a repository of mode bare-user and a caller without privileges.
   * Default: by the repository's mode.
   */
  readonly mode?: 'none' | 'user';
  /** A second thread that helps to write the tree, of the caller's, who closes it. */
  readonly helper?: HelperThread | undefined;
  /** What is remembered of composefs images: one that another deployment of the commit has is not made again. */
  readonly knownImages?: KnownImages | undefined;
}

function inStep<T>(sysroot: Sysroot, step: string, body: () => T, always = false): T {
  try {
    return body();
  } catch (error) {
    const ours = error instanceof CoppiceError ? error : errnoError(error, 'deploy');
    throw always || sysroot.compat.stepPrefixes ? prefixError(ours, step) : ours;
  }
}

function nextSerial(sysroot: Sysroot, osname: string, checksum: string): number {
  const taken = deploymentDirectories(sysroot, osname).filter((deployment) => deployment.checksum === checksum);
  return taken.reduce((next, deployment) => Math.max(next, deployment.deploySerial + 1), 0);
}

function isDirectory(sysroot: Sysroot, path: string): boolean {
  return ((sysroot.fs.lstat(path)?.mode ?? 0) & 0o170000) === 0o040000;
}

function prepareEtc(sysroot: Sysroot, deployment: Deployment, mode: 'none' | 'user'): void {
  const { fs } = sysroot;
  const tree = sysroot.deploymentPath(deployment);
  const etc = `${tree}/etc`;
  const both = new CoppiceError('Conflict', 'Tree contains both /etc and /usr/etc');
  let defaults = fs.lstat(`${tree}/usr/etc`) !== undefined;
  if (fs.lstat(etc) !== undefined) {
    const empty = sysroot.compat.dropsEmptyEtc && isDirectory(sysroot, etc) && fs.readdir(etc).length === 0;
    if (defaults && !empty) throw both;
    if (defaults) fs.rmdir(etc);
    else if (!empty) {
      // Trees from before usr/etc are refused below: what was committed as /etc is not copied.
      fs.rename(etc, `${tree}/usr/etc`);
      defaults = true;
    }
  }
  if (!defaults) return;
  const policy = deploymentPolicy(sysroot, deployment);
  checkout(sysroot.repo, {
    commit: deployment.checksum,
    subpath: '/usr/etc',
    dest: etc,
    mode,
    forceCopy: true,
    ...(policy === undefined
      ? {}
      : { label: (path: string, fileMode: number) => policy.label(`/etc${path === '/' ? '' : path}`, fileMode) }),
  });
}

/** The commit's /var becomes the stateroot's when that is still empty, as a container volume is filled. */
function prepareVar(sysroot: Sysroot, deployment: Deployment, mode: 'none' | 'user'): void {
  const { fs, path } = sysroot;
  const tree = sysroot.deploymentPath(deployment);
  if (!isDirectory(sysroot, `${tree}/var`)) return;
  const shared = `${path}/ostree/deploy/${deployment.osname}/var`;
  if (!isDirectory(sysroot, shared))
    throw errnoError({ code: 'ENOENT' }, `Opening stateroot: opendir(ostree/deploy/${deployment.osname}/var)`);
  if (fs.readdir(shared).length > 0) return;
  checkout(sysroot.repo, {
    commit: deployment.checksum,
    subpath: '/var',
    dest: shared,
    mode,
    forceCopy: true,
    overwrite: 'union',
  });
  if (fs.lstat(`${tree}/usr/lib/tmpfiles.d`) === undefined) legacyVarSkeleton(fs, shared);
}

/** Where a commit's /var is of no use, each thing in it is told. */
function noteVar(sysroot: Sysroot, deployment: Deployment): void {
  const path = `${sysroot.deploymentPath(deployment)}/var`;
  if (!isDirectory(sysroot, path)) return;
  for (const name of sysroot.fs.readdir(path))
    sysroot.debug(
      `note: Deploying commit ${deployment.checksum} which contains content in /var/${name} that will be ignored.`,
    );
}

function prepareBacking(sysroot: Sysroot, deployment: Deployment): void {
  const { fs, path } = sysroot;
  const root = fs.stat(sysroot.deploymentPath(deployment))!;
  const transient = `${path}/${deployment.backingPath}/root-transient`;
  makeDirectories(fs, transient, 0o700);
  makeDirectories(fs, `${transient}/work`, 0o700);
  if (fs.stat(`${transient}/upper`) === undefined) {
    fs.mkdir(`${transient}/upper`, root.mode & 0o7777);
    fs.chmod(`${transient}/upper`, root.mode & 0o7777);
  }
}

/** The image an initramfs mounts as root when composefs is enabled there, sealed with fs-verity when that is wanted. */
function writeComposefs(sysroot: Sysroot, checksum: string, tree: string, known: KnownImages | undefined): void {
  const { fs, repo } = sysroot;
  // With the files' digests only where they will be asked for: whether that is so, the tree itself says.
  const config = inStep(sysroot, 'Parsing prepare-root config', () => loadPrepareRoot(fs, tree), true);
  const verity = inStep(sysroot, 'Reading rootfs config', () => parsePrepareRoot(config).requireVerity, true);
  const commit = repo.loadCommit(checksum);
  const key = imageKey(checksum, verity);
  const before = known?.digestOf(key);
  const others = sysroot.deployments.filter((d) => d.checksum === checksum).map((d) => sysroot.deploymentPath(d));
  let image = before === undefined ? undefined : findKnownImage(fs, others, { digest: before, verity });
  if (image === undefined) {
    const made = composefsOfTree(repo, commit, { verity: verity ? 'yes' : 'maybe' });
    if (verity) checkComposefsDigest(commit, made.digest);
    known?.remember(key, made.digest.toString('hex'));
    image = made.image;
  } else if (verity) checkComposefsDigest(commit, Buffer.from(before!, 'hex'));
  // As all of the tree, it is made durable before the boot menu changes.
  replaceFile(`${tree}/${imageName}`, image, { fs, sync: false, finish: (temporary) => repo.verity.seal(temporary) });
}

/** First half: the tree and its own /etc. Kernel arguments that were given are in `bootConfig`. */
export function initializeDeployment(
  sysroot: Sysroot,
  osname: string,
  checksum: string,
  origin: Origin | undefined,
  options: DeployTreeOptions,
): Deployment {
  const { fs, path, repo } = sysroot;
  checkPathComponent(osname, 'stateroot');
  const stateroot = `${path}/ostree/deploy/${osname}`;
  if (sysroot.compat.requireStateRoot) {
    if (fs.stat(stateroot) === undefined) throw new CoppiceError('NotFound', `No such stateroot: ${osname}`);
  } else if (fs.stat(`${stateroot}/var`) === undefined) throw errnoError({ code: 'ENOENT' }, 'opendir(var)');
  if (sysroot.compat.backingDirectory) makeDirectories(fs, `${stateroot}/backing`, 0o700);
  const deployment = new Deployment({ osname, checksum, deploySerial: nextSerial(sysroot, osname, checksum) });
  deployment.origin = origin;
  const mode = options.mode ?? (repo.mode === 'bare' ? 'none' : 'user');
  const tree = sysroot.deploymentPath(deployment);
  inStep(
    sysroot,
    'Checking out deployment tree',
    () => {
      makeDirectories(fs, `${stateroot}/deploy`, 0o775);
      removeTree(tree, fs);
      const helped = options.helper === undefined ? {} : { helper: options.helper, helperLinks: true };
      checkout(repo, { commit: checksum, dest: tree, mode, passthroughWhiteouts: true, ...helped });
      if (sysroot.compat.composefs && mode === 'none') writeComposefs(sysroot, checksum, tree, options.knownImages);
    },
    true,
  );
  const known = sysroot.deployments.map((d) => ({ tree: sysroot.deploymentPath(d), bootChecksum: d.bootChecksum }));
  deployment.bootChecksum = findKernel(fs, tree, { noDeviceTree: sysroot.flags.noDeviceTree, known }).bootChecksum;
  deployment.bootConfig = new BootConfig();
  if (options.kernelArguments !== undefined)
    deployment.bootConfig.set('options', new KernelArguments(options.kernelArguments).toString());
  deployment.overlayInitrds = options.overlayInitrds ?? [];
  inStep(sysroot, 'Preparing /etc', () => prepareEtc(sysroot, deployment, mode), true);
  if (sysroot.compat.initialVar)
    inStep(sysroot, 'Preparing deployment /var', () => prepareVar(sysroot, deployment, mode), true);
  else noteVar(sysroot, deployment);
  return deployment;
}

/** Second half, at once or at shutdown: /etc merge, labels of /var, origin file, immutable flag. */
export function finalizeDeployment(sysroot: Sysroot, deployment: Deployment, merge: Deployment | undefined): void {
  const { fs, path } = sysroot;
  const tree = sysroot.deploymentPath(deployment);
  const config = deployment.bootConfig ?? new BootConfig();
  deployment.bootConfig = config;
  if (merge?.options !== undefined && config.get('options') === undefined) config.set('options', merge.options);
  if (merge !== undefined) {
    const old = sysroot.deploymentPath(merge);
    mergeEtc(
      fs,
      { oldDefaults: `${old}/usr/etc`, current: `${old}/etc`, target: `${tree}/etc` },
      {
        noXattrs: sysroot.flags.noXattrs,
        refuseSpecial: sysroot.compat.etcRefusesSpecial,
        onDiff: ({ modified, removed, added }) =>
          sysroot.message(
            `Copying /etc changes: ${modified.length} modified, ${removed.length} removed, ${added.length} added`,
          ),
      },
    );
    refreshPolicy(sysroot, tree);
  }
  const shared =
    sysroot.booted?.osname === deployment.osname
      ? sysroot.host.varPath
      : `${path}/ostree/deploy/${deployment.osname}/var`;
  for (const stamp of [`${tree}/etc/.updated`, `${shared}/.updated`])
    if (fs.lstat(stamp) !== undefined) fs.unlink(stamp);
  relabelVar(sysroot, deployment);
  if (sysroot.compat.backingDirectory) prepareBacking(sysroot, deployment);
  writeOrigin(sysroot, deployment);
  if (!sysroot.flags.mutableDeployments) setMutable(fs, tree, false);
}

/** Writes the origin file of a deployment, if it has an origin. */
export function writeOrigin(sysroot: Sysroot, deployment: Deployment, origin = deployment.origin): void {
  if (origin === undefined) return;
  try {
    replaceFile(`${sysroot.path}/${deployment.originPath}`, origin.toString(), { fs: sysroot.fs });
  } catch (error) {
    throw prefixError(errnoError(error, 'openat'), 'Writing out origin file');
  }
}

/** Replaces the origin of a deployment in the list, at once. */
export function writeOriginFile(sysroot: Sysroot, deployment: Deployment, origin: Origin): void {
  writeOrigin(sysroot, deployment, origin);
  sysroot.touch();
}

/**
 * Checks out `checksum` as a new deployment of `osname` and merges the configuration of `mergeDeployment`. The result is
 * on disk but not in the boot menu.
 */
export function deployTree(
  sysroot: Sysroot,
  osname: string,
  checksum: string,
  origin: Origin | undefined,
  options: DeployTreeOptions = {},
): Deployment {
  return inStep(sysroot, 'Deploying tree', () => {
    const deployment = inStep(sysroot, 'Initializing deployment', () =>
      initializeDeployment(sysroot, osname, checksum, origin, options),
    );
    inStep(sysroot, 'Finalizing deployment', () => finalizeDeployment(sysroot, deployment, options.mergeDeployment));
    return deployment;
  });
}
