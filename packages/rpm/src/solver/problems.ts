// Problems: which rules are behind one, which of them to name, and what could be given up to solve it.

import type { RuleInfo } from './pkg-rules.ts';
import { allRuleInfos, ruleInfo } from './rule-info.ts';
import type { SolverState } from './state.ts';

/** The elements of a problem: rules, or -1 - job. */
export function problemElements(s: SolverState, problem: number): number[] {
  return s.problems[problem]!.slice(1);
}

/** Every rule in the proof of a problem, learnt ones resolved, in the order found. */
export function problemRules(s: SolverState, problem: number): number[] {
  const out: number[] = [];
  const seen = new Set<number>();
  const visit = (at: number): void => {
    for (let i = at; s.learntPool[i] !== 0; i++) {
      const r = s.learntPool[i]!;
      if (seen.has(r)) continue;
      seen.add(r);
      if (r >= s.learntStart) visit(s.learntWhy[r - s.learntStart]!);
      else out.push(r);
    }
  };
  visit(s.problems[problem]![0]!);
  return out;
}

interface Found {
  requires: number;
  requiresAssertion: boolean;
  conflicts: number;
  update: number;
  job: number;
}

function search(s: SolverState, at: number, found: Found, seen: Set<number>): void {
  const deeper: Found = { requires: 0, requiresAssertion: false, conflicts: 0, update: 0, job: 0 };
  for (let i = at; s.learntPool[i] !== 0; i++) {
    const r = s.learntPool[i]!;
    if (r >= s.learntStart) {
      if (seen.has(r)) continue;
      seen.add(r);
      search(s, s.learntWhy[r - s.learntStart]!, deeper, seen);
    } else if (s.inSpan(r, s.update) || s.inSpan(r, s.feature)) {
      if (found.update === 0) found.update = r;
    } else if (r >= s.pkgRulesEnd) {
      if (found.job === 0) found.job = r;
    } else if (s.listOf(r) === 0 && s.w2[r]! < 0) {
      if (found.conflicts === 0) found.conflicts = r;
    } else if (s.listOf(r) === 0 && s.w2[r] === 0 && !found.requiresAssertion) {
      // A package that cannot be installed at all says more than one that only lacks what it needs.
      if (found.requires > 0 && s.p[r]! < -1) {
        const other = -s.p[found.requires]!;
        const own = -s.p[r]!;
        if (
          other > 1 &&
          s.pool.archs.data[other] !== s.pool.archs.data[own] &&
          s.pool.archs.data[own] !== s.pool.noarch
        )
          continue;
      }
      found.requires = r;
      found.requiresAssertion = true;
    } else if (found.requires === 0) found.requires = r;
    else if (!found.requiresAssertion && s.isInstalled(-s.p[r]!)) {
      // Prefer what an installed package needs.
      found.requires = r;
      found.requiresAssertion = true;
    }
  }
  if (found.requires === 0) found.requires = deeper.requires;
  if (found.conflicts === 0) found.conflicts = deeper.conflicts;
  if (found.update === 0) found.update = deeper.update;
  if (found.job === 0) found.job = deeper.job;
}

/** The one rule that explains a problem best. */
export function problemRule(s: SolverState, problem: number): number {
  const found: Found = { requires: 0, requiresAssertion: false, conflicts: 0, update: 0, job: 0 };
  search(s, s.problems[problem]![0]!, found, new Set());
  const { requires, conflicts } = found;
  if (requires !== 0 && conflicts !== 0 && s.isInstalled(-s.p[requires]!) === false) {
    // A new package that needs an installed one and conflicts with it: the conflict is the news.
    const from = -s.p[requires]!;
    const a = -s.p[conflicts]!;
    const b = -s.w2[conflicts]!;
    const other = a === from ? b : b === from ? a : 0;
    if (other !== 0 && s.isInstalled(other) && s.literals(requires).includes(other)) return conflicts;
  }
  return requires || conflicts || found.update || found.job;
}

/** The ground to show for a problem. */
export function problemInfo(s: SolverState, problem: number): RuleInfo {
  return ruleInfo(s, problemRule(s, problem));
}

/** Every ground of every rule behind a problem, without repetition. */
export function problemInfos(s: SolverState, problem: number): RuleInfo[] {
  const out: RuleInfo[] = [];
  for (const rule of problemRules(s, problem))
    for (const info of allRuleInfos(s, rule))
      if (!out.some((o) => o.type === info.type && o.from === info.from && o.to === info.to && o.dep === info.dep))
        out.push(info);
  return out;
}
