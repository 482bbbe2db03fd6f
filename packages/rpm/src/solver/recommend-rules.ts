// Strong recommendations: weak rules that make the search bring in recommended packages from the start.
import { isComplex } from './complex.ts';
import { field, systemSolvable } from './pool.ts';
import type { SolverState } from './state.ts';

/** "Not installed, or one of the recommended", for every recommendation that can be met and is not by what is there anyhow. */
export function addRecommendRules(s: SolverState): void {
  const { pool, providers } = s;
  for (let p = 2; p < pool.count; p++) {
    if (!s.addedMap.has(p) || (s.isInstalled(p) && !s.flags.addalreadyrecommended)) continue;
    for (const dep of pool.list(p, field.recommends)) {
      if (isComplex(pool, dep)) continue;
      const list = providers.list(dep);
      if (list.includes(p) || list.includes(systemSolvable)) continue;
      // Of several, those in disfavour are left out.
      const liked = list.filter((q) => (s.favored.get(q) ?? 0) >= 0);
      const chosen = liked.length > 0 ? liked : list;
      if (chosen.length === 0) continue;
      const rule = s.addRule(-p, 0, providers.store(chosen));
      s.weakRules.add(rule);
      s.recommendsSource.push(dep);
    }
  }
}

/** Gives up all strong recommendations among `rules`: with only one of them gone, less would come in than can. */
export function dropRecommendRules(s: SolverState, rules: readonly number[]): void {
  for (const rule of rules) if (s.inSpan(rule, s.recommends)) s.disableRule(rule);
}
