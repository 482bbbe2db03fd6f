// What to do when the rules contradict each other: find the rules to blame, note the problem, disable them, start over.
import { disableChoice } from './choice-rules.ts';
import {
  disablePolicyRules,
  disableProblem,
  enabledDisabledLearnt,
  nameGroup,
  reenablePolicyRules,
} from './disable.ts';
import { systemSolvable } from './pool.ts';
import { dropRecommendRules } from './recommend-rules.ts';
import type { SolverState } from './state.ts';

/** Forgets all decisions, so that the search starts again with the rules that are enabled now. */
export function resetSearch(s: SolverState): void {
  for (const v of s.queue) s.decision[v > 0 ? v : -v] = 0;
  s.queue.length = 0;
  s.why.length = 0;
  s.levelReasons.length = 0;
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
    if (source < 0) return -1 - s.ruleToJob[-source - s.job.start]!;
  }
  for (const span of [s.infarch, s.dup]) if (s.inSpan(rule, span)) return nameGroup(s, rule, span)[0]!;
  return rule;
}

function blame(s: SolverState, rule: number, problem: number[], weak: number[], seen: Set<number>): void {
  if (s.learntStart > 0 && rule >= s.learntStart) {
    if (seen.has(rule)) return;
    seen.add(rule);
    for (let i = s.learntWhy[rule - s.learntStart]!; s.learntPool[i] !== 0; i++)
      blame(s, s.learntPool[i]!, problem, weak, seen);
    return;
  }
  if (s.weakRules.has(rule)) weak.push(rule);
  if (rule < s.pkgRulesEnd) return;
  const element = problemElement(s, rule);
  if (!problem.includes(element)) problem.push(element);
}

function record(s: SolverState, proof: readonly number[], problem: readonly number[]): void {
  const at = s.learntPool.length;
  for (const r of proof) s.learntPool.push(r);
  s.learntPool.push(0);
  s.problems.push([at, ...problem]);
}

/** Switches off what one rule stands for, and what the job behind it overrode back on. */
export function giveUp(s: SolverState, rule: number): void {
  const element = problemElement(s, rule);
  disableProblem(s, element);
  if (element < 0) reenablePolicyRules(s, -1 - element);
}

/** Of the weak rules in a proof the last one goes; strong recommendations go together. */
function dropWeak(s: SolverState, weak: readonly number[]): void {
  let last = Math.max(...weak);
  if (s.inSpan(last, s.recommends)) {
    last = Math.max(0, ...weak.filter((r) => r < s.recommends.start));
    if (last < s.pkgRulesEnd) {
      dropRecommendRules(s, weak);
      return;
    }
  }
  if (last < s.pkgRulesEnd && s.flags.strongrecommends && s.recommendRules.includes(last)) {
    dropRecommendRules(s, weak);
    return;
  }
  if (s.inSpan(last, s.choice)) disableChoice(s, last);
  else giveUp(s, last);
}

/** The update rule of a problem whose package may be uninstalled, best the last that has another way; 0 for none. */
function uninstallCandidate(s: SolverState, problem: readonly number[]): number {
  let last = 0;
  let lastOnly = 0;
  const all = s.flags.allowuninstall || s.allowUninstallAll;
  for (const r of problem) {
    if (r < 0 || !s.inSpan(r, s.update)) continue;
    const p = s.installedStart + r - s.update.start;
    if ((!all && !s.allowUninstall.has(p)) || s.pool.disabled.has(p)) continue;
    if (problem.some((e) => e >= 0 && s.inSpan(e, s.best) && s.bestSource[e - s.best.start] === p)) continue;
    if (s.p[s.feature.start + p - s.installedStart] === 0) {
      if (r > lastOnly) lastOnly = r;
      // Orphans first.
      if (s.flags.keeporphans && s.p[r] === p && s.isAssertion(r)) {
        last = 0;
        lastOnly = r;
        break;
      }
    } else if (r > last) last = r;
  }
  return last || lastOnly;
}

/** Solves a problem by letting an installed package go, where that is allowed. */
function autoUninstall(s: SolverState, problem: readonly number[]): boolean {
  const rule = uninstallCandidate(s, problem);
  if (rule === 0) return false;
  disableProblem(s, rule);
  const jobs = problem.filter((e) => e < 0);
  if (s.cleandeps === undefined || jobs.length === 0) return true;
  if (!jobs.every((e) => s.jobs[-1 - e]!.flags?.cleandeps === true)) return true;
  const p = s.p[rule]!;
  s.cleandepsUpdates ??= [];
  if (p > 0 && !s.cleandepsUpdates.includes(p)) {
    s.cleandepsUpdates.push(p);
    disablePolicyRules(s);
  }
  return true;
}

/** A conflict at the first level. Returns 0 after rules were disabled and the search reset, or -1 when that is not allowed. */
export function analyzeUnsolvable(s: SolverState, conflict: number, disableRules: boolean): 0 | -1 {
  const problem: number[] = [];
  const weak: number[] = [];
  const seen = new Set<number>();
  const proof = [conflict];
  const involved = new Uint8Array(s.pool.count);
  const involve = (r: number): void => {
    s.someLiteral(r, (v) => {
      if (!s.isTrue(v)) involved[v > 0 ? v : -v] = 1;
      return false;
    });
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
  if (s.anyUninstall && autoUninstall(s, problem)) {
    resetSearch(s);
    return 0;
  }
  record(s, proof, problem);
  if (!disableRules || problem.length === 0) return -1;
  for (const element of problem) disableProblem(s, element);
  resetSearch(s);
  return 0;
}

/**
 * A single-literal rule that contradicts an earlier decision. Returns 0 after disabling, -1 when not allowed (the problem is
 * noted all the same).
 */
export function analyzeUnsolvableAssertion(s: SolverState, rule: number, disableRules: boolean): 0 | -1 {
  const v = s.p[rule]!;
  const other = v === -systemSolvable ? 0 : s.why[s.queue.indexOf(-v)]!;
  const problem: number[] = [];
  let uninstall = false;
  const add = (r: number): void => {
    const element = problemElement(s, r);
    if (!problem.includes(element)) problem.push(element);
    if (r >= s.feature.start && r < s.update.end) uninstall = true;
  };
  if (other < s.pkgRulesEnd) add(rule);
  // Jobs (or jobs and installed packages) against each other: all that speak about this package share the blame.
  else
    for (let r = s.pkgRulesEnd; r < s.learntStart; r++) {
      if (s.isDisabled(r) || s.w2[r] !== 0 || (s.p[r] !== v && s.p[r] !== -v) || s.weakRules.has(r)) continue;
      add(r);
    }
  if (uninstall && s.anyUninstall && autoUninstall(s, problem)) return 0;
  record(s, other === 0 ? [rule] : [rule, other], problem);
  if (!disableRules) return -1;
  for (const element of problem) disableProblem(s, element);
  return 0;
}
