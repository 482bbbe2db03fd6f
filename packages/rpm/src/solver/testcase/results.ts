// The result lines of a test case: transaction, problems, alternatives, rules and the rest, in libsolv's words.
import { createHash } from 'node:crypto';
import { type Alternative, alternativesOf, alternativeText } from '../alternatives.ts';
import type { Pool } from '../pool.ts';
import { problemInfo, problemRules } from '../problems.ts';
import { recommendedOf } from '../recommended.ts';
import { infoText } from '../rule-info.ts';
import { type Concession, problemSolutions } from '../solutions.ts';
import { solvableName } from '../solvable-name.ts';
import type { SolverState } from '../state.ts';
import { stepsOf } from '../transaction.ts';
import { formatTestDependency } from './dep-syntax.ts';
import { formatJob } from './job-text.ts';

function md5(parts: Iterable<string>): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(`${part}\0`);
  return hash.digest('hex');
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sortedUnique(list: readonly string[]): string[] {
  return [...new Set(list)].sort(compareText);
}

/** The name of a rule in results: a digest over its literals. */
export function ruleId(s: SolverState, rule: number): string {
  return md5(sortedUnique(s.literals(rule).map((l) => (l < 0 ? '!' : '') + solvableName(s.pool, Math.abs(l)))));
}

function problemId(s: SolverState, problem: number): string {
  return md5(sortedUnique(problemRules(s, problem).map((rule) => ruleId(s, rule)))).slice(0, 8);
}

/** The lines that describe the changes. */
export function transactionLines(s: SolverState): string[] {
  const name = (p: number): string => solvableName(s.pool, p);
  return stepsOf(s).map((step) => {
    switch (step.kind) {
      case 'install':
        return `install ${name(step.package)}`;
      case 'erase':
        return `erase ${name(step.package)}`;
      case 'obsoleted':
        return `erase ${name(step.package)} ${name(step.other!)}`;
      default:
        return `${step.kind} ${name(step.other!)} ${name(step.package)}`;
    }
  });
}

function concessionText(pool: Pool, s: SolverState, c: Concession): string {
  switch (c.kind) {
    case 'job':
      return `deljob ${formatJob(pool, s.jobs[c.job]!)}`;
    case 'erase':
      return `erase ${solvableName(pool, c.package)}`;
    case 'replace':
      return `replace ${solvableName(pool, c.package)} ${solvableName(pool, c.by)}`;
    case 'allow':
      return `allow ${solvableName(pool, c.package)}`;
    default:
      return '';
  }
}

/** The lines that describe problems and their solutions. */
export function problemResultLines(s: SolverState): string[] {
  const out: string[] = [];
  const ids = s.problems.map((_, i) => problemId(s, i));
  const infos = s.problems.map((_, i) => infoText(s.pool, problemInfo(s, i)));
  const count = s.problems.length;
  for (let i = 0; i < count; i++) {
    const id = ids[i]!;
    out.push(`problem ${id} info ${infos[i]}`);
    for (const solution of problemSolutions(s, i)) {
      const texts = solution.concessions.map((c) => concessionText(s.pool, s, c));
      const key =
        solution.element < 0 ? formatJob(s.pool, s.jobs[-1 - solution.element]!) : ruleId(s, solution.element);
      const sid = md5([key]).slice(0, 8);
      for (const text of texts) out.push(`problem ${id} solution ${sid} ${text}`);
    }
  }
  return out;
}

function ruleClass(s: SolverState, rule: number): string {
  if (rule < s.pkgRulesEnd) return 'pkg';
  for (const [name, span] of [
    ['feature', s.feature],
    ['update', s.update],
    ['job', s.job],
    ['infarch', s.infarch],
    ['distupgrade', s.dup],
    ['best', s.best],
    ['yumobs', s.yumobs],
    ['black', s.black],
    ['strictrepo', s.strictRepo],
    ['choice', s.choice],
    ['recommends', s.recommends],
  ] as const)
    if (s.inSpan(rule, span)) return name;
  return 'learnt';
}

/** One line for every literal of every rule that is in force. */
export function ruleLines(s: SolverState): string[] {
  const out: string[] = [];
  for (let r = 1; r < s.ruleCount; r++) {
    if (s.p[r] === 0) continue;
    const cls = ruleClass(s, r);
    const id = ruleId(s, r);
    for (const l of s.literals(r))
      out.push(`rule ${cls} ${id} ${l < 0 ? '-' : ' '}${solvableName(s.pool, Math.abs(l))}`);
  }
  return out;
}

/** libsolv's wording of alternatives: since 0.7.30 as a phrase, before as a short statement. */
export type AlternativeStyle = 'phrase' | 'statement';

function alternativeHead(s: SolverState, a: Alternative, style: AlternativeStyle): string {
  if (style === 'phrase') return alternativeText(s, a);
  const from = solvableName(s.pool, a.from);
  switch (a.kind) {
    case 'requires':
    case 'recommends':
      return `${from} ${a.kind} ${formatTestDependency(s.pool, a.dep)}`;
    case 'job':
      return `job ${formatJob(s.pool, a.job!)}`;
    case 'update':
      return `update ${from}`;
    default:
      return 'rule';
  }
}

/** Points where another choice would have been possible. */
export function alternativeLines(s: SolverState, style: AlternativeStyle): string[] {
  const out: string[] = [];
  for (const a of alternativesOf(s)) {
    // Taken as well: no alternative, says the newer libsolv.
    if (style === 'phrase' && a.choices.some((p) => p !== a.chosen && s.decision[p]! > 0)) continue;
    const id = (
      a.rule > 0 ? md5([ruleId(s, a.rule)]) : md5([solvableName(s.pool, a.from), formatTestDependency(s.pool, a.dep)])
    ).slice(0, 8);
    out.push(`alternative ${id}  0 ${alternativeHead(s, a, style)}`);
    a.choices.forEach((p, i) => {
      const mark = a.minimized.has(p) ? '-' : p === a.chosen ? '+' : ' ';
      out.push(`alternative ${id} ${String(i + 1).padStart(2)} ${mark} ${solvableName(s.pool, p)}`);
    });
  }
  return out;
}

export function recommendedLines(s: SolverState): string[] {
  const { recommended, suggested } = recommendedOf(s);
  return [
    ...recommended.map((p) => `recommended ${solvableName(s.pool, p)}`),
    ...suggested.map((p) => `suggested ${solvableName(s.pool, p)}`),
  ];
}
