// Where the solver had a choice, and what it chose.
import { dependencyText } from './dep-text.ts';
import { ruleInfo } from './rule-info.ts';
import { ruleType } from './rule-type.ts';
import { solvableName } from './solvable-name.ts';
import type { SolverState } from './state.ts';

export interface Alternative {
  readonly rule: number;
  readonly from: number;
  readonly dep: number;
  readonly chosen: number;
  /** All candidates, the chosen one first. */
  readonly choices: readonly number[];
  /** Why the choice came up. */
  readonly text: string;
}

/** The open choices of a solved state, in the order they were made. */
export function alternativesOf(s: SolverState): Alternative[] {
  return s.branches.map((b) => {
    let text = '';
    if (b.rule > 0) {
      const info = ruleInfo(s, b.rule);
      if (info.type === ruleType.pkgRequires)
        text = `${solvableName(s.pool, info.from)} requires ${dependencyText(s.pool, info.dep)}`;
    } else text = `${solvableName(s.pool, b.from)} recommends ${dependencyText(s.pool, b.dep)}`;
    return { rule: b.rule, from: b.from, dep: b.dep, chosen: b.chosen, choices: [b.chosen, ...b.choices], text };
  });
}
