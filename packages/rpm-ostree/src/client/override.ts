// Base packages replaced or removed on this node, and undoing it.
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { compareEvr, formatNevra, type Nevra, parseNevra } from '../nevra.ts';
import type { LocalPackage, Origin } from '../origin.ts';
import type { BuildServices } from './build-service.ts';
import type { Candidate } from './candidate.ts';
import { assemblyDir } from './cleanup.ts';
import type { Client } from './client.ts';
import { fetchPackages } from './fetch-packages.ts';
import { withPackageFiles } from './package-arguments.ts';
import { packagesOf } from './packages-of.ts';
import { loadRepositories } from './repo-metadata.ts';
import { importLocalPackage } from './request.ts';

export interface OverrideChange {
  /** Files, `file://` or `http(s)://` URLs, pages of builds or updates; names with `from`. */
  readonly replace?: readonly string[];
  /** Take replacements from this repository: `repo=ID`. */
  readonly from?: string;
  /** With `from`: fetch the builds that are there now, and stay with them. */
  readonly freeze?: boolean;
  readonly remove?: readonly string[];
  readonly reset?: readonly string[];
  readonly resetAll?: boolean;
  /** Where builds and updates are; default Fedora's. */
  readonly services?: BuildServices;
}

const nameOf = (p: LocalPackage): string => parseNevra(p.nevra).name;

function checkFree(origin: Origin, name: string): void {
  const taken =
    origin.removals.includes(name) ||
    origin.localReplacements.some((p) => nameOf(p) === name) ||
    origin.remoteReplacements.some((r) => r.names.includes(name));
  if (taken) throw new CoppiceError('Exists', `Override already exists for package '${name}'`);
}

/** The one base package a name or NEVRA means. */
function findBase(base: readonly Nevra[], wanted: string): Nevra {
  const found = base.filter((p) => p.name === wanted || formatNevra(p) === wanted || `${p.name}.${p.arch}` === wanted);
  if (found.length === 0) throw new CoppiceError('NotFound', `Package "${wanted}" not found`);
  if (found.length > 1) throw new CoppiceError('Conflict', `Multiple packages match "${wanted}"`);
  return found[0]!;
}

/** The newest build of base packages in a repository, imported as if each had been given as a file. */
async function frozenPackages(
  client: Client,
  base: string,
  names: readonly string[],
  from: string,
): Promise<LocalPackage[]> {
  const id = from.replace(/^repo=/, '');
  const repositories = await loadRepositories(client, base);
  const repository = repositories.find((r) => r.repository.id === id);
  if (repository === undefined) throw new CoppiceError('NotFound', `Repository '${id}' not found or not enabled`);
  const best = new Map<string, Candidate>();
  for (const c of repository.packages) {
    if (!names.includes(c.nevra.name)) continue;
    const before = best.get(c.nevra.name);
    if (before === undefined || compareEvr(c.nevra, before.nevra) > 0) best.set(c.nevra.name, c);
  }
  const chosen = names.map((name) => {
    const found = best.get(name);
    if (found === undefined) throw new CoppiceError('NotFound', `Package "${name}" not found in ${from}`);
    return found;
  });
  const scratch = join(assemblyDir(client), 'download');
  const imported = await fetchPackages(client, chosen, { repositories, cacheOnly: false, scratch });
  return imported.map((p) => ({ sha256: p.headerSha256, nevra: formatNevra(p.nevra) }));
}

function replaceOne(
  client: Client,
  origin: Origin,
  argument: string,
  from: string | undefined,
  base: readonly Nevra[],
): Origin {
  if (from !== undefined) {
    const { name } = findBase(base, argument);
    checkFree(origin, name);
    const others = origin.remoteReplacements.filter((r) => r.source !== from);
    const mine = origin.remoteReplacements.find((r) => r.source === from)?.names ?? [];
    return { ...origin, remoteReplacements: [...others, { source: from, names: [...mine, name] }] };
  }
  if (!argument.endsWith('.rpm') && !argument.includes('/'))
    throw new CoppiceError(
      'Usage',
      `Package name "${argument}" given without --from; use a file or URL, or --experimental --from=repo=ID`,
    );
  const local = importLocalPackage(client, argument);
  // A newer build of a package that is replaced already takes its place.
  const kept = origin.localReplacements.filter((p) => nameOf(p) !== nameOf(local));
  if (kept.length === origin.localReplacements.length) checkFree(origin, nameOf(local));
  else if (origin.localReplacements.some((p) => p.nevra === local.nevra && p.sha256 === local.sha256))
    throw new CoppiceError('Exists', `Override already exists for package '${nameOf(local)}'`);
  return { ...origin, localReplacements: [...kept, local] };
}

function resetOne(origin: Origin, wanted: string): Origin {
  const matches = (p: LocalPackage): boolean => p.nevra === wanted || nameOf(p) === wanted;
  if (origin.removals.includes(wanted)) return { ...origin, removals: origin.removals.filter((n) => n !== wanted) };
  if (origin.localReplacements.some(matches))
    return { ...origin, localReplacements: origin.localReplacements.filter((p) => !matches(p)) };
  if (origin.remoteReplacements.some((r) => r.names.includes(wanted)))
    return {
      ...origin,
      remoteReplacements: origin.remoteReplacements
        .map((r) => ({ ...r, names: r.names.filter((n) => n !== wanted) }))
        .filter((r) => r.names.length > 0),
    };
  throw new CoppiceError('NotFound', `No overrides for package '${wanted}'`);
}

/** The origin after the changes. Throws `Exists`, `NotFound`, `Conflict` with the original's words. */
export async function changeOverrides(
  client: Client,
  origin: Origin,
  baseCommit: string,
  change: OverrideChange,
): Promise<Origin> {
  let next = origin;
  const base = packagesOf(client.repo, baseCommit);
  if (change.resetAll === true) next = { ...next, removals: [], localReplacements: [], remoteReplacements: [] };
  for (const wanted of change.reset ?? []) next = resetOne(next, wanted);
  for (const wanted of change.remove ?? []) {
    const { name } = findBase(base, wanted);
    checkFree(next, name);
    next = { ...next, removals: [...next.removals, name] };
  }
  if (change.freeze === true && change.from !== undefined) {
    const names = (change.replace ?? []).map((wanted) => findBase(base, wanted).name);
    for (const name of names) checkFree(next, name);
    const frozen = await frozenPackages(client, baseCommit, names, change.from);
    return { ...next, localReplacements: [...next.localReplacements, ...frozen] };
  }
  const choice = {
    names: new Set(base.map((p) => p.name)),
    ...(change.services === undefined ? {} : { services: change.services }),
  };
  return await withPackageFiles(client, change.replace ?? [], choice, (expanded) => {
    for (const argument of expanded) next = replaceOne(client, next, argument, change.from, base);
    return next;
  });
}
