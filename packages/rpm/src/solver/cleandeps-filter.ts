// Of packages that are to be updated together, those that nothing else in the group drags in.
import { isComplex, normalForm } from './complex.ts';
import { field } from './pool-package.ts';
import type { SolverState } from './state.ts';
import { isRel, rel } from './strings.ts';
import { dependencyPossible } from './weak.ts';

/** Packages that are looked at when a dependency is checked. */
export function packagesChecked(s: SolverState, dep: number, each: (p: number) => void): void {
  const { ids } = s.pool;
  if (isRel(dep)) {
    const flags = ids.relFlag(dep);
    const right = ids.relEvr(dep);
    if (flags === rel.and) {
      packagesChecked(s, ids.relName(dep), each);
      packagesChecked(s, right, each);
      return;
    }
    if (flags === rel.if || flags === rel.unless) {
      packagesChecked(s, ids.relName(dep), each);
      if (isRel(right) && ids.relFlag(right) === rel.else) packagesChecked(s, ids.relEvr(right), each);
      return;
    }
    if (flags === rel.namespace && ids.text(ids.relName(dep)) === 'namespace:splitprovides') return;
  }
  for (const p of s.providers.list(dep)) each(p);
}

interface Edges {
  requires: number[];
  weak: number[];
}

function dependencyEdges(
  s: SolverState,
  p: number,
  which: typeof field.requires | typeof field.recommends,
  justOne: boolean,
  index: ReadonlyMap<number, number>,
  out: number[],
  before = -1,
): void {
  const { pool, providers } = s;
  const add = (q: number): void => {
    const at = index.get(q);
    if (at !== undefined && q !== p && (out[out.length - 1] ?? before) !== at) out.push(at);
  };
  for (const dep of pool.list(p, which)) {
    if (isComplex(pool, dep)) {
      const form = normalForm(pool, providers, dep);
      if (form === 'always' || form === 'never') continue;
      for (const { literals } of form)
        for (const l of literals) {
          if (l > 0) add(l);
          else if (!s.isInstalled(-l)) break;
        }
      continue;
    }
    const list = providers.list(dep).filter((q) => q !== p && s.isInstalled(q));
    if (justOne && list.length !== 1) continue;
    for (const q of list) add(q);
  }
}

/** Which nodes stand in a ring nobody outside leads to; `skip` are out of the game. */
function roots(edges: readonly (readonly number[])[], skip: ReadonlySet<number>): Set<number> {
  const reach = edges.map((_, start) => {
    const seen = new Set<number>();
    if (skip.has(start)) return seen;
    const work = [...edges[start]!];
    for (let at = work.pop(); at !== undefined; at = work.pop()) {
      if (seen.has(at) || skip.has(at)) continue;
      seen.add(at);
      work.push(...edges[at]!);
    }
    return seen;
  });
  const out = new Set<number>();
  for (let j = 0; j < edges.length; j++) {
    if (skip.has(j)) continue;
    if (!reach.some((from, i) => !skip.has(i) && from.has(j) && !reach[j]!.has(i))) out.add(j);
  }
  return out;
}

/**
 * Keeps what no other package of the list requires, recommends or is supplemented by. `justOne`: a dependency counts only
 * where one installed package meets it.
 */
export function filterUnneeded(s: SolverState, list: readonly number[], justOne: boolean): number[] {
  if (list.length < 2) return [...list];
  const { pool } = s;
  const index = new Map(list.map((p, i) => [p, i]));
  const installed = { has: (p: number): boolean => s.isInstalled(p) };
  const edges: Edges[] = list.map(() => ({ requires: [], weak: [] }));
  list.forEach((p, i) => {
    dependencyEdges(s, p, field.requires, justOne, index, edges[i]!.requires);
    // Recommending what was required last says nothing new.
    const before = edges[i]!.requires[edges[i]!.requires.length - 1];
    dependencyEdges(s, p, field.recommends, justOne, index, edges[i]!.weak, before);
  });
  list.forEach((p, i) => {
    for (const dep of pool.list(p, field.supplements)) {
      if (!dependencyPossible(s, dep, installed)) continue;
      const by: number[] = [];
      packagesChecked(s, dep, (q) => by.push(q));
      if (justOne && by.length !== 1) continue;
      for (const q of by) {
        const at = index.get(q);
        if (at !== undefined && q !== p) edges[at]!.weak.unshift(i);
      }
    }
  });
  // Once with all, then without the requirements: what was only recommended falls out.
  const first = roots(
    edges.map((e) => [...e.requires, ...e.weak]),
    new Set(),
  );
  const dropped = new Set(list.map((_, i) => i).filter((i) => !first.has(i)));
  const second = roots(
    edges.map((e) => e.weak),
    dropped,
  );
  return list.filter((_, i) => second.has(i));
}
