// From a new origin to a new deployment: pull the base, assemble, stage or write, clean up.
import { CoppiceError } from '@coppice/base';
import {
  type Deployment,
  deployTree,
  Origin as OriginFile,
  simpleWriteDeployment,
  splitKernelArguments,
  stageTree,
} from '@coppice/sysroot';
import { baseOf, isLayered } from '../commit-facts.ts';
import { needsAssembly, type Origin, originKeyFile, originsEqual, withoutOverrideCommit } from '../origin.ts';
import { formatRefspec } from '../refspec.ts';
import { type Assembled, assemble } from './assemble.ts';
import { cleanupBase } from './cleanup.ts';
import type { Client } from './client.ts';
import { readDaemonConfig } from './daemon-config.ts';
import { stageEtcInitrd } from './etc-initrd.ts';
import { pruneHistory, recordHistory } from './history.ts';
import { knownImages } from './known-images.ts';
import { pullBase } from './pull-base.ts';

export interface DeployRequest {
  readonly origin: Origin;
  /** Fetch the base of the origin; otherwise the deployed base stays. */
  readonly pull: boolean;
  /** The base is this commit, fetched already. */
  readonly base?: string;
  readonly allowDowngrade?: boolean;
  readonly cacheOnly?: boolean;
  readonly downloadOnly?: boolean;
  readonly dryRun?: boolean;
  readonly lockFinalization?: boolean;
  readonly localRepo?: string;
  /** Kernel arguments of the new deployment; default those of the deployment it follows. */
  readonly kernelArguments?: readonly string[];
  /** Make a deployment even when nothing changed. */
  readonly always?: boolean;
  /** Show the steps of an assembly at levels that otherwise do not. */
  readonly showSteps?: boolean;
  /** Ref to delete afterwards. */
  readonly purgeRef?: string;
}

export interface DeployOutcome {
  /** A new deployment is the default now. */
  readonly changed: boolean;
  /** One would be, had not only a download been asked for. */
  readonly downloaded?: boolean;
  readonly deployment?: Deployment;
  readonly base: string;
  /** The default deployment before. */
  readonly previous: Deployment;
}

/** Kernel arguments of a deployment without `ostree=`, which is made anew. */
export function kernelArgumentsOf(deployment: Deployment | undefined): string[] | undefined {
  const { options } = deployment ?? {};
  return options === undefined ? undefined : splitKernelArguments(options).filter((a) => !a.startsWith('ostree='));
}

function originFile(origin: Origin): OriginFile {
  return new OriginFile(originKeyFile(origin));
}

async function writeOrStage(
  client: Client,
  request: DeployRequest,
  checksum: string,
  previous: Deployment,
): Promise<Deployment> {
  const { sysroot } = client;
  const merge = sysroot.mergeDeployment(client.osname);
  const kernelArguments = request.kernelArguments ?? kernelArgumentsOf(previous) ?? kernelArgumentsOf(merge);
  const origin = originFile(request.origin);
  const overlay = stageEtcInitrd(client, request.origin.initramfsEtc);
  const options = {
    mergeDeployment: merge,
    helper: client.helper,
    knownImages: knownImages(client),
    ...(kernelArguments === undefined ? {} : { kernelArguments }),
    ...(overlay === undefined ? {} : { overlayInitrds: [overlay] }),
  };
  if (sysroot.booted !== undefined && sysroot.booted.osname === client.osname) {
    return await client.step('Staging deployment', () =>
      stageTree(sysroot, client.osname, checksum, origin, { ...options, locked: request.lockFinalization === true }),
    );
  }
  const deployment = deployTree(sysroot, client.osname, checksum, origin, options);
  simpleWriteDeployment(sysroot, deployment, { osname: client.osname, merge, cleanup: false });
  return sysroot.deployments.find((d) => d.name === deployment.name) ?? deployment;
}

/** The state digest of a layered deployment, to see whether assembling again would change anything. */
function digestOf(client: Client, deployment: Deployment): string | undefined {
  const { metadata } = client.repo.loadCommit(deployment.checksum);
  return isLayered(metadata) ? metadata.lookupString('rpmostree.state-sha512') : undefined;
}

/** Throws for what no base would make possible. */
function checkOrigin(client: Client, origin: Origin): void {
  if (origin.regenerateInitramfs && origin.initramfsEtc.length > 0)
    throw new CoppiceError(
      'Conflict',
      'initramfs regeneration and /etc overlay not compatible; use dracut arg -I instead',
    );
  // Going back to the plain base is always possible.
  if (needsAssembly(origin) && readDaemonConfig(client).lockLayering)
    throw new CoppiceError('Conflict', 'Local mutations are disabled by LockLayering=true in rpm-ostreed.conf');
}

/**
 * Carries out a request; the caller holds the transaction. `changed` is false when the system already is what was asked for.
 */
export async function deployOrigin(client: Client, request: DeployRequest): Promise<DeployOutcome> {
  const { repo } = client;
  if (request.downloadOnly === true) {
    const other = request.cacheOnly === true ? 'cache-only' : request.dryRun === true ? 'dry-run' : undefined;
    if (other !== undefined) throw new CoppiceError('Usage', `Can't specify ${other} and download-only`);
  }
  checkOrigin(client, request.origin);
  const previous = client.originMerge;
  const previousBase = baseOf(repo, previous.checksum);
  const base =
    request.base ??
    (request.pull && request.cacheOnly !== true
      ? await pullBase(client, request.origin, {
          allowDowngrade: request.allowDowngrade ?? false,
          current: previousBase,
          ...(request.localRepo === undefined ? {} : { localRepo: request.localRepo }),
        })
      : request.pull
        ? cachedBase(client, request.origin, previousBase)
        : previousBase);
  if (!repo.hasObject('commit', base)) throw new CoppiceError('NotFound', `No such metadata object ${base}.commit`);
  // That a commit is asked for by name is no change if it is deployed.
  const originChanged = !originsEqual(
    withoutOverrideCommit(client.origin(previous)),
    withoutOverrideCommit(request.origin),
  );
  const baseChanged = base !== previousBase;
  let checksum = base;
  let assembled: Assembled = { kind: 'base' };
  if (needsAssembly(request.origin)) {
    const previousDigest =
      !baseChanged && !originChanged && request.always !== true ? digestOf(client, previous) : undefined;
    const run = (): Promise<Assembled> =>
      assemble(client, {
        base,
        origin: request.origin,
        cacheOnly: request.cacheOnly ?? false,
        downloadOnly: request.downloadOnly ?? false,
        dryRun: request.dryRun ?? false,
        ...(previousDigest === undefined ? {} : { previousDigest }),
      });
    const shown = client.compat.assemblySteps || request.showSteps === true || request.dryRun === true;
    assembled = await (shown ? run() : client.muted(run));
    if (assembled.kind === 'planned')
      return { changed: false, base, previous, downloaded: request.downloadOnly === true };
    if (assembled.kind === 'commit') checksum = assembled.checksum;
    if (assembled.kind === 'unchanged') checksum = previous.checksum;
  }
  if (request.dryRun === true) return { changed: false, base, previous };
  const same = !originChanged && !baseChanged && checksum === previous.checksum && request.always !== true;
  if (same && assembled.kind !== 'commit') return { changed: false, base, previous };
  if (request.downloadOnly === true) return { changed: false, base, previous, downloaded: true };
  await client.pause();
  const deployment = await writeOrStage(client, request, checksum, previous);
  if (request.purgeRef !== undefined) repo.setRef(request.purgeRef, null);
  recordHistory(client, deployment);
  pruneHistory(client);
  await cleanupBase(client, client.compat.freedAfterDeploy);
  return { changed: true, deployment, base, previous };
}

function cachedBase(client: Client, origin: Origin, fallback: string): string {
  const { refspec } = origin;
  if (origin.overrideCommit !== undefined) return origin.overrideCommit;
  if (refspec?.kind === 'checksum') return refspec.checksum;
  if (refspec?.kind === 'ostree') return client.repo.tryResolveRev(formatRefspec(refspec)) ?? fallback;
  return fallback;
}
