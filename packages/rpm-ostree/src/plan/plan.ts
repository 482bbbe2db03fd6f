// Looks ahead: resolves a change against its base, compares trees, and says what would happen. Nothing of the system is
// written; a new base and packages are looked at in a scratch repository whose parent is the system's.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '@coppice/linux';
import type { Repo } from '@coppice/ostree';
import { readPackage } from '@coppice/rpm';
import { advisoriesFor, cachedAdvisories } from '../client/advisories.ts';
import { resolveInputFor } from '../client/assemble.ts';
import { basePackages } from '../client/base-packages.ts';
import { type Candidate, candidateOfImported } from '../client/candidate.ts';
import type { Client } from '../client/client.ts';
import { kernelArgumentsOf } from '../client/deploy.ts';
import { gonePackages } from '../client/layer-commit.ts';
import { packagesOf } from '../client/packages-of.ts';
import { type LoadedRepository, loadRepositories } from '../client/repo-metadata.ts';
import { resolvePackages } from '../client/resolve.ts';
import { baseOf, versionOf } from '../commit-facts.ts';
import { findImportedPackage, importPackage } from '../import/package-commit.ts';
import { formatNevra, type Nevra } from '../nevra.ts';
import { hasPackageChanges, type Origin } from '../origin.ts';
import { diffPackages, isEmptyDiff, type PackageDiff } from '../pkgdiff.ts';
import { changedPaths, type DeployedLayers, fileFacts } from './changed-paths.ts';
import type { Obstacle, Plan } from './model.ts';
import { newestBase, type Surroundings, scratchRepo } from './next-base.ts';
import { nextTree } from './next-tree.ts';
import { conflictObstacle, findObstacles } from './obstacles.ts';

export interface PlanOptions {
  readonly title: string;
  /** The origin after the change. */
  readonly origin: Origin;
  /** Package files to layer on top of that, by path; they are read, not imported. */
  readonly packageFiles?: readonly string[];
  /** Look at the newest commit of the origin's refspec instead of the deployed base. */
  readonly newBase: boolean;
  /** Use only what is here: cached metadata and imported packages. */
  readonly offline?: boolean;
  /** Only find out whether layering resolves. */
  readonly checkOnly?: boolean;
}

/** A package file, imported into the scratch repository only. */
function candidateOfFile(client: Client, scratch: Repo, path: string): Candidate {
  const rpm = readPackage(path, { fs: client.fs });
  return candidateOfImported(scratch.transaction((txn) => importPackage(txn, rpm)));
}

/** Layered packages of the deployed tree that are in the store. */
function deployedLayers(client: Client, base: string): DeployedLayers {
  const { repo, originMerge } = client;
  const ofBase = new Set(packagesOf(repo, base).map(formatNevra));
  const packages = packagesOf(repo, originMerge.checksum)
    .filter((p) => !ofBase.has(formatNevra(p)))
    .flatMap((p) => findImportedPackage(repo, p) ?? []);
  return { base, packages };
}

/** What layering would choose on a base, or why it would not. */
interface Layering {
  readonly obstacles: readonly Obstacle[];
  readonly chosen: readonly Candidate[];
  /** Packages of the base that go. */
  readonly gone: readonly Nevra[];
  readonly packages: PackageDiff;
  readonly repositories: readonly LoadedRepository[];
}

async function planLayering(
  client: Client,
  options: PlanOptions,
  { scratch, to, dir }: Surroundings,
): Promise<Layering> {
  const current = client.originMerge;
  const base = basePackages({ repo: scratch, scratch: join(dir, 'db') }, to);
  const files = (options.packageFiles ?? []).map((path) => candidateOfFile(client, scratch, path));
  const layered = hasPackageChanges(options.origin) || files.length > 0;
  const repositories =
    layered && options.offline !== true
      ? await client.muted(() => loadRepositories(client, to, { repo: scratch, cacheRoot: join(dir, 'repomd') }))
      : [];
  const known = resolveInputFor(client, options.origin, base, repositories, options.offline === true);
  const input = { ...known, local: [...known.local, ...files] };
  const obstacles = layered ? findObstacles(input, client.origin(current).packages) : [];
  if (obstacles.length > 0) return { obstacles, chosen: [], gone: [], packages: diffPackages([], []), repositories };
  const resolution = layered ? resolvePackages({ ...input, message: () => {} }) : undefined;
  const chosen = resolution?.add.map((a) => a.candidate) ?? [];
  const leaving = resolution === undefined ? [] : gonePackages(resolution);
  const gone = new Set(leaving.map(formatNevra));
  const planned = [...base.nevras.filter((p) => !gone.has(formatNevra(p))), ...chosen.map((c) => c.nevra)];
  return {
    obstacles,
    chosen,
    gone: leaving,
    packages: diffPackages(packagesOf(client.repo, current.checksum), planned),
    repositories,
  };
}

/** Chosen packages that are not here yet. */
function downloadsOf(client: Client, chosen: readonly Candidate[]): Plan['downloads'] {
  return chosen.flatMap((c) =>
    c.source.kind === 'remote' &&
    findImportedPackage(client.repo, c.nevra, { repodataChecksum: c.source.remote.checksum }) === undefined
      ? [{ nevra: c.nevra, repo: c.source.remote.repo, size: c.source.remote.size }]
      : [],
  );
}

/** Versions and kernels of the deployed base and the next one. */
function baseFacts(client: Client, { scratch, from, to }: Surroundings): Pick<Plan, 'base' | 'kernel'> {
  const commit = scratch.loadCommit(to);
  const toVersion = versionOf(commit);
  const fromVersion = client.repo.hasObject('commit', from) ? versionOf(client.repo.loadCommit(from)) : undefined;
  const kernelOf = (c: typeof commit): string | undefined => c.metadata.lookupString('ostree.linux');
  const fromKernel = kernelOf(client.repo.loadCommit(client.originMerge.checksum));
  const toKernel = kernelOf(commit);
  return {
    base: {
      from,
      to,
      ...(fromVersion === undefined ? {} : { fromVersion }),
      ...(toVersion === undefined ? {} : { toVersion }),
    },
    kernel: {
      ...(fromKernel === undefined ? {} : { from: fromKernel }),
      ...(toKernel === undefined ? {} : { to: toKernel }),
    },
  };
}

function rebootOf(packages: PackageDiff, moves: boolean): Plan['reboot'] {
  if (isEmptyDiff(packages) && !moves) return 'none';
  const onlyAdds = packages.removed.length + packages.upgraded.length + packages.downgraded.length === 0;
  return onlyAdds && !moves ? 'live' : 'needed';
}

/** What the next tree is against the deployed one, unless something is in the way. */
async function planTree(
  client: Client,
  options: PlanOptions,
  around: Surroundings,
  { obstacles, chosen, gone, packages }: Layering,
): Promise<Pick<Plan, 'obstacles' | 'scripts'> & ReturnType<typeof changedPaths>> {
  if (options.checkOnly === true || obstacles.length > 0) return { obstacles, scripts: [], changes: [], objects: 0 };
  const next = await nextTree(client, around, chosen, gone);
  const { scripts, conflict } = next;
  if (conflict !== undefined) {
    const { packages: layered } = client.origin(client.originMerge);
    const obstacle = conflictObstacle(options.origin, layered, conflict);
    return { obstacles: [obstacle], scripts, changes: [], objects: 0 };
  }
  const deployed = deployedLayers(client, around.from);
  return { obstacles, scripts, ...changedPaths(client, around, deployed, next, !isEmptyDiff(packages)) };
}

/** Makes the plan. Throws what reaching the remote and the repositories throws; an unresolvable layer is a result, not an error. */
export async function planChange(client: Client, options: PlanOptions): Promise<Plan> {
  const dir = mkdtempSync(join(tmpdir(), 'coppice-plan-'));
  try {
    const from = baseOf(client.repo, client.originMerge.checksum);
    const scratch = scratchRepo(client, dir);
    const offline = options.offline === true;
    const to = options.newBase && !offline ? await newestBase(client, scratch, options.origin, dir) : from;
    const around: Surroundings = { scratch, dir, from, to };
    const layering = await planLayering(client, options, around);
    const { chosen, packages, repositories } = layering;
    const { obstacles, scripts, changes, objects } = await planTree(client, options, around, layering);
    const downloads = downloadsOf(client, chosen);
    const fresh = new Set([...packages.upgraded.map((c) => formatNevra(c.to)), ...packages.added.map(formatNevra)]);
    return {
      title: options.title,
      ...baseFacts(client, around),
      packages,
      downloads,
      ...fileFacts(client, changes),
      scripts,
      kernelArguments: kernelArgumentsOf(client.originMerge) ?? [],
      disk: {
        download: downloads.reduce((n, d) => n + d.size, 0),
        objects,
        free: client.fs.usage(client.repo.path).available,
      },
      advisories: repositories.flatMap((r) => advisoriesFor(cachedAdvisories(client, r.repository.id, r.root), fresh)),
      reboot: rebootOf(packages, from !== to),
      obstacles,
    };
  } finally {
    removeTree(dir);
  }
}
