// Weak dependencies after solving: what is recommended or suggested, whether it came in or not.
import { isComplex, normalForm } from './complex.ts';
import { enabledDisabledLearnt } from './disable.ts';
import type { BitSet } from './id-array.ts';
import { filterCandidates } from './policy.ts';
import { type Field, field } from './pool-package.ts';
import { reason, type SolverState } from './state.ts';
import { isEnhancing, isSupplementing } from './weak.ts';

/** What installed packages that stay obsolete. */
function obsoleted(s: SolverState): Set<number> {
  const { pool, providers } = s;
  const out = new Set<number>();
  for (const p of pool.installed?.solvables ?? [])
    if (s.decision[p]! > 0 && !s.multiversion.has(p))
      for (const dep of pool.list(p, field.obsoletes)) for (const q of providers.list(dep)) out.add(q);
  return out;
}

/** Lets go of packages that only a rule keeps out which is off now, unless another rule does so too. */
function freeConflicts(s: SolverState): () => void {
  const removed = new Map<number, number>();
  s.queue.forEach((l, i) => {
    const why = s.why[i]!;
    if (l > 0 || why <= 0 || !s.isDisabled(why) || s.decision[-l] === 0) return;
    removed.set(-l, s.decision[-l]!);
    s.decision[-l] = 0;
  });
  for (let again = removed.size > 0; again; ) {
    again = false;
    for (let r = 1; r < s.ruleCount; r++) {
      if (s.isDisabled(r) || s.p[r] === 0) continue;
      const open = s.literals(r).filter((l) => !s.isFalse(l));
      if (open.length !== 1 || open[0]! > 0 || s.decision[-open[0]!] !== 0) continue;
      s.decision[-open[0]!] = -1;
      again = true;
    }
  }
  return () => {
    for (const [p, level] of removed) s.decision[p] = level;
  };
}

/** Adds what one dependency asks for: the packages that meet it, or all that could. */
function addWanted(s: SolverState, dep: number, set: BitSet): void {
  const taken = (list: readonly number[]): readonly number[] => list.filter((p) => p > 0 && s.decision[p]! > 0);
  if (!isComplex(s.pool, dep)) {
    const list = s.providers.list(dep);
    const met = taken(list);
    for (const p of met.length > 0 ? met : list) set.add(p);
    return;
  }
  const form = normalForm(s.pool, s.providers, dep);
  if (form === 'always' || form === 'never') return;
  for (const { literals } of form) {
    if (literals.some((l) => l < 0 && s.decision[-l]! <= 0)) continue;
    const met = taken(literals);
    for (const p of met.length > 0 ? met : literals) if (p > 0) set.add(p);
  }
}

function gather(s: SolverState, which: Field, back: Field, set: BitSet, calls: (p: number) => boolean): number[] {
  const { pool } = s;
  const gone = obsoleted(s);
  for (const p of s.queue) if (p > 0) for (const dep of pool.list(p, which)) addWanted(s, dep, set);
  const out: number[] = [];
  for (let p = 1; p < pool.count; p++) {
    if (s.decision[p]! < 0 || gone.has(p)) continue;
    if (!set.has(p) && (pool.listAt(p, back) === 0 || !pool.installable(p) || !calls(p))) continue;
    out.push(p);
  }
  return filterCandidates(s, out, 'suggest');
}

/** Packages worth mentioning after solving; each list ascending. */
export function recommendedOf(s: SolverState): { recommended: number[]; suggested: number[] } {
  const off: number[] = [];
  for (let r = s.job.start; r < s.job.end; r++)
    if (!s.isDisabled(r) && s.p[r]! < 0) {
      off.push(r);
      s.disableRule(r);
    }
  if (off.length > 0) enabledDisabledLearnt(s);
  const restore = off.length > 0 ? freeConflicts(s) : () => {};
  s.recommendsIndex = -1;
  s.recommendsMap.clear();
  for (const [i, p] of s.queue.entries())
    if (i > 0 && p > 0 && s.why[i] === 0 && s.levelReasons[s.decision[p]!] === reason.weakdep) s.recommendsMap.add(p);
  const recommended = gather(s, field.recommends, field.supplements, s.recommendsMap, (p) => isSupplementing(s, p));
  s.recommendsIndex = -1;
  s.suggestsMap.clear();
  const suggested = gather(s, field.suggests, field.enhances, s.suggestsMap, (p) => isEnhancing(s, p));
  s.recommendsIndex = -1;
  restore();
  for (const r of off) s.enableRule(r);
  const ascending = (list: number[]): number[] => list.sort((a, b) => a - b);
  return { recommended: ascending(recommended), suggested: ascending(suggested) };
}
