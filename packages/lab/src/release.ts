import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError, type Progress, silentProgress } from '@coppice/base';
import { removeTree, replaceFile } from '@coppice/linux';
import { gpgSignCommit, prune, Repo, updateSummary, withGpgSignature } from '@coppice/ostree';
import { checkTreefileDocument, composeCommit, typeTreefile } from '@coppice/rpm-ostree';
import { Keyring, loadSigningKey, sign } from '@coppice/signing';
import type { LabDir, LabRelease } from './lab-dir.ts';
import type { World } from './world.ts';

export interface ReleaseOptions {
  readonly stream: string;
  readonly version: string;
  /** Seconds since the epoch: time of the commit and of its signature. */
  readonly timestamp: number;
  /** Package files of the base, relative to the package folder. */
  readonly packages: readonly string[];
  readonly progress?: Progress;
}

/** Composes a commit from packages, signs it, and makes it the head of the stream's branch. The summary is the caller's. */
export async function releaseStream(lab: LabDir, world: World, options: ReleaseOptions): Promise<LabRelease> {
  const { stream, version, timestamp, progress = silentProgress } = options;
  const { ref } = world.streams[stream]!;
  const repo = Repo.open(lab.repo);
  const scratch = mkdtempSync(join(lab.dir, 'compose-'));
  try {
    const composed = await composeCommit({
      repo,
      packages: options.packages.map((href) => join(lab.packages, href)),
      treefile: typeTreefile(
        checkTreefileDocument({ ref, selinux: false, 'tmp-is-dir': true, 'boot-location': 'modules' }, world.arch),
      ),
      timestamp,
      version,
      ...(repo.tryResolveRev(ref) === undefined ? {} : { parent: repo.resolveRev(ref) }),
      scratch,
      progress,
    });
    const key = loadSigningKey(lab.key());
    gpgSignCommit(repo, composed.commit, key, new Keyring([]));
    return { version, commit: composed.commit, packages: options.packages };
  } finally {
    removeTree(scratch);
  }
}

/** Writes the summary with its signature. */
export function publishSummary(lab: LabDir): void {
  const key = loadSigningKey(lab.key());
  const repo = Repo.open(lab.repo);
  // The imported packages were needed for composing only.
  prune(repo, { refsOnly: true });
  updateSummary(repo, { signers: [(data, dict) => withGpgSignature(dict, sign(key, data))] });
}

/** Writes `www/coppice.json` for the streams as they are. */
export function publishDescription(lab: LabDir, world: World, streams: Readonly<Record<string, LabRelease>>): void {
  const description = {
    version: 1,
    name: world.name,
    stateroot: world.stateroot,
    remote: world.remote,
    ostree: 'repo/',
    key: 'key.asc',
    packages: { [world.remote]: 'packages/' },
    streams: Object.fromEntries(
      Object.entries(streams).map(([name, { version }]) => [name, { ref: world.streams[name]!.ref, version }]),
    ),
    kernelArguments: world['kernel-arguments'],
  };
  replaceFile(join(lab.www, 'coppice.json'), `${JSON.stringify(description, null, 2)}\n`);
}

export interface PromoteOptions {
  readonly from: string;
  readonly to: string;
  readonly version: string;
  readonly timestamp: number;
  readonly progress?: Progress;
}

/** Releases on one stream what another has now, as Fedora CoreOS promotes testing to stable. Throws `NotFound`, `Exists`. */
export async function promoteStream(lab: LabDir, options: PromoteOptions): Promise<LabRelease> {
  const world = lab.world();
  const state = lab.state();
  const source = state.streams[options.from];
  const target = state.streams[options.to];
  for (const [name, release] of [
    [options.from, source],
    [options.to, target],
  ] as const) {
    if (release === undefined) {
      throw new CoppiceError(
        'NotFound',
        `${lab.dir}: no stream ${JSON.stringify(name)}; it has: ${Object.keys(state.streams).join(', ')}`,
      );
    }
  }
  if (target!.version === options.version)
    throw new CoppiceError('Exists', `${options.to} is at ${options.version} already; give another --version`);
  const release = await releaseStream(lab, world, {
    stream: options.to,
    version: options.version,
    timestamp: options.timestamp,
    packages: source!.packages,
    ...(options.progress === undefined ? {} : { progress: options.progress }),
  });
  const streams = { ...state.streams, [options.to]: release };
  publishSummary(lab);
  publishDescription(lab, world, streams);
  lab.save({ ...state, streams });
  return release;
}
