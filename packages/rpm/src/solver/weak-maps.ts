// What the packages decided so far recommend and suggest, kept in step with the decisions.
import { isComplex, normalForm } from './complex.ts';
import type { BitSet } from './id-array.ts';
import { field } from './pool-package.ts';
import type { SolverState } from './state.ts';

type Waiting = (readonly [number, number])[];

/** Adds what a rich dependency asks for where all that it takes for granted is there; the rest waits. */
function addComplex(s: SolverState, dep: number, set: BitSet, waiting: Waiting): void {
  const form = normalForm(s.pool, s.providers, dep);
  if (form === 'always' || form === 'never') return;
  for (const { literals } of form) {
    const undecided: number[] = [];
    let i = 0;
    for (; i < literals.length && literals[i]! < 0; i++) {
      const decision = s.decision[-literals[i]!]!;
      if (decision < 0) break;
      if (decision === 0) undecided.push(-literals[i]!);
    }
    if (i === literals.length || literals[i]! < 0) continue;
    if (undecided.length === 0) for (; i < literals.length; i++) set.add(literals[i]!);
    for (const p of undecided) if (!waiting.some(([q, d]) => q === p && d === dep)) waiting.push([p, dep]);
  }
}

function recheck(s: SolverState, p: number, set: BitSet, waiting: Waiting): Waiting {
  if (!waiting.some(([q]) => q === p) || s.decision[p]! <= 0) return waiting;
  const rest = waiting.filter(([q]) => q !== p);
  for (const [q, dep] of waiting) if (q === p) addComplex(s, dep, set, rest);
  return rest;
}

/** Brings `recommendsMap` and `suggestsMap` up to date. */
export function updateWeakMaps(s: SolverState): void {
  const { pool, providers } = s;
  if (s.recommendsIndex < 0) {
    s.recommendsMap.clear();
    s.suggestsMap.clear();
    s.recommendsWaiting = [];
    s.suggestsWaiting = [];
    s.recommendsIndex = 0;
  }
  while (s.recommendsIndex < s.queue.length) {
    const p = s.queue[s.recommendsIndex++]!;
    if (p < 0) continue;
    s.recommendsWaiting = recheck(s, p, s.recommendsMap, s.recommendsWaiting);
    s.suggestsWaiting = recheck(s, p, s.suggestsMap, s.suggestsWaiting);
    for (const [which, set, waiting] of [
      [field.recommends, s.recommendsMap, s.recommendsWaiting],
      [field.suggests, s.suggestsMap, s.suggestsWaiting],
    ] as const)
      for (const dep of pool.list(p, which)) {
        if (isComplex(pool, dep)) addComplex(s, dep, set, waiting);
        else for (const q of providers.list(dep)) set.add(q);
      }
  }
}
