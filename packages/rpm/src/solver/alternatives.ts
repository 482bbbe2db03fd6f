// Where the solver had a choice, and what it chose.
import { dependencyText } from './dep-text.ts';
import type { Job } from './job.ts';
import { ruleInfo } from './rule-info.ts';
import { ruleType } from './rule-type.ts';
import type { SolverState } from './state.ts';

export interface Alternative {
  /** What asked: a requirement or recommendation, a job, the update of an installed package, a package split. */
  readonly kind: 'requires' | 'recommends' | 'job' | 'update' | 'split' | 'rule';
  /** The rule that left the choice open, 0 for a weak dependency. */
  readonly rule: number;
  /** The package that asked, or the installed one that is updated. */
  readonly from: number;
  readonly dep: number;
  readonly job?: Job;
  readonly chosen: number;
  /** All candidates, the chosen one first. */
  readonly choices: readonly number[];
  /** Candidates that were taken in place of the chosen one when they turned out to come in anyhow. */
  readonly minimized: ReadonlySet<number>;
}

/** The open choices of a solved state, in the order they were made. */
export function alternativesOf(s: SolverState): Alternative[] {
  return s.branches.map((b) => {
    const base = {
      rule: b.rule,
      chosen: b.chosen,
      choices: [b.chosen, ...b.choices],
      minimized: b.minimized ?? new Set<number>(),
    };
    if (b.rule === 0) return { ...base, kind: 'recommends', from: b.from, dep: b.dep };
    if (s.inSpan(b.rule, s.job))
      return { ...base, kind: 'job', from: 0, dep: 0, job: s.jobs[s.ruleToJob[b.rule - s.job.start]!]! };
    if (s.inSpan(b.rule, s.update) || s.inSpan(b.rule, s.feature))
      return { ...base, kind: 'update', from: s.p[b.rule]!, dep: 0 };
    if (s.inSpan(b.rule, s.recommends))
      return {
        ...base,
        kind: 'recommends',
        from: -s.literals(b.rule).find((l) => l < 0)!,
        dep: s.recommendsSource[b.rule - s.recommends.start]!,
      };
    const info = ruleInfo(s, b.rule);
    if (info.type === ruleType.pkgRequires) return { ...base, kind: 'requires', from: info.from, dep: info.dep };
    if (info.type === ruleType.yumobs) return { ...base, kind: 'split', from: info.from, dep: info.dep };
    if (info.type === ruleType.best && info.from > 0) return { ...base, kind: 'update', from: info.from, dep: 0 };
    return { ...base, kind: 'rule', from: info.from, dep: info.dep };
  });
}

/** What asked, as a phrase: `X, required by A-1-1.noarch`. */
export function alternativeText(s: SolverState, a: Alternative): string {
  const name = (p: number): string => s.pool.text(p);
  const dep = a.dep === 0 ? '' : dependencyText(s.pool, a.dep);
  switch (a.kind) {
    case 'requires':
      return `${dep}, required by ${name(a.from)}`;
    case 'recommends':
      return `${dep}, recommended by ${name(a.from)}`;
    case 'update':
      return name(a.from);
    case 'split':
      return `${s.pool.ids.text(s.pool.names.data[a.chosen]!)}, obsoleting ${dep}`;
    case 'job': {
      const select = a.job!.select;
      if (select.kind === 'name' || select.kind === 'provides') return dependencyText(s.pool, select.dep);
      if (select.kind === 'oneof') return select.solvables.map(name).join(', ');
      return 'job';
    }
    default:
      return 'some dependency';
  }
}
