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

/** The first rule of each class that a proof names; 0 for none. */
interface Found {
  requires: number;
  conflicts: number;
  black: number;
  strictRepo: number;
  update: number;
  job: number;
}
const classes = ['requires', 'conflicts', 'update', 'job', 'black', 'strictRepo'] as const;

const nothingFound = (): Found => ({ requires: 0, conflicts: 0, black: 0, strictRepo: 0, update: 0, job: 0 });

/** Whether a requirement says more than the one found so far, and how much. */
function weigh(s: SolverState, r: number, found: Found, weight: Weight, requested: number): Weight | undefined {
  const { archs } = s.pool;
  const from = -s.p[r]!;
  if (s.isAssertion(r) && weight < 3) {
    // A package that cannot be installed at all says most, unless it is only the other architecture's copy.
    const other = found.requires > 0 ? -s.p[found.requires]! : 0;
    if (other > 1 && from > 1 && archs.data[other] !== archs.data[from] && archs.data[from] !== s.pool.noarch)
      return undefined;
    return 3;
  }
  if (requested !== 0 && from === requested) return 2;
  if (from > 0 && s.isInstalled(from) && weight <= 1) return 1;
  return found.requires === 0 ? weight : undefined;
}

function search(s: SolverState, at: number, found: Found, seen: Set<number>): void {
  const deeper = nothingFound();
  let weight: Weight = 0;
  let conflictInstalled = false;
  let requested = 0;
  for (let i = at; s.learntPool[i] !== 0; i++) {
    const r = s.learntPool[i]!;
    if (s.inSpan(r, s.job) && s.isAssertion(r) && s.p[r]! > 0) {
      requested = s.p[r]!;
      break;
    }
  }
  const first = (key: keyof Found, r: number): void => {
    if (found[key] === 0) found[key] = r;
  };
  for (let i = at; s.learntPool[i] !== 0; i++) {
    const r = s.learntPool[i]!;
    if (r >= s.learntStart) {
      if (seen.has(r)) continue;
      seen.add(r);
      search(s, s.learntWhy[r - s.learntStart]!, deeper, seen);
    } else if ([s.job, s.infarch, s.dup, s.best, s.yumobs].some((span) => s.inSpan(r, span))) first('job', r);
    else if (s.inSpan(r, s.update)) first('update', r);
    else if (s.inSpan(r, s.black)) first('black', r);
    else if (s.inSpan(r, s.strictRepo)) first('strictRepo', r);
    else if (s.listOf(r) === 0 && s.w2[r]! < 0) {
      const installed = s.p[r]! < 0 && (s.isInstalled(-s.p[r]!) || s.isInstalled(-s.w2[r]!));
      if (installed && !conflictInstalled) {
        found.conflicts = r;
        conflictInstalled = true;
      }
      first('conflicts', r);
    } else {
      const more = weigh(s, r, found, weight, requested);
      if (more === undefined) continue;
      found.requires = r;
      weight = more;
    }
  }
  for (const key of classes) if (found[key] === 0) found[key] = deeper[key];
}

/** The one rule that explains a problem best. */
export function problemRule(s: SolverState, problem: number): number {
  const found = nothingFound();
  search(s, s.problems[problem]![0]!, found, new Set());
  const { requires, conflicts } = found;
  if (requires !== 0 && conflicts !== 0 && s.p[requires]! < 0 && s.p[conflicts]! < 0 && s.w2[conflicts]! < 0) {
    // A new package that needs an installed one and conflicts with it: the conflict is the news.
    const from = -s.p[requires]!;
    const a = -s.p[conflicts]!;
    const b = -s.w2[conflicts]!;
    const other = from === a && s.isInstalled(b) ? b : from === b && s.isInstalled(a) ? a : 0;
    const { names } = s.pool;
    if (other !== 0 && names.data[a] !== names.data[b] && !s.isInstalled(from) && s.literals(requires).includes(other))
      return conflicts;
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
