// The layered commit of an origin: resolve against base and repositories, fetch, put together, commit with the base as parent.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { loadImportedPackage } from '../import/package-commit.ts';
import { formatNevra, type Nevra, parseNevra } from '../nevra.ts';
import { formatOrigin, type LocalPackage, type Origin } from '../origin.ts';
import { packageRef, packageRefPrefix } from '../pkgref.ts';
import { formatTimestamp } from '../status/timestamp.ts';
import { type BasePackages, basePackages, databaseScratch } from './base-packages.ts';
import { type Candidate, candidateOfImported } from './candidate.ts';
import { assemblyDir } from './cleanup.ts';
import type { Client } from './client.ts';
import { readDaemonConfig } from './daemon-config.ts';
import { fetchPackages } from './fetch-packages.ts';
import { commitLayers } from './layer-commit.ts';
import { type LoadedRepository, loadRepositories } from './repo-metadata.ts';
import { type Resolution, type ResolveInput, resolvePackages } from './resolve.ts';

export interface AssembleOptions {
  readonly base: string;
  readonly origin: Origin;
  readonly cacheOnly: boolean;
  readonly downloadOnly?: boolean;
  readonly dryRun?: boolean;
  /** The digest of the state that is deployed on the same base; equal means there is nothing to do. */
  readonly previousDigest?: string | undefined;
}

export type Assembled =
  | { readonly kind: 'commit'; readonly checksum: string; readonly digest: string }
  /** Nothing differs from the base: it is deployed as it is. */
  | { readonly kind: 'base' }
  | { readonly kind: 'unchanged'; readonly digest: string }
  | { readonly kind: 'planned'; readonly resolution: Resolution };

function localCandidates(client: Client, packages: readonly LocalPackage[]): Candidate[] {
  return packages.map(({ sha256, nevra }) => {
    const ref = packageRef(parseNevra(nevra));
    const commit = client.repo.tryResolveRev(ref);
    if (commit === undefined) throw new CoppiceError('NotFound', `Failed to find cached pkg for ${nevra}`);
    const imported = loadImportedPackage(client.repo, commit, ref);
    if (imported.headerSha256 !== sha256)
      throw new CoppiceError(
        'Conflict',
        `Checksum mismatch for package ${nevra}: expected ${sha256}, found ${imported.headerSha256}`,
      );
    return candidateOfImported(imported);
  });
}

/** Everything imported, for working without repositories. */
function cachedCandidates(client: Client): Candidate[] {
  return [...client.repo.listRefs(packageRefPrefix.slice(0, -1))].map(([ref, commit]) =>
    candidateOfImported(loadImportedPackage(client.repo, commit, ref)),
  );
}

/** RPM's name of this machine's architecture. */
export function machineArch(): string {
  return { x64: 'x86_64', arm64: 'aarch64', ppc64: 'ppc64le', s390x: 's390x' }[process.arch as string] ?? process.arch;
}

/** Architecture of a tree: that of its packages, else this machine's. */
function archOf(packages: readonly Nevra[]): string {
  return packages.find((p) => p.arch !== 'noarch')?.arch.replace(/^i[3-6]86$/, 'x86_64') ?? machineArch();
}

/** What the solver is given for an origin on a base. */
export function resolveInputFor(
  client: Client,
  origin: Origin,
  base: BasePackages,
  repositories: readonly LoadedRepository[],
  cacheOnly: boolean,
): ResolveInput {
  return {
    arch: archOf(base.nevras),
    installed: base.candidates,
    repositories: repositories.map((r) => ({ repository: r.repository, packages: r.packages })),
    cached: cacheOnly ? cachedCandidates(client) : [],
    local: localCandidates(client, origin.localPackages),
    localForced: localCandidates(client, origin.localFileOverrides),
    localReplacements: localCandidates(client, origin.localReplacements),
    origin,
    recommends: readDaemonConfig(client).recommends,
    message: (text) => client.message(text),
  };
}

function announce(client: Client, resolution: Resolution): void {
  if (resolution.inactiveRequests.length > 0) {
    client.message('Inactive requests:');
    for (const { request, providers } of resolution.inactiveRequests)
      client.message(`  ${request} (already provided by ${formatNevra(providers[0]!)})`);
  }
  const list = (title: string, names: readonly string[]): void => {
    if (names.length === 0) return;
    client.message(`${title}:`);
    for (const name of names) client.message(`  ${name}`);
  };
  list('Inactive base removals', resolution.inactiveRemovals);
  list('Inactive base replacements', resolution.inactiveReplacements);
}

/** What the state consists of, hashed: the origin and the checksums of everything the solver chose. */
function stateDigest(origin: Origin, resolution: Resolution): string {
  const treefile = createHash('sha256')
    .update(formatOrigin({ ...origin, refspec: undefined }))
    .digest('hex');
  const hash = createHash('sha512').update(treefile);
  for (const action of resolution.actions) hash.update(action);
  return hash.digest('hex');
}

/** Prints what a dry run would do. */
function printPlan(client: Client, resolution: Resolution): void {
  const repoOf = (c: Candidate): string => (c.source.kind === 'remote' ? c.source.remote.repo : '@commandline');
  if (resolution.add.length === 0 && resolution.removed.length === 0) client.message('Empty transaction');
  const rows = resolution.add.map((a) => `  ${formatNevra(a.candidate.nevra)} (${repoOf(a.candidate)})`).sort();
  if (rows.length > 0) {
    client.message(`Installing ${rows.length} package${rows.length === 1 ? '' : 's'}:`);
    for (const row of rows) client.message(row);
  }
  if (resolution.removed.length > 0) {
    client.message(`Removing ${resolution.removed.length} package${resolution.removed.length === 1 ? '' : 's'}:`);
    for (const p of resolution.removed) client.message(`  ${formatNevra(p)}`);
  }
  client.message("Exiting because of '--dry-run' option");
}

function announceRepositories(client: Client, repositories: readonly LoadedRepository[]): void {
  for (const r of repositories) {
    const solvables = client.compat.countsInSteps ? ` solvables: ${r.packages.count}` : '';
    client.message(
      `rpm-md repo '${r.repository.id}'${r.cached ? ' (cached)' : ''}; generated: ${formatTimestamp(r.timestamp)}${solvables}`,
    );
  }
}

/** Puts the tree of an origin together. Throws what resolving, downloading and scripts throw; nothing is deployed. */
export async function assemble(client: Client, options: AssembleOptions): Promise<Assembled> {
  const { origin, base } = options;
  const { repo } = client;
  const loadedBase = await client.step(`Checking out tree ${base.slice(0, 7)}`, () =>
    basePackages({ repo, scratch: databaseScratch(client) }, base),
  );
  const repositories = options.cacheOnly ? [] : await loadRepositories(client, base);
  if (!options.cacheOnly) announceRepositories(client, repositories);
  const resolution = await client.step('Resolving dependencies', () =>
    resolvePackages(resolveInputFor(client, origin, loadedBase, repositories, options.cacheOnly)),
  );
  announce(client, resolution);
  if (options.dryRun === true) {
    printPlan(client, resolution);
    return { kind: 'planned', resolution };
  }
  const digest = stateDigest(origin, resolution);
  if (options.previousDigest === digest) return { kind: 'unchanged', digest };
  const nothing = resolution.add.length === 0 && resolution.removed.length === 0;
  if (nothing && !origin.regenerateInitramfs && !origin.cliwrap) return { kind: 'base' };
  const imported = await fetchPackages(
    client,
    resolution.add.map((a) => a.candidate),
    { repositories, cacheOnly: options.cacheOnly, scratch: join(assemblyDir(client), 'download') },
  );
  if (options.downloadOnly === true) return { kind: 'planned', resolution };
  const checksum = await commitLayers(client, { base, origin, resolution, digest, imported, repositories });
  return { kind: 'commit', checksum, digest };
}
