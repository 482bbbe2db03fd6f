// Weak dependencies that stayed open: what is recommended or suggested but was not installed.
import { filterCandidates } from './policy.ts';
import { field } from './pool.ts';
import type { SolverState } from './state.ts';
import { isEnhancing, isSupplementing } from './weak.ts';

/** Packages worth mentioning after solving; each list ascending. */
export function recommendedOf(s: SolverState): { recommended: number[]; suggested: number[] } {
  const { pool, providers } = s;
  const gather = (
    which: typeof field.recommends | typeof field.suggests,
    reverse: (p: number) => boolean,
  ): number[] => {
    const out = new Set<number>();
    for (const p of s.queue) {
      if (p < 2) continue;
      for (const dep of pool.list(p, which)) {
        const list = providers.list(dep);
        if (list.some((q) => s.decision[q]! > 0)) continue;
        for (const q of list) if (s.decision[q] === 0) out.add(q);
      }
    }
    const back = which === field.recommends ? field.supplements : field.enhances;
    for (let p = 2; p < pool.count; p++)
      if (
        pool.repoOf.data[p] !== 0 &&
        s.decision[p] === 0 &&
        pool.listAt(p, back) !== 0 &&
        pool.installable(p) &&
        reverse(p)
      )
        out.add(p);
    return [...out].sort((a, b) => a - b);
  };
  const recommended = filterCandidates(
    s,
    gather(field.recommends, (p) => isSupplementing(s, p)),
    'suggest',
  );
  const suggested = filterCandidates(
    s,
    gather(field.suggests, (p) => isEnhancing(s, p)),
    'suggest',
  );
  return {
    recommended: recommended.sort((a, b) => a - b),
    suggested: suggested.sort((a, b) => a - b),
  };
}
