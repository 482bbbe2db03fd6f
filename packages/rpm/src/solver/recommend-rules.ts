// Strong recommendations: package rules that may be broken, and their copies without what is disliked.
import type { SolverState } from './state.ts';

/** Where a recommendation names something in disfavour, a rule without that takes its place, if anything is left. */
export function addRecommendRules(s: SolverState): void {
  const disliked = (l: number): boolean => l > 0 && s.favor![l]! < 0;
  for (const r of s.recommendRules) {
    const literals = s.literals(r);
    const rest = literals.filter((l) => !disliked(l));
    if (rest.length === literals.length) continue;
    s.disableRule(r);
    if (rest.length < 2 || !rest.some((l) => l > 0)) continue;
    s.addListRule(rest[0]!, rest.slice(1));
    s.recommendsSource.push(r);
  }
}

/** Gives up all strong recommendations among `rules`: with only one of them gone, less would come in than can. */
export function dropRecommendRules(s: SolverState, rules: readonly number[]): void {
  const own = new Set(s.recommendRules);
  for (const rule of rules) if (s.inSpan(rule, s.recommends) || own.has(rule)) s.disableRule(rule);
}
