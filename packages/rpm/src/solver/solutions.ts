// Ways out of a problem: for each rule to blame, what else must be given up with it.
import { disablePolicyRules, disableProblem, enableProblem, nameGroup, reenablePolicyRules } from './disable.ts';
import { runSearch } from './run.ts';
import type { SolverState } from './state.ts';
import { resetSearch } from './unsolvable.ts';

/** One thing to give up. */
export type Concession =
  | { readonly kind: 'job'; readonly job: number }
  | { readonly kind: 'erase'; readonly package: number }
  | { readonly kind: 'replace'; readonly package: number; readonly by: number }
  /** `why`: the class of the rule that stood against it. */
  | {
      readonly kind: 'allow';
      readonly package: number;
      readonly why: 'infarch' | 'dup' | 'best' | 'black' | 'strictRepo';
    };

/** A set of concessions that together solve the problem. `element` is the rule (or -1 - job) it starts from. */
export interface ProblemSolution {
  readonly element: number;
  readonly concessions: readonly Concession[];
}

function isEssential(s: SolverState, element: number): boolean {
  return element < 0 && s.jobs[-1 - element]!.flags?.essential === true;
}

/** Where an update rule is given up, the weaker feature rule comes into force. */
function enableFeature(s: SolverState, element: number): void {
  if (element < 0 || !s.inSpan(element, s.update)) return;
  const feature = element - s.update.start + s.feature.start;
  if (s.p[feature] !== 0) s.enableRule(feature);
}

function enableWeakRules(s: SolverState): void {
  if (!s.hasWeakRules) return;
  for (let r = 1; r < s.learntStart; r++) if (s.isDisabled(r) && s.weakRules.has(r)) s.enableRule(r);
  for (const r of s.brokenOrphanRules ?? []) s.disableRule(r);
}

/** The elements of the problem found last that may be given up next to `sug`. */
function nextElements(s: SolverState, problem: readonly number[], sug: number, essentialOk: boolean): number[] {
  const found = s.problems[0]!.slice(1).filter((v) => essentialOk || !isEssential(s, v));
  // What the problem named from the start comes second, and then only what stands behind the suggestion: the rest was tried.
  for (const tried of [problem, problem.slice(0, problem.indexOf(sug))]) {
    const fresh = found.filter((v) => v === sug || !tried.includes(v));
    if (fresh.length > 0) return fresh;
  }
  return [];
}

/** The elements to give up when `sug` is, or none if that does not lead out. */
function refine(s: SolverState, problem: readonly number[], sug: number, essentialOk: boolean): number[] {
  if (!essentialOk && isEssential(s, sug)) return [];
  let refined = [sug];
  resetSearch(s);
  // Only the suggestion stays off; the rest of the problem is on again.
  for (const element of problem) if (element !== sug) enableProblem(s, element);
  if (sug < 0) reenablePolicyRules(s, -1 - sug);
  enableFeature(s, sug);
  enableWeakRules(s);
  const disabled: number[] = [];
  for (;;) {
    s.problems = [];
    resetSearch(s);
    runSearch(s, false, false);
    if (s.problems.length === 0) break;
    let next = nextElements(s, problem, sug, essentialOk);
    if (next.length === 0) {
      refined = [];
      break;
    }
    const isFeature = (v: number): boolean => v >= 0 && s.inSpan(v, s.feature);
    // The very first update rule does not count as one here: libsolv's comparison leaves it out, and that shows.
    const isUpdate = (v: number): boolean => v > s.update.start && s.inSpan(v, s.update);
    let features = next.some(isFeature);
    if (features && next.some(isUpdate) && next.every((v) => isFeature(v) || isUpdate(v))) {
      next = next.filter((v) => !isFeature(v));
      features = false;
    }
    disabled.push(...next);
    // Of several nobody knows which to choose: the next problem will tell.
    const single = next.length === 1;
    if (single && !features && next[0] !== sug) refined.push(next[0]!);
    for (const element of next) {
      disableProblem(s, element);
      if (single && element < 0) reenablePolicyRules(s, -1 - element);
      enableFeature(s, element);
    }
  }
  for (const element of disabled) enableProblem(s, element);
  for (const element of problem) enableProblem(s, element);
  disablePolicyRules(s);
  for (const element of problem) disableProblem(s, element);
  return refined;
}

/** The package of the literals that is there and new; one that stays beside others only if there is no other. */
function replacement(s: SolverState, rule: number): { by: number; beside: boolean } {
  let beside = 0;
  for (const q of s.literals(rule)) {
    if (q <= 0 || s.decision[q]! <= 0 || s.isInstalled(q)) continue;
    if (!s.multiversion.has(q)) return { by: q, beside: false };
    beside = q;
  }
  return { by: beside, beside: true };
}

const isMet = (s: SolverState, rule: number): boolean => s.someLiteral(rule, (q) => q > 0 && s.decision[q]! > 0);

function ofUpdate(s: SolverState, element: number): Concession[] {
  const p = s.installedStart + element - s.update.start;
  // False alarm: given up, but it holds after all.
  if (isMet(s, element) || s.decision[p]! > 0) return [];
  const feature = element - s.update.start + s.feature.start;
  const rule = s.p[feature] !== 0 ? feature : element;
  const { by, beside } = s.w2[rule] !== 0 ? replacement(s, rule) : { by: 0, beside: false };
  if (by === 0) return [{ kind: 'erase', package: p }];
  const replace: Concession = { kind: 'replace', package: p, by };
  return beside ? [replace, { kind: 'erase', package: p }] : [replace];
}

function ofBest(s: SolverState, element: number): Concession[] {
  if (isMet(s, element)) return [];
  const p = s.bestSource[element - s.best.start]!;
  if (p < 0) return [{ kind: 'job', job: s.ruleToJob[-p - s.job.start]! }];
  if (s.decision[p]! > 0) return [{ kind: 'allow', package: p, why: 'best' }];
  const feature = s.feature.start + p - s.installedStart;
  const { by, beside } = replacement(s, s.p[feature] !== 0 ? feature : s.update.start + p - s.installedStart);
  if (by === 0) return [];
  const allow: Concession = { kind: 'allow', package: by, why: 'best' };
  return beside ? [allow, { kind: 'erase', package: p }] : [allow];
}

function concessionOf(s: SolverState, element: number): Concession[] {
  if (element < 0) return [{ kind: 'job', job: -1 - element }];
  for (const why of ['infarch', 'dup'] as const)
    if (s.inSpan(element, s[why])) {
      const rule = nameGroup(s, element, s[why]).find((r) => s.decision[-s.p[r]!]! > 0);
      return rule === undefined ? [] : [{ kind: 'allow', package: -s.p[rule]!, why }];
    }
  if (s.inSpan(element, s.update)) return ofUpdate(s, element);
  if (s.inSpan(element, s.best)) return ofBest(s, element);
  for (const why of ['black', 'strictRepo'] as const)
    if (s.inSpan(element, s[why])) return [{ kind: 'allow', package: -s.p[element]!, why }];
  return [];
}

/** Remembers the decisions; the function returned brings them back. */
function keepDecisions(s: SolverState): () => void {
  const decision = s.decision.slice();
  const queue = [...s.queue];
  const why = [...s.why];
  const { problems, branches, levelReasons } = s;
  const mistakes = s.cleandepsMistakes.length;
  s.branches = [];
  s.levelReasons = [];
  return () => {
    s.decision.set(decision);
    s.queue.splice(0, s.queue.length, ...queue);
    s.why.splice(0, s.why.length, ...why);
    s.problems = problems;
    s.branches = branches;
    s.levelReasons = levelReasons;
    s.cleandepsMistakes.length = mistakes;
    s.propagateIndex = s.queue.length;
    s.recommendsIndex = -1;
  };
}

/** Ways out of problem number `problem`, each checked by solving again. Found once and remembered. */
export function problemSolutions(s: SolverState, problem: number): readonly ProblemSolution[] {
  const known = s.solutions.get(problem) as ProblemSolution[] | undefined;
  if (known !== undefined) return known;
  const elements = s.problems[problem]!.slice(1);
  const restore = keepDecisions(s);
  // Rules first, then jobs from the last to the first, essential ones last.
  const sorted = [...elements].sort(
    (a, b) => Number(a < 0) - Number(b < 0) || Number(isEssential(s, a)) - Number(isEssential(s, b)) || a - b,
  );
  const out: ProblemSolution[] = [];
  for (const essentialOk of [false, true]) {
    if (out.length > 0) break;
    for (const element of sorted) {
      const concessions = refine(s, sorted, element, essentialOk).flatMap((e) => concessionOf(s, e));
      if (concessions.length > 0) out.push({ element, concessions });
    }
  }
  if (out.length === 0) {
    // Nothing leads out: the first rule that says something is offered.
    const faked = sorted.map((element) => ({ element, concessions: concessionOf(s, element) }));
    const first = faked.find(({ concessions }) => concessions.length > 0);
    if (first !== undefined) out.push({ element: sorted[sorted.length - 1]!, concessions: first.concessions });
  }
  restore();
  s.solutions.set(problem, out);
  return out;
}
