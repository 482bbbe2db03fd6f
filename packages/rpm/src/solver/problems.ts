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

/** How much the requirement found so far says: nothing known, of an installed package, of a requested one, impossible. */
type Weight = 0 | 1 | 2 | 3;

interface Found {
  requires: number;
  weight: Weight;
  conflicts: number;
  conflictInstalled: boolean;
  black: number;
  strictRepo: number;
  update: number;
  job: number;
}

const nothingFound = (): Found => ({
  requires: 0,
  weight: 0,
  conflicts: 0,
  conflictInstalled: false,
  black: 0,
  strictRepo: 0,
  update: 0,
  job: 0,
});

function noteRequirement(s: SolverState, r: number, found: Found, requested: ReadonlySet<number>): void {
  const { archs } = s.pool;
  const from = -s.p[r]!;
  if (s.listOf(r) === 0 && s.w2[r] === 0 && found.weight < 3) {
    // A package that cannot be installed at all says most, unless it is only the other architecture's copy.
    const other = found.requires > 0 ? -s.p[found.requires]! : 0;
    if (other > 1 && from > 1 && archs.data[other] !== archs.data[from] && archs.data[from] !== s.pool.noarch) return;
    found.requires = r;
    found.weight = 3;
  } else if (found.weight <= 2 && requested.has(from)) {
    found.requires = r;
    found.weight = 2;
  } else if (found.weight < 1 && from > 0 && s.isInstalled(from)) {
    found.requires = r;
    found.weight = 1;
  } else if (found.requires === 0) found.requires = r;
}

function search(s: SolverState, at: number, found: Found, seen: Set<number>, requested: ReadonlySet<number>): void {
  const deeper = nothingFound();
  for (let i = at; s.learntPool[i] !== 0; i++) {
    const r = s.learntPool[i]!;
    if (r >= s.learntStart) {
      if (seen.has(r)) continue;
      seen.add(r);
      search(s, s.learntWhy[r - s.learntStart]!, deeper, seen, requested);
    } else if (s.inSpan(r, s.update) || s.inSpan(r, s.feature)) {
      if (found.update === 0) found.update = r;
    } else if (s.inSpan(r, s.black)) {
      if (found.black === 0) found.black = r;
    } else if (s.inSpan(r, s.strictRepo)) {
      if (found.strictRepo === 0) found.strictRepo = r;
    } else if (r >= s.pkgRulesEnd) {
      if (found.job === 0) found.job = r;
    } else if (s.listOf(r) === 0 && s.w2[r]! < 0) {
      const installed = s.isInstalled(-s.p[r]!) || s.isInstalled(-s.w2[r]!);
      if (found.conflicts === 0 || (!found.conflictInstalled && installed)) {
        found.conflicts = r;
        found.conflictInstalled = installed;
      }
    } else noteRequirement(s, r, found, requested);
  }
  if (found.requires === 0) found.requires = deeper.requires;
  if (found.conflicts === 0) found.conflicts = deeper.conflicts;
  if (found.black === 0) found.black = deeper.black;
  if (found.strictRepo === 0) found.strictRepo = deeper.strictRepo;
  if (found.update === 0) found.update = deeper.update;
  if (found.job === 0) found.job = deeper.job;
}

/** The one rule that explains a problem best. */
export function problemRule(s: SolverState, problem: number): number {
  const found = nothingFound();
  const requested = new Set<number>();
  for (let r = s.job.start; r < s.job.end; r++) if (s.p[r]! > 0 && s.isAssertion(r)) requested.add(s.p[r]!);
  search(s, s.problems[problem]![0]!, found, new Set(), requested);
  const { requires, conflicts } = found;
  if (requires !== 0 && conflicts !== 0 && s.isInstalled(-s.p[requires]!) === false) {
    // A new package that needs an installed one and conflicts with it: the conflict is the news.
    const from = -s.p[requires]!;
    const a = -s.p[conflicts]!;
    const b = -s.w2[conflicts]!;
    const other = a === from ? b : b === from ? a : 0;
    if (other !== 0 && s.isInstalled(other) && s.literals(requires).includes(other)) return conflicts;
  }
  return requires || conflicts || found.black || found.strictRepo || found.update || found.job;
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
