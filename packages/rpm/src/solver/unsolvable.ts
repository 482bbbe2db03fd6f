// What to do when the rules contradict each other: find the rules to blame, note the problem, disable them, start over.
import { disableProblem, enabledDisabledLearnt, reenablePolicyRules } from './disable.ts';
import { systemSolvable } from './pool.ts';
import { dropRecommendRules } from './recommend-rules.ts';
import type { SolverState } from './state.ts';

/** Forgets all decisions, so that the search starts again with the rules that are enabled now. */
export function resetSearch(s: SolverState): void {
  for (const v of s.queue) s.decision[v > 0 ? v : -v] = 0;
  s.queue.length = 0;
  s.why.length = 0;
  s.reasons.length = 0;
  s.propagateIndex = 0;
  s.recommendsIndex = -1;
  s.branches.length = 0;
  enabledDisabledLearnt(s);
}

/** The element of a problem that stands for a rule: a job for its rules, the first rule of a name's group. */
function problemElement(s: SolverState, rule: number): number {
  if (s.inSpan(rule, s.job)) return -1 - s.ruleToJob[rule - s.job.start]!;
  if (s.inSpan(rule, s.best)) {
    const source = s.bestSource[rule - s.best.start]!;
    if (source < 0) return source;
  }
  let why = rule;
  for (const span of [s.infarch, s.dup])
    if (why > span.start && why < span.end) {
      const name = s.pool.names.data[Math.abs(s.p[why]!)];
      while (why > span.start && s.pool.names.data[Math.abs(s.p[why - 1]!)] === name) why--;
    }
  return why;
}

function blame(s: SolverState, rule: number, problem: number[], weak: number[], seen: Set<number>): void {
  if (seen.has(rule)) return;
  seen.add(rule);
  if (s.learntStart > 0 && rule >= s.learntStart) {
    for (let i = s.learntWhy[rule - s.learntStart]!; s.learntPool[i] !== 0; i++)
      blame(s, s.learntPool[i]!, problem, weak, seen);
    return;
  }
  if (s.weakRules.has(rule)) weak.push(rule);
  if (rule < s.pkgRulesEnd) return;
  const element = problemElement(s, rule);
  if (!problem.includes(element)) problem.push(element);
}

function record(s: SolverState, proof: number[], problem: number[]): void {
  const at = s.learntPool.length;
  s.learntPool.push(...proof, 0);
  s.problems.push([at, ...problem]);
}

/** Gives up one choice rule, and with it those whose requirement the packages it kept out would meet. */
function disableChoice(s: SolverState, rule: number): void {
  s.disableRule(rule);
  const own = s.literals(rule);
  const freed = new Set<number>();
  for (const p of s.literals(s.choiceSource[rule - s.choice.start]!)) if (p > 0 && !own.includes(p)) freed.add(p);
  for (let r = s.choice.start; r < s.choice.end; r++) {
    if (s.isDisabled(r)) continue;
    const original = s.choiceSource[r - s.choice.start]!;
    if (!s.isDisabled(original) && s.literals(original).some((p) => freed.has(p))) s.disableRule(r);
  }
}

function dropWeak(s: SolverState, weak: number[]): void {
  const last = Math.max(...weak);
  const element = s.inSpan(last, s.job) ? -1 - s.ruleToJob[last - s.job.start]! : last;
  if (s.inSpan(last, s.recommends)) dropRecommendRules(s, weak);
  else if (s.inSpan(last, s.choice)) disableChoice(s, last);
  else disableProblem(s, element);
  if (element < 0) reenablePolicyRules(s, -1 - element);
}

/**
 * A conflict at the first level. Returns 1 after the rules to blame were disabled and the search reset, or -1 when that is
 * not allowed (the problem is recorded all the same).
 */
export function analyzeUnsolvable(s: SolverState, conflict: number, disableRules: boolean): number {
  const problem: number[] = [];
  const weak: number[] = [];
  const seen = new Set<number>();
  const proof = [conflict];
  const involved = new Uint8Array(s.pool.count);
  const involve = (r: number): void => {
    for (const v of s.literals(r)) if (!s.isTrue(v)) involved[v > 0 ? v : -v] = 1;
  };
  blame(s, conflict, problem, weak, seen);
  involve(conflict);
  for (let i = s.queue.length - 1; i >= 0; i--) {
    const v = s.queue[i]!;
    const at = v > 0 ? v : -v;
    if (!involved[at] || at === systemSolvable) continue;
    const r = s.why[i]!;
    if (r <= 0) continue;
    proof.push(r);
    blame(s, r, problem, weak, seen);
    involve(r);
  }
  if (weak.length > 0) {
    dropWeak(s, weak);
    resetSearch(s);
    return 0;
  }
  record(s, proof, problem);
  if (disableRules) {
    for (const element of problem) disableProblem(s, element);
    resetSearch(s);
    return 0;
  }
  return -1;
}

/** The same for a single-literal rule that contradicts an earlier decision. Returns 0 after disabling, -1 when not allowed. */
export function analyzeUnsolvableAssertion(s: SolverState, rule: number, disableRules: boolean): number {
  const v = s.p[rule]!;
  const opposite = s.queue.indexOf(-v);
  const other = s.why[opposite]!;
  // A learnt assertion is disabled with what it was learnt from.
  if (s.learntStart > 0 && rule >= s.learntStart) {
    const problem: number[] = [];
    const weak: number[] = [];
    const seen = new Set<number>();
    blame(s, rule, problem, weak, seen);
    if (other > 0) blame(s, other, problem, weak, seen);
    if (weak.length > 0) {
      dropWeak(s, weak);
      enabledDisabledLearnt(s);
      return 0;
    }
    record(s, other > 0 ? [rule, other] : [rule], problem);
    if (!disableRules) return -1;
    for (const element of problem) disableProblem(s, element);
    enabledDisabledLearnt(s);
    return 0;
  }
  if (v === -systemSolvable) {
    const element = problemElement(s, rule);
    record(s, [rule], [element]);
    if (!disableRules) return -1;
    disableProblem(s, element);
    return 0;
  }
  if (other < s.pkgRulesEnd) {
    const element = problemElement(s, rule);
    // The request first, then what speaks against it: dnf prints problems in this order.
    record(s, [rule, other], [element]);
    if (!disableRules) return -1;
    disableProblem(s, element);
    return 0;
  }
  // Jobs (or jobs and installed packages) against each other: all that ask for this literal share the blame.
  const problem: number[] = [];
  for (let r = s.feature.start; r < s.learntStart; r++) {
    if (s.isDisabled(r) || s.w2[r] !== 0 || (s.p[r] !== v && s.p[r] !== -v)) continue;
    if (s.weakRules.has(r)) continue;
    const element = problemElement(s, r);
    if (!problem.includes(element)) problem.push(element);
  }
  record(s, [rule, other], problem);
  if (!disableRules) return -1;
  for (const element of problem) disableProblem(s, element);
  return 0;
}
