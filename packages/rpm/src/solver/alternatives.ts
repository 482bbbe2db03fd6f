// Where the solver had a choice, and what it chose.
import { dependencyText } from './dep-text.ts';
import { proofSentence } from './proof-text.ts';
import { ruleInfo, widerRule } from './rule-info.ts';
import { ruleType } from './rule-type.ts';
import type { Branch, SolverState } from './state.ts';

export interface Alternative {
  /** The rule that left the choice open, 0 for a weak dependency. */
  readonly rule: number;
  /** For weak dependencies: the package that asked and what for. */
  readonly from: number;
  readonly dep: number;
  /** 0 when none of the candidates was taken at this point. */
  readonly chosen: number;
  /** All candidates in order of preference. */
  readonly choices: readonly number[];
  /** Those that were tried. */
  readonly tried: ReadonlySet<number>;
}

function alternativeOf(s: SolverState, { level, packages, from, data }: Branch): Alternative {
  const chosen = packages.find((p) => p < 0 && s.decision[-p] === level + 1) ?? 0;
  return {
    rule: from === 0 ? data : 0,
    from,
    dep: from === 0 ? 0 : data,
    chosen: chosen === 0 ? 0 : -chosen,
    choices: packages.map(Math.abs),
    tried: new Set(packages.filter((p) => p < 0).map((p) => -p)),
  };
}

/** The open choices of a solved state, in the order they were made. */
export function alternativesOf(s: SolverState): Alternative[] {
  return s.branches.map((branch) => alternativeOf(s, branch));
}

/** The rule behind a learnt one that names all candidates which are still untried. */
function ruleBehind(s: SolverState, learnt: number, wanted: ReadonlySet<number>): number {
  for (let i = s.learntWhy[learnt - s.learntStart]!; s.learntPool[i] !== 0; i++) {
    const r = s.learntPool[i]!;
    const found =
      r >= s.learntStart
        ? ruleBehind(s, r, wanted)
        : s.literals(r).filter((p) => wanted.has(p)).length === wanted.size
          ? r
          : 0;
    if (found !== 0) return found;
  }
  return 0;
}

/** What asked, as a phrase: `X, required by A-1-1.noarch`. */
export function alternativeText(s: SolverState, a: Alternative): string {
  const name = (p: number): string => s.pool.text(p);
  if (a.rule === 0) return `${dependencyText(s.pool, a.dep)}, recommended by ${name(a.from)}`;
  let rule = a.rule;
  if (rule >= s.learntStart) {
    const open = new Set(a.choices.filter((p) => !a.tried.has(p)));
    rule = ruleBehind(s, rule, open);
    if (rule === 0) return 'learnt rule';
  }
  rule = widerRule(s, rule);
  if (s.inSpan(rule, s.best)) {
    const source = s.bestSource[rule - s.best.start]!;
    if (source > 0) return name(source);
    rule = -source;
  }
  const info = ruleInfo(s, rule);
  const dep = info.dep === 0 ? '' : dependencyText(s.pool, info.dep);
  switch (info.type) {
    case ruleType.pkgRecommends:
      return `${dep}, recommended by ${name(info.from)}`;
    case ruleType.pkgRequires:
      return `${dep}, required by ${name(info.from)}`;
    case ruleType.pkgConflicts:
      return `${dep}, conflicted by  ${name(info.from)}`;
    case ruleType.yumobs:
      return `${s.pool.ids.text(s.pool.names.data[info.to]!)}, obsoleting ${dep}`;
    case ruleType.update:
    case ruleType.feature:
      return name(info.from);
    case ruleType.job: {
      const { select } = s.jobs[s.ruleToJob[rule - s.job.start]!]!;
      if (select.kind === 'name' || select.kind === 'provides') return dependencyText(s.pool, select.dep);
      if (select.kind === 'oneof') return select.solvables.map(name).join(', ');
      if (select.kind === 'solvable') return name(select.solvable);
      return select.kind === 'repo' ? `repo ${s.pool.repos[select.repo]!.name}` : 'all packages';
    }
    default:
      return proofSentence(s, rule);
  }
}
