// The base commit a deployment follows: pulled from the remote of its refspec, or what is here already.
import { CoppiceError, prefixError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import { formatSize, type PullProgress, pull, pullProgressLine, verifyCommitGpg } from '@coppice/ostree';
import { versionOf } from '../commit-facts.ts';
import { importImage } from '../container/import-image.ts';
import { openImage } from '../container/open-image.ts';
import type { Origin } from '../origin.ts';
import { type ContainerReference, formatContainerReference, formatRefspec, type Refspec } from '../refspec.ts';
import type { Client } from './client.ts';
import { checkImagePolicy, imageAccess } from './image-policy.ts';

export interface PullBaseOptions {
  readonly allowDowngrade: boolean;
  /** Commit now deployed below the layers; the new one must not be older unless downgrades are allowed. */
  readonly current: string | undefined;
  /** Only the commit object, to look at what it says; not for images. */
  readonly commitOnly?: boolean;
  /** A repository on this machine to pull from instead of the remote. */
  readonly localRepo?: string;
}

const step = 'Receiving objects';

function line(client: Client, p: PullProgress): string {
  return pullProgressLine(p).replace(/^(Receiving objects):/, `$1${client.compat.receivingSeparator}`);
}

/** Runs a pull with its progress; the step shows only when something is received. */
async function pullWithProgress(
  client: Client,
  options: Parameters<typeof pull>[1],
): Promise<Awaited<ReturnType<typeof pull>>> {
  let last: PullProgress | undefined;
  let begun = false;
  const begin = (): void => {
    if (!begun) client.progress({ type: 'begin', step });
    begun = true;
  };
  const work = pull(client.repo, {
    ...options,
    progress(p) {
      last = p;
      if (p.outstandingFetches === 0) return;
      begin();
      client.progress({
        type: 'update',
        step,
        done: p.fetchedContent + p.fetchedMetadata,
        total: p.requestedContent + p.requestedMetadata,
        detail: line(client, p),
      });
    },
  });
  // What it has in hand when it is cancelled ends with the process; nothing of it counts before its transaction does.
  const result = await client.unlessCancelled(work);
  if (last !== undefined && last.bytesTransferred > 0) {
    begin();
    const fetched = last.fetchedMetadata + last.fetchedContent;
    const seconds = (client.clock.now() - last.started) / 1000;
    const rate = seconds < 1 ? '-' : formatSize(Math.floor(last.bytesTransferred / seconds));
    const detail =
      last.totalDeltaParts > 0
        ? line(client, { ...last, outstandingFetches: 1 })
        : `${step}${client.compat.receivingSeparator} 100% (${fetched}/${fetched}) ${rate}/s ${formatSize(last.bytesTransferred)}`;
    client.progress({ type: 'update', step, done: fetched, total: fetched, detail });
  }
  if (begun) client.progress({ type: 'end', step });
  return result;
}

function checkAge(client: Client, current: string | undefined, next: string): void {
  if (current === undefined || current === next || !client.repo.hasObject('commit', current)) return;
  const a = client.repo.loadCommit(current).timestamp;
  const b = client.repo.loadCommit(next).timestamp;
  if (b < a) {
    const time = (t: bigint | number): string => new Date(Number(t) * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
    throw new CoppiceError(
      'Conflict',
      `Upgrade target revision '${next}' with timestamp '${time(b)}' is chronologically older than current revision '${current}' with timestamp '${time(a)}'; use --allow-downgrade to permit`,
    );
  }
}

/** Imports the image and returns the commit to deploy. `pin` is a manifest digest. */
async function pullImage(client: Client, image: ContainerReference, pin: string | undefined): Promise<string> {
  const text = formatContainerReference(image);
  client.message(`Pulling manifest: ${text}`);
  const scratch = `${client.repo.path}/extensions/rpmostree/private/layers`;
  try {
    const { store, reference } = openImage(image, scratch, imageAccess(client));
    const digest = await checkImagePolicy(client, image, store, pin ?? reference);
    const result = await importImage({
      repo: client.repo,
      source: store,
      reference: digest,
      imageReference: text,
      acceptDerived: image.signature.kind !== 'remote',
      scratch,
      progress: client.progress,
      signal: client.signal,
    });
    if (image.signature.kind === 'remote') verifyCommitGpg(client.repo, result.encapsulated, image.signature.remote);
    return result.commit;
  } catch (error) {
    throw prefixError(error, `Importing ${text}`);
  } finally {
    removeTree(scratch);
  }
}

/** Fetches what `origin` points at and returns its commit. Throws `Network`, `NotFound`, `Signature`, `Conflict` for an older one. */
export async function pullBase(client: Client, origin: Origin, options: PullBaseOptions): Promise<string> {
  const { refspec } = origin;
  if (refspec === undefined)
    throw new CoppiceError(
      'Invalid',
      'No origin/refspec, or container-image-reference in current deployment origin; cannot handle via rpm-ostree',
    );
  if (origin.unconfiguredState !== undefined)
    throw new CoppiceError('Unsupported', `origin unconfigured-state: ${origin.unconfiguredState}`);
  const { repo } = client;
  if (refspec.kind === 'container') return await pullImage(client, refspec.image, origin.overrideCommit);
  if (options.localRepo !== undefined) {
    const wanted = refspec.kind === 'checksum' ? refspec.checksum : refspec.ref;
    const result = await pullWithProgress(client, {
      remote: `file://${options.localRepo}`,
      refs: [wanted],
      gpgVerify: false,
    });
    return result.commits[0]!;
  }
  if (refspec.kind === 'checksum') {
    if (!repo.hasObject('commit', refspec.checksum))
      throw new CoppiceError('NotFound', `No such metadata object ${refspec.checksum}.commit`);
    return refspec.checksum;
  }
  let checksum: string;
  if (refspec.remote === undefined) checksum = origin.overrideCommit ?? repo.resolveRev(refspec.ref);
  else {
    await pullWithProgress(client, {
      remote: refspec.remote,
      refs: [refspec.ref],
      ...(options.commitOnly === true ? { commitOnly: true } : {}),
      ...(origin.overrideCommit === undefined ? {} : { overrideCommits: [origin.overrideCommit] }),
    });
    checksum = origin.overrideCommit ?? repo.resolveRev(formatRefspec(refspec));
  }
  if (!options.allowDowngrade) checkAge(client, options.current, checksum);
  return checksum;
}

/** Commits of the branch of `refspec`, the newest first, as far as they are known; fetched unless `cacheOnly`. */
async function* history(
  client: Client,
  refspec: Extract<Refspec, { kind: 'ostree' }>,
  cacheOnly: boolean,
): AsyncGenerator<{ readonly checksum: string; readonly version: string | undefined }, void, undefined> {
  const { repo } = client;
  if (!cacheOnly && refspec.remote !== undefined)
    await pullWithProgress(client, { remote: refspec.remote, refs: [refspec.ref], commitOnly: true, depth: -1 });
  for (let at: string | undefined = repo.resolveRev(formatRefspec(refspec)); at !== undefined; ) {
    if (!repo.hasObject('commit', at)) return;
    const commit = repo.loadCommit(at);
    yield { checksum: at, version: versionOf(commit) };
    at = commit.parent;
  }
}

/** The commit of `version` on the branch of `refspec`, walking its history. Throws `NotFound`. */
export async function findVersion(
  client: Client,
  refspec: Refspec,
  version: string,
  cacheOnly: boolean,
): Promise<string> {
  if (refspec.kind !== 'ostree') throw new CoppiceError('Unsupported', 'Cannot look up version while pinned to commit');
  try {
    for await (const commit of history(client, refspec, cacheOnly))
      if (commit.version === version) return commit.checksum;
  } catch (error) {
    throw prefixError(error, `Resolving version '${version}'`);
  }
  throw new CoppiceError('NotFound', `Version ${version} not found in ${formatRefspec(refspec)}`);
}

/** Throws `NotFound` when `checksum` is not on the branch of `refspec`. */
export async function checkBranch(
  client: Client,
  refspec: Refspec,
  checksum: string,
  cacheOnly: boolean,
): Promise<void> {
  if (refspec.kind !== 'ostree') throw new CoppiceError('Unsupported', 'Cannot look up version while pinned to commit');
  for await (const commit of history(client, refspec, cacheOnly)) if (commit.checksum === checksum) return;
  throw new CoppiceError('NotFound', `Checksum ${checksum} not found in ${formatRefspec(refspec)}`);
}
