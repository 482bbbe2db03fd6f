// Which of several candidates is best. The order of the steps decides the result.
import { orderForPruning, pruneToBestVersion } from './best-version.ts';
import { orderByCommonProvides } from './common-provides.ts';
import { identical } from './identical.ts';
import { pruneToLibraries } from './library-names.ts';
import type { Pool } from './pool.ts';
import type { SolverState } from './state.ts';
import { urpmOrder } from './urpm-order.ts';
import { isEnhancing, isSupplementing } from './weak.ts';
import { updateWeakMaps } from './weak-maps.ts';

export { updateWeakMaps };

/** How far to go: drop what is worse (`recommend`; `suggest` looks at priority name by name), also what is not recommended (`prune`), then order what is left (`choose`). */
export type FilterMode = 'choose' | 'prune' | 'recommend' | 'suggest';

const priorityOf = (pool: Pool, p: number): number => pool.repo(p)?.priority ?? 0;

/** In a distribution upgrade an installed package counts only if a repository has its twin, with the twin's priority. */
function pruneInstalledDup(s: SolverState, list: number[]): number[] {
  const { pool } = s;
  const first = list.find((p) => !s.isInstalled(p));
  if (first === undefined) return list;
  let best = priorityOf(pool, first);
  let out: number[] = [];
  for (const p of list) {
    if (!s.isInstalled(p)) {
      if (priorityOf(pool, p) >= best) out.push(p);
      continue;
    }
    if (s.isDup(p)) {
      let keep = false;
      for (const q of s.providers.list(pool.names.data[p]!)) {
        if (s.isInstalled(q) || priorityOf(pool, q) < best || !identical(pool, p, q)) continue;
        keep = true;
        if (priorityOf(pool, q) > best) {
          best = priorityOf(pool, q);
          out = [];
        }
      }
      if (!keep) continue;
    }
    out.push(p);
  }
  return out.length > 0 ? out : list;
}

function pruneToPriority(s: SolverState, list: number[]): number[] {
  const { pool } = s;
  const fresh = list.filter((p) => !pool.isInstalled(p));
  if (fresh.length === 0) return list;
  const best = Math.max(...fresh.map((p) => priorityOf(pool, p)));
  const out = list.filter((p) => priorityOf(pool, p) === best || pool.isInstalled(p));
  return out.length > 1 && pool.installed !== undefined && (s.dupAll || s.hasDupInvolved)
    ? pruneInstalledDup(s, out)
    : out;
}

function pruneToPriorityPerName(s: SolverState, list: number[]): number[] {
  const { names } = s.pool;
  const sorted = [...list].sort(orderForPruning(s.pool));
  const out: number[] = [];
  for (let i = 0; i < sorted.length; ) {
    let j = i + 1;
    while (j < sorted.length && names.data[sorted[j]!] === names.data[sorted[i]!]) j++;
    const group = sorted.slice(i, j);
    out.push(...(group.length > 2 ? pruneToPriority(s, group) : group));
    i = j;
  }
  return out;
}

function pruneToArch(pool: Pool, list: number[]): number[] {
  if (!pool.hasArch || list.length < 2) return list;
  const scoreOf = (p: number): number => pool.archScore(pool.archs.data[p]!);
  let best = 0;
  for (const p of list) {
    const score = scoreOf(p);
    if (score > 1 && (best === 0 || score < best)) best = score;
  }
  if (best === 0) return list;
  const out = list.filter((p) => {
    const score = scoreOf(p);
    return score === 1 || (score !== 0 && ((score ^ best) & 0xffff0000) === 0);
  });
  return out.length > 0 ? out : list;
}

/** Keeps what the packages decided so far recommend or what supplements them, if there is such a one. */
function pruneToRecommended(s: SolverState, list: number[]): number[] {
  if (list.filter((p) => !s.isInstalled(p)).length < 2) return list;
  updateWeakMaps(s);
  let any = false;
  const out = list.filter((p) => {
    if (s.isInstalled(p)) return true;
    if (!s.recommendsMap.has(p) && !isSupplementing(s, p)) return false;
    any = true;
    return true;
  });
  return any ? out : list;
}

const split = (list: readonly number[], good: (p: number) => boolean): number[] => [
  ...list.filter(good),
  ...list.filter((p) => !good(p)),
];

/** Moves packages behind the others when a newer one of the same name and architecture exists that policy would prefer. */
function demoteOldVersions(pool: Pool, list: readonly number[]): number[] {
  return split(list, (p) => {
    if (pool.repoOf.data[p] === 0 || pool.isInstalled(p)) return true;
    const name = pool.names.data[p]!;
    for (const q of pool.providers.list(name)) {
      if (q === p || pool.names.data[q] !== name || pool.archs.data[q] !== pool.archs.data[p]) continue;
      const order = priorityOf(pool, p) - priorityOf(pool, q);
      if (order > 0) continue;
      if (order < 0 || pool.compareEvrs(pool.evrs.data[q]!, pool.evrs.data[p]!) > 0) return false;
    }
    return true;
  });
}

function nameInstalled(s: SolverState, p: number): boolean {
  const name = s.pool.names.data[p]!;
  return s.isInstalled(p) || s.providers.list(name).some((q) => s.isInstalled(q) && s.pool.names.data[q] === name);
}

function preferSuggested(s: SolverState, list: readonly number[]): number[] {
  updateWeakMaps(s);
  return split(list, (p) => s.isInstalled(p) || s.suggestsMap.has(p) || isEnhancing(s, p));
}

/** Favoured packages first, disfavoured last. */
export function preferFavored(s: SolverState, list: readonly number[]): number[] {
  const { favor } = s;
  return favor === undefined ? [...list] : [...list].sort((a, b) => favor[b]! - favor[a]!);
}

/** Groups of equal favour are pruned one by one, each together with those before it. */
function filterFavored(s: SolverState, list: readonly number[], favor: Int32Array, mode: FilterMode): number[] {
  const sorted = preferFavored(s, list);
  const out: number[] = [];
  for (let i = 0; i < sorted.length; ) {
    const own = favor[sorted[i]!]!;
    let j = i + 1;
    while (j < sorted.length && favor[sorted[j]!] === own) j++;
    out.push(...filterEqual(s, sorted.slice(0, j), mode).filter((p) => favor[p] === own));
    i = j;
  }
  return out;
}

/** Drops the worse of `list` and puts the best first. The input is not changed. */
export function filterCandidates(s: SolverState, list: readonly number[], mode: FilterMode): number[] {
  const { favor } = s;
  if (favor !== undefined && list.some((p) => favor[p] !== favor[list[0]!])) return filterFavored(s, list, favor, mode);
  return filterEqual(s, list, mode);
}

function filterEqual(s: SolverState, list: readonly number[], mode: FilterMode): number[] {
  const { pool } = s;
  let out = [...list];
  if (out.length > 1) out = mode === 'suggest' ? pruneToPriorityPerName(s, out) : pruneToPriority(s, out);
  if (out.length > 1) out = pruneToArch(pool, out);
  if (out.length > 1) out = pruneToBestVersion(pool, out);
  if (mode === 'recommend' || mode === 'suggest' || out.length < 2) return out;
  out = pruneToRecommended(s, out);
  if (s.flags.preferlibraries && out.length > 1) out = [...pruneToLibraries(pool, out)];
  if (mode === 'prune' || out.length < 2) return out;
  out = orderByCommonProvides(pool, demoteOldVersions(pool, out));
  if (pool.installed !== undefined) out = split(out, (p) => nameInstalled(s, p));
  if (s.flags.urpmreorder) out = urpmOrder(s, out);
  return preferFavored(s, preferSuggested(s, out));
}

/** The order in which supplementing packages are taken. */
export function orderSupplements(s: SolverState, list: readonly number[]): number[] {
  let out = orderByCommonProvides(s.pool, demoteOldVersions(s.pool, list));
  if (s.flags.urpmreorder) out = urpmOrder(s, out);
  return preferFavored(s, preferSuggested(s, out));
}
