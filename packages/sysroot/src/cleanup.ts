// Removes what no deployment in the list needs: boot versions not in force, deployment trees, kernels, overlay images; then
// renews the refs that keep deployed commits, and prunes the repository.

import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import { formatSize, type HelperThread } from '@coppice/ostree';
import { listBootDirectories } from './bootdirs.ts';
import { otherBit } from './bootlinks.ts';
import { Deployment, parseDeploymentName } from './deployment.ts';
import { overlayDirectory } from './installkernel.ts';
import { pruneSystemRepo } from './prunerepo.ts';
import { removeDeployment } from './removedeployment.ts';
import type { Sysroot } from './sysroot.ts';

function inStep(step: string, body: () => void): void {
  try {
    body();
  } catch (error) {
    throw error instanceof CoppiceError ? prefixError(error, step) : errnoError(error, step);
  }
}

/** Deployment directories on disk, in the list or not, of one stateroot or all. */
export function deploymentDirectories(sysroot: Sysroot, osname?: string): Deployment[] {
  const { fs, path } = sysroot;
  const base = `${path}/ostree/deploy`;
  const isDirectory = (at: string): boolean => ((fs.lstat(at)?.mode ?? 0) & 0o170000) === 0o040000;
  const names = osname === undefined ? fs.readdir(base).filter((name) => isDirectory(`${base}/${name}`)) : [osname];
  const found: Deployment[] = [];
  for (const name of names) {
    const directory = `${base}/${name}/deploy`;
    if (fs.stat(directory) === undefined) continue;
    for (const child of fs.readdir(directory))
      if (isDirectory(`${directory}/${child}`))
        found.push(new Deployment({ osname: name, ...parseDeploymentName(child) }));
  }
  return found;
}

function cleanBootVersions(sysroot: Sysroot): void {
  const { fs, path, bootVersion } = sysroot;
  const other = otherBit(bootVersion);
  for (const name of [
    `boot/loader.${other}`,
    `ostree/boot.${other}`,
    `ostree/boot.${other}.0`,
    `ostree/boot.${other}.1`,
    `ostree/boot.${bootVersion}.${otherBit(sysroot.subBootVersion)}`,
  ])
    removeTree(`${path}/${name}`, fs);
}

function cleanDeployments(sysroot: Sysroot, helper?: HelperThread): () => void {
  const active = new Set(sysroot.deployments.map((deployment) => deployment.path));
  const waiting: (() => void)[] = [];
  for (const deployment of deploymentDirectories(sysroot))
    if (!active.has(deployment.path)) waiting.push(removeDeployment(sysroot, deployment, helper));
  return () => {
    for (const wait of waiting) wait();
  };
}

/** Removes kernels and overlay images that neither the list nor `keep` uses. */
export function cleanBootFs(sysroot: Sysroot, keep: readonly Deployment[] = []): void {
  const { fs, path } = sysroot;
  const used = [...sysroot.deployments, ...keep];
  const checksums = new Set(used.map((deployment) => deployment.bootChecksum));
  for (const { name, bootChecksum } of listBootDirectories(fs, path))
    if (!checksums.has(bootChecksum)) removeTree(`${path}/boot/ostree/${name}`, fs);
  const overlays = `${path}/boot/${overlayDirectory}`;
  if (fs.stat(overlays) === undefined) return;
  const images = new Set(used.flatMap((deployment) => deployment.overlayInitrds.map((sum) => `${sum}.img`)));
  for (const name of fs.readdir(overlays)) if (!images.has(name)) removeTree(`${overlays}/${name}`, fs);
}

/** Local refs `ostree/V/S/INDEX`: a plain prune of the repository must not take deployed commits. */
function renewRefs(sysroot: Sysroot): void {
  const { repo, bootVersion, subBootVersion } = sysroot;
  const prefix = `ostree/${bootVersion}/${subBootVersion}/`;
  const wanted = new Map(sysroot.deployments.map((deployment, i) => [`${prefix}${i}`, deployment.checksum]));
  for (const ref of repo.listRefs('ostree').keys())
    if (/^ostree\/[01]\/[01]\//.test(ref) && !ref.startsWith(prefix)) repo.setRef(ref, null);
  if (wanted.size === 0) return;
  // As the original: a transaction also takes up or removes the staging folders that others left behind.
  repo.transaction((transaction) => {
    for (const [ref, checksum] of wanted) transaction.setRef(ref, checksum);
  });
}

export interface CleanupOptions {
  /** False: leave the repository's objects alone. */
  readonly prune?: boolean;
  /** A second thread, which removes deployments while the repository is pruned. */
  readonly helper?: HelperThread | undefined;
}

/** Throws with the failing step before the message. Running it again after a crash finishes the job. */
export function cleanupSysroot(sysroot: Sysroot, options: CleanupOptions = {}): void {
  const removed = cleanupButObjects(sysroot, options.helper);
  try {
    if (options.prune === false) return;
    inStep('Pruning system repository', () => {
      const freed = pruneSystemRepo(sysroot);
      if (freed > 0 && sysroot.compat.cleanupPrintsFreed) sysroot.message(`Freed objects: ${formatSize(freed)}`);
    });
  } finally {
    removed();
  }
}

/** As `cleanupSysroot`, but what becomes of the objects is up to `prune`, which begins when the refs are renewed. */
export async function cleanupSysrootBeside(
  sysroot: Sysroot,
  helper: HelperThread | undefined,
  prune: () => Promise<void>,
): Promise<void> {
  const removed = cleanupButObjects(sysroot, helper);
  try {
    await prune();
  } finally {
    removed();
  }
}

/** Everything but the objects; gives what waits for a second thread that removes deployments. */
function cleanupButObjects(sysroot: Sysroot, thread: HelperThread | undefined): () => void {
  const helper = thread?.started === true ? thread : undefined;
  const bootFs = (): void => cleanBootFs(sysroot);
  inStep('Cleaning bootversions', () => cleanBootVersions(sysroot));
  inStep('Cleaning deployments', () => {
    if (helper === undefined) cleanDeployments(sysroot);
    if (!sysroot.compat.stepPrefixes) bootFs();
  });
  if (sysroot.compat.stepPrefixes) inStep('Cleaning bootfs', bootFs);
  inStep('Generating deployment refs', () => renewRefs(sysroot));
  let removed = (): void => {};
  // Not before: what is written durably would wait for all that is being removed.
  if (helper !== undefined)
    inStep('Cleaning deployments', () => {
      removed = cleanDeployments(sysroot, helper);
    });
  return () => inStep('Cleaning deployments', removed);
}
