// Which of several candidates is best. The order of the steps decides the result.

import { clausesOf, isComplex } from './complex.ts';
import type { BitSet } from './id-array.ts';
import { field, type Pool } from './pool.ts';
import type { SolverState } from './state.ts';
import { isRel, rel } from './strings.ts';
import { isEnhancing, isSupplementing } from './weak.ts';

/** How far to go: drop what is worse (`recommend`, `suggest`), then also order what is left (`choose`), or do not order (`prune`). */
export type FilterMode = 'choose' | 'prune' | 'recommend' | 'suggest';

function pruneToPriority(pool: Pool, list: number[]): number[] {
  let best: number | undefined;
  for (const p of list) {
    if (pool.isInstalled(p)) continue;
    const priority = pool.repo(p)?.priority ?? 0;
    if (best === undefined || priority > best) best = priority;
  }
  if (best === undefined) return list;
  return list.filter((p) => pool.isInstalled(p) || (pool.repo(p)?.priority ?? 0) === best);
}

function pruneToPriorityPerName(pool: Pool, list: number[]): number[] {
  const best = new Map<number, number>();
  for (const p of list) {
    if (pool.isInstalled(p)) continue;
    const name = pool.names.data[p]!;
    const priority = pool.repo(p)?.priority ?? 0;
    const old = best.get(name);
    if (old === undefined || priority > old) best.set(name, priority);
  }
  return list.filter((p) => pool.isInstalled(p) || (pool.repo(p)?.priority ?? 0) === best.get(pool.names.data[p]!));
}

function pruneToArch(pool: Pool, list: number[]): number[] {
  if (!pool.hasArch || list.length < 2) return list;
  let best = 0;
  for (const p of list) {
    const score = pool.archScore(pool.archs.data[p]!);
    if (score !== 0 && score !== 1 && (best === 0 || score < best)) best = score;
  }
  if (best === 0) return list;
  return list.filter((p) => {
    const score = pool.archScore(pool.archs.data[p]!);
    return score === 1 || (score !== 0 && ((score ^ best) & 0xffff0000) === 0);
  });
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By name, then newest, then installed, then repository subpriority, then number. */
function byNameAndVersion(pool: Pool): (a: number, b: number) => number {
  return (a, b) => {
    const na = pool.names.data[a]!;
    const nb = pool.names.data[b]!;
    if (na !== nb) return compareText(pool.ids.text(na), pool.ids.text(nb));
    const versions = pool.compareEvrs(pool.evrs.data[a]!, pool.evrs.data[b]!);
    if (versions !== 0) return -versions;
    if (pool.repoOf.data[a] !== pool.repoOf.data[b]) {
      if (pool.isInstalled(a)) return -1;
      if (pool.isInstalled(b)) return 1;
      const sub = (pool.repo(b)?.subpriority ?? 0) - (pool.repo(a)?.subpriority ?? 0);
      if (sub !== 0) return sub;
    }
    return a - b;
  };
}

/** Drops packages that another one in the list obsoletes; members of a ring of obsoletes stay. */
function pruneObsoleted(pool: Pool, list: number[]): number[] {
  if (!list.some((p) => pool.listAt(p, field.obsoletes) !== 0)) return list;
  const providers = pool.providers;
  const position = new Map(list.map((p, i) => [p, i]));
  const edges: number[][] = list.map(() => []);
  let any = false;
  list.forEach((p, i) => {
    for (const dep of pool.list(p, field.obsoletes))
      for (const q of providers.list(dep)) {
        const j = position.get(q);
        if (j === undefined || j === i) continue;
        if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
        if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
        edges[i]!.push(j);
        any = true;
      }
  });
  if (!any) return list;
  const reach = edges.map((_, start) => {
    const seen = new Set<number>();
    const work = [...edges[start]!];
    for (let at = work.pop(); at !== undefined; at = work.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      work.push(...edges[at]!);
    }
    return seen;
  });
  const out = list.filter((_, j) => {
    for (let i = 0; i < list.length; i++) if (reach[i]!.has(j) && !reach[j]!.has(i)) return false;
    return true;
  });
  return out;
}

function pruneToVersion(pool: Pool, list: number[]): number[] {
  if (list.length < 2) return list;
  const sorted = [...list].sort(byNameAndVersion(pool));
  const out: number[] = [];
  for (const p of sorted) {
    const last = out[out.length - 1];
    if (last === undefined || pool.names.data[last] !== pool.names.data[p]) out.push(p);
  }
  return out.length > 1 ? pruneObsoleted(pool, out) : out;
}

/** Keeps what the packages decided so far recommend or what supplements them, if there is such a one. */
function pruneToRecommended(s: SolverState, list: number[]): number[] {
  updateWeakMaps(s);
  const kept: number[] = [];
  let wanted = 0;
  for (const p of list) {
    if (s.isInstalled(p)) {
      kept.push(p);
      continue;
    }
    if (!s.recommendsMap.has(p) && !isSupplementing(s, p)) continue;
    kept.push(p);
    wanted++;
  }
  return wanted === 0 && kept.length === 0 ? list : kept;
}

/** Keeps `recommendsMap` and `suggestsMap` in step with the decisions. */
export function updateWeakMaps(s: SolverState): void {
  const { pool } = s;
  if (s.recommendsIndex < 0) {
    s.recommendsMap.clear();
    s.suggestsMap.clear();
    s.recommendsIndex = 0;
  }
  while (s.recommendsIndex < s.queue.length) {
    const p = s.queue[s.recommendsIndex++]!;
    if (p < 0) continue;
    for (const dep of pool.list(p, field.recommends)) addOpen(s, dep, s.recommendsMap);
    for (const dep of pool.list(p, field.suggests)) addOpen(s, dep, s.suggestsMap);
  }
}

/** Puts the packages that a weak dependency still asks for into a set. */
function addOpen(s: SolverState, dep: number, set: BitSet): void {
  const { pool, providers } = s;
  if (isComplex(pool, dep)) {
    const clauses = clausesOf(pool, providers, dep, false);
    if (clauses.some((clause) => clause.length === 0)) return;
    for (const clause of clauses) {
      if (clause.some((l) => l < 0 && s.decision[-l]! <= 0)) continue;
      if (clause.some((l) => l > 0 && s.decision[l]! > 0)) continue;
      for (const l of clause) if (l > 0) set.add(l);
    }
    return;
  }
  const list = providers.list(dep);
  if (list.some((q) => s.decision[q]! > 0)) return;
  for (const q of list) set.add(q);
}

/** Moves packages behind the others when a newer one of the same name and architecture exists that policy would prefer. */
function demoteOldVersions(pool: Pool, list: number[]): number[] {
  const providers = pool.providers;
  const good: number[] = [];
  const old: number[] = [];
  for (const p of list) {
    let bad = false;
    if (!pool.isInstalled(p)) {
      const name = pool.names.data[p]!;
      for (const q of providers.list(name)) {
        if (q === p || pool.names.data[q] !== name || pool.archs.data[q] !== pool.archs.data[p]) continue;
        if (pool.isInstalled(q)) continue;
        const priority = (pool.repo(q)?.priority ?? 0) - (pool.repo(p)?.priority ?? 0);
        if (priority < 0) continue;
        if (priority > 0 || pool.compareEvrs(pool.evrs.data[q]!, pool.evrs.data[p]!) > 0) {
          bad = true;
          break;
        }
      }
    }
    (bad ? old : good).push(p);
  }
  return old.length === 0 ? list : [...good, ...old];
}

/** If all provide some name with a version, the newest of that comes first. */
function sortByCommonProvide(pool: Pool, list: number[]): number[] {
  const first = list[0]!;
  for (const dep of pool.list(first, field.provides)) {
    if (!isRel(dep) || pool.ids.relFlag(dep) !== rel.eq) continue;
    const name = pool.ids.relName(dep);
    if (isRel(name)) continue;
    const versions = new Map<number, number>();
    for (const p of list) {
      let best = 0;
      for (const other of pool.list(p, field.provides)) {
        if (!isRel(other) || pool.ids.relFlag(other) !== rel.eq || pool.ids.relName(other) !== name) continue;
        const evr = pool.ids.relEvr(other);
        if (best === 0 || pool.compareEvrs(evr, best) > 0) best = evr;
      }
      if (best === 0) break;
      versions.set(p, best);
    }
    if (versions.size !== list.length) continue;
    return [...list].sort((a, b) => pool.compareEvrs(versions.get(b)!, versions.get(a)!));
  }
  return list;
}

function stable(list: number[], test: (p: number) => boolean): number[] {
  const yes = list.filter(test);
  return yes.length === 0 || yes.length === list.length ? list : [...yes, ...list.filter((p) => !test(p))];
}

/** Whether a package of this name is installed. */
function nameInstalled(s: SolverState, p: number): boolean {
  const name = s.pool.names.data[p]!;
  const data = s.providers.data.data;
  for (let at = s.providers.of(name); data[at] !== 0; at++)
    if (s.isInstalled(data[at]!) && s.pool.names.data[data[at]!] === name) return true;
  return false;
}

/** Drops the worse of `list` and puts the best first. The input is not changed. */
export function filterCandidates(s: SolverState, list: readonly number[], mode: FilterMode): number[] {
  if (s.favored.size > 0 && list.length > 1 && (mode === 'choose' || mode === 'prune')) {
    // What is favoured comes first and what is disfavoured last, whatever else is said for them.
    const groups = new Map<number, number[]>();
    for (const p of list) {
      const favor = s.favored.get(p) ?? 0;
      const group = groups.get(favor);
      if (group === undefined) groups.set(favor, [p]);
      else group.push(p);
    }
    if (groups.size > 1)
      return [...groups].sort(([a], [b]) => b - a).flatMap(([, group]) => filterEqual(s, group, mode));
  }
  return filterEqual(s, list, mode);
}

function filterEqual(s: SolverState, list: readonly number[], mode: FilterMode): number[] {
  const { pool } = s;
  let out = [...list];
  if (out.length > 1)
    out = mode === 'recommend' || mode === 'suggest' ? pruneToPriorityPerName(pool, out) : pruneToPriority(pool, out);
  if (out.length > 1) out = pruneToArch(pool, out);
  if (out.length > 1) out = pruneToVersion(pool, out);
  if (mode === 'recommend' || mode === 'suggest' || out.length < 2) return out;
  out = pruneToRecommended(s, out);
  if (mode === 'prune' || out.length < 2) return out;
  out = demoteOldVersions(pool, out);
  out = sortByCommonProvide(pool, out);
  out = stable(out, (p) => s.isInstalled(p) || nameInstalled(s, p));
  if (out.length > 1) out = stable(out, (p) => s.suggestsMap.has(p) || isEnhancing(s, p));
  return out;
}
