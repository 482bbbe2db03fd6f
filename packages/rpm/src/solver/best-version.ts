// The newest of every name, without what others in the list obsolete.
import type { Pool } from './pool.ts';
import { field } from './pool-package.ts';

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By name, then best architecture, then installed, then repository subpriority, then number. */
export function orderForPruning(pool: Pool): (a: number, b: number) => number {
  return (a, b) => {
    const na = pool.names.data[a]!;
    const nb = pool.names.data[b]!;
    if (na !== nb) return compareText(pool.ids.text(na), pool.ids.text(nb));
    const aa = pool.archs.data[a]!;
    const ab = pool.archs.data[b]!;
    if (aa !== ab) {
      const sa = pool.archScore(aa);
      const sb = pool.archScore(ab);
      if (sa !== sb && sa > 1 && sb > 1) return sa - sb;
    }
    const ia = pool.isInstalled(a);
    if (ia !== pool.isInstalled(b)) return ia ? -1 : 1;
    return (pool.repo(b)?.subpriority ?? 0) - (pool.repo(a)?.subpriority ?? 0) || a - b;
  };
}

/** Packages of `list` that `p` obsoletes, by position; not those of its own name. */
function obsoletedIn(pool: Pool, p: number, position: ReadonlyMap<number, number>): number[] {
  const out: number[] = [];
  for (const dep of pool.list(p, field.obsoletes))
    for (const q of pool.providers.list(dep)) {
      const at = position.get(q);
      if (at === undefined || q === p || pool.names.data[q] === pool.names.data[p]) continue;
      if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
      if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
      out.push(at);
    }
  return out;
}

/** Drops packages that another one in the list obsoletes; members of a ring of obsoletes stay unless one outside obsoletes them. */
function pruneObsoleted(pool: Pool, list: readonly number[]): number[] {
  if (!list.some((p) => pool.listAt(p, field.obsoletes) !== 0)) return [...list];
  const position = new Map(list.map((p, i) => [p, i]));
  const edges = list.map((p) => obsoletedIn(pool, p, position));
  const reach = edges.map((own) => {
    const seen = new Set<number>();
    const work = [...own];
    for (let at = work.pop(); at !== undefined; at = work.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      work.push(...edges[at]!);
    }
    return seen;
  });
  return list.filter((_, j) => !reach.some((from, i) => from.has(j) && !reach[j]!.has(i)));
}

/** One package per name, the newest (the first of equal ones), without obsoleted ones; ordered by name. */
export function pruneToBestVersion(pool: Pool, list: readonly number[]): number[] {
  if (list.length < 2) return [...list];
  const sorted = [...list].sort(orderForPruning(pool));
  const out: number[] = [];
  for (const p of sorted) {
    const best = out[out.length - 1];
    if (best === undefined || pool.names.data[best] !== pool.names.data[p]) out.push(p);
    else if (pool.compareEvrs(pool.evrs.data[best]!, pool.evrs.data[p]!) < 0) out[out.length - 1] = p;
  }
  return out.length > 1 ? pruneObsoleted(pool, out) : out;
}
