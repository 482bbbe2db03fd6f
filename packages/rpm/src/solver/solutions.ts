// Ways out of a problem: for each rule to blame, what else must be given up with it.
import { disablePolicyRules, disableProblem, enableProblem, reenablePolicyRules, rulesOfElement } from './disable.ts';
import { runSearch } from './run.ts';
import type { SolverState } from './state.ts';
import { resetSearch } from './unsolvable.ts';

/** One thing to give up. */
export type Concession =
  | { readonly kind: 'job'; readonly job: number }
  | { readonly kind: 'erase'; readonly package: number }
  | { readonly kind: 'replace'; readonly package: number; readonly by: number }
  | { readonly kind: 'allow'; readonly package: number };

/** A set of concessions that together solve the problem. `element` is the rule (or -1 - job) it starts from. */
export interface ProblemSolution {
  readonly element: number;
  readonly concessions: readonly Concession[];
}

function isEssential(s: SolverState, element: number): boolean {
  return element < 0 && s.jobs[-1 - element]!.flags?.essential === true;
}

/** The elements to give up when `sug` is, or none if that does not lead out. */
function refine(
  s: SolverState,
  problem: readonly number[],
  sug: number,
  earlier: readonly number[],
  essentialOk: boolean,
): number[] {
  const savedProblems = s.problems;
  const disabled: number[] = [];
  // Only the suggestion stays off; the rest of the problem is on again.
  for (const element of problem) enableProblem(s, element);
  disableProblem(s, sug);
  if (sug < 0) reenablePolicyRules(s, -1 - sug);
  else if (s.inSpan(sug, s.update)) {
    const feature = sug - s.update.start + s.feature.start;
    if (s.p[feature] !== 0) s.enableRule(feature);
  }
  const refined = [sug];
  for (;;) {
    s.problems = [];
    resetSearch(s);
    runSearch(s, false, false);
    const found: number[][] = s.problems;
    if (found.length === 0) break;
    const elements = found[0]!.slice(1);
    let next = elements.filter((e) => essentialOk || !isEssential(s, e));
    // What the problem named from the start is given up last, and solutions that give up an earlier element are known already.
    const fresh = next.filter((e) => !problem.includes(e));
    next = fresh.length > 0 ? fresh : next.filter((e) => !earlier.includes(e));
    const features = next.filter((e) => e >= 0 && s.inSpan(e, s.feature));
    if (features.length > 0 && features.length < next.length) next = next.filter((e) => !features.includes(e));
    if (next.length === 0) {
      refined.length = 0;
      break;
    }
    for (const element of next) {
      disableProblem(s, element);
      disabled.push(element);
      if (element < 0) reenablePolicyRules(s, -1 - element);
      else if (s.inSpan(element, s.update)) {
        const feature = element - s.update.start + s.feature.start;
        if (s.p[feature] !== 0) s.enableRule(feature);
      }
    }
    // Of several nobody knows which to choose: the next problem will tell.
    if (next.length === 1 && !features.includes(next[0]!)) refined.push(next[0]!);
  }
  for (const element of disabled) enableProblem(s, element);
  for (const element of problem) enableProblem(s, element);
  disablePolicyRules(s);
  for (const element of problem) disableProblem(s, element);
  s.problems = savedProblems;
  return refined;
}

function concessionOf(s: SolverState, element: number): Concession[] {
  if (element < 0) return [{ kind: 'job', job: -1 - element }];
  if ([s.infarch, s.dup, s.black, s.strictRepo].some((span) => s.inSpan(element, span))) {
    return rulesOfElement(s, element)
      .map((r) => -s.p[r]!)
      .filter((p) => p > 0 && s.decision[p]! > 0)
      .map((p) => ({ kind: 'allow', package: p }));
  }
  if (s.inSpan(element, s.best)) {
    const source = s.bestSource[element - s.best.start]!;
    if (source <= 0) return [{ kind: 'job', job: -1 - source }];
    if (s.decision[source]! > 0) return [{ kind: 'allow', package: source }];
    let rule = s.feature.start + source - s.installedStart;
    if (s.p[rule] === 0) rule = s.update.start + source - s.installedStart;
    const taken = s.p[rule] === 0 ? undefined : s.literals(rule).find((q) => s.decision[q]! > 0);
    return taken === undefined ? [] : [{ kind: 'allow', package: taken }];
  }
  if (s.inSpan(element, s.update) || s.inSpan(element, s.feature)) {
    const p = s.p[element]!;
    // False alarm: given up, but it stays after all.
    if (s.decision[p]! > 0) return [];
    const feature = s.inSpan(element, s.update) ? element - s.update.start + s.feature.start : element;
    const by = s.p[feature] === 0 ? undefined : s.literals(feature).find((q) => q !== p && s.decision[q]! > 0);
    return by === undefined ? [{ kind: 'erase', package: p }] : [{ kind: 'replace', package: p, by }];
  }
  return [];
}

/** Remembers the decisions; the function returned brings them back. */
function keepDecisions(s: SolverState): () => void {
  const decision = s.decision.slice();
  const queue = [...s.queue];
  const why = [...s.why];
  const reasons = [...s.reasons];
  const branches = [...s.branches];
  return () => {
    s.decision.set(decision);
    s.queue.splice(0, s.queue.length, ...queue);
    s.why.splice(0, s.why.length, ...why);
    s.reasons.splice(0, s.reasons.length, ...reasons);
    s.branches = branches;
    s.propagateIndex = s.queue.length;
    s.recommendsIndex = -1;
  };
}

/** Ways out of problem number `problem`, each checked by solving again. */
export function problemSolutions(s: SolverState, problem: number): ProblemSolution[] {
  const elements = s.problems[problem]!.slice(1);
  const essentialOk = elements.every((e) => isEssential(s, e));
  const out: ProblemSolution[] = [];
  const restore = keepDecisions(s);
  // Rules first, then jobs from the last to the first.
  const sorted = [...elements].sort((a, b) => (a < 0 !== b < 0 ? b - a : a - b));
  const earlier: number[] = [];
  for (const element of sorted) {
    if (!essentialOk && isEssential(s, element)) continue;
    const refined = refine(s, elements, element, earlier, essentialOk);
    earlier.push(element);
    if (refined.length === 0) continue;
    out.push({ element, concessions: refined.flatMap((e) => concessionOf(s, e)) });
  }
  restore();
  return out;
}
