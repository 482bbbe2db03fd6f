// The result lines of a test case: transaction, problems, alternatives, rules and the rest, in libsolv's words.
import { createHash } from 'node:crypto';
import { type Alternative, alternativesOf, alternativeText } from '../alternatives.ts';
import { unneededPackages } from '../cleandeps.ts';
import { filterUnneeded } from '../cleandeps-filter.ts';
import { orderTransaction } from '../order.ts';
import { type Pool, systemSolvable } from '../pool.ts';
import { problemInfo, problemRules } from '../problems.ts';
import { learntProof, type ProofStep, problemProof } from '../proof.ts';
import { decisionReason, weakCalls } from '../reasons.ts';
import { recommendedOf } from '../recommended.ts';
import { infoText, ruleInfo } from '../rule-info.ts';
import { ruleType } from '../rule-type.ts';
import { type Concession, problemSolutions } from '../solutions.ts';
import { solvableName } from '../solvable-name.ts';
import { reason, type SolverState } from '../state.ts';
import { stepsOf, Transaction } from '../transaction.ts';
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

/** Literals as results show them: without the system, unless there is nothing else. */
function shownLiterals(s: SolverState, rule: number): number[] {
  const out = s.literals(rule).filter((l) => l !== -systemSolvable);
  return out.length > 0 ? out : [-systemSolvable];
}

/** The name of a rule in results: a digest over its literals. */
export function ruleId(s: SolverState, rule: number): string {
  return md5(sortedUnique(shownLiterals(s, rule).map((l) => (l < 0 ? '!' : '') + solvableName(s.pool, Math.abs(l)))));
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
    ['strictrepoprio', s.strictRepo],
    ['choice', s.choice],
    ['recommends', s.recommends],
  ] as const)
    if (s.inSpan(rule, span)) return name;
  return 'learnt';
}

/** One line for every literal of every rule; an empty one stands for what is always there. */
export function ruleLines(s: SolverState): string[] {
  const out: string[] = [];
  for (let r = 1; r < s.ruleCount; r++) {
    const cls = ruleClass(s, r);
    const literals = shownLiterals(s, r);
    if (cls === 'feature' && literals.length === 1 && literals[0] === -systemSolvable) continue;
    const id = ruleId(s, r);
    for (const l of literals) out.push(`rule ${cls} ${id} ${l < 0 ? '-' : ' '}${solvableName(s.pool, Math.abs(l))}`);
  }
  return out;
}

/** libsolv's wording of alternatives: since 0.7.30 as a phrase, before as a short statement. */
export type AlternativeStyle = 'phrase' | 'statement';

function alternativeHead(s: SolverState, a: Alternative, style: AlternativeStyle): string {
  if (style === 'phrase') return alternativeText(s, a);
  const { rule } = a;
  if (rule === 0) return `${solvableName(s.pool, a.from)} recommends ${formatTestDependency(s.pool, a.dep)}`;
  if (s.inSpan(rule, s.job)) return `job ${formatJob(s.pool, s.jobs[s.ruleToJob[rule - s.job.start]!]!)}`;
  if (s.inSpan(rule, s.update) || s.inSpan(rule, s.feature)) return `update ${solvableName(s.pool, s.p[rule]!)}`;
  const info = ruleInfo(s, rule);
  if (info.type === ruleType.pkgRequires)
    return `${solvableName(s.pool, info.from)} requires ${formatTestDependency(s.pool, info.dep)}`;
  return 'rule';
}

/** Points where another choice would have been possible. */
export function alternativeLines(s: SolverState, style: AlternativeStyle): string[] {
  const out: string[] = [];
  for (const a of alternativesOf(s)) {
    const id = (
      a.rule > 0 ? md5([ruleId(s, a.rule)]) : md5([solvableName(s.pool, a.from), formatTestDependency(s.pool, a.dep)])
    ).slice(0, 8);
    out.push(`alternative ${id}  0 ${alternativeHead(s, a, style)}`);
    a.choices.forEach((p, i) => {
      const mark = p === a.chosen ? '+' : a.tried.has(p) ? '-' : ' ';
      out.push(`alternative ${id} ${String(i + 1).padStart(2)} ${mark} ${solvableName(s.pool, p)}`);
    });
  }
  return out;
}

function proofStepLines(s: SolverState, steps: readonly ProofStep[], prefix: string, learnt: number[]): string[] {
  const out: string[] = [];
  steps.forEach(({ literal, rule }, i) => {
    const number = `${prefix} ${String(i).padStart(3)}`;
    if (rule === 0) out.push(`${number} premise`);
    else {
      if (rule >= s.learntStart && !learnt.includes(rule)) learnt.push(rule);
      out.push(`${number} ${ruleClass(s, rule)} ${ruleId(s, rule)}`);
    }
    for (const l of rule === 0 ? [literal] : shownLiterals(s, rule))
      out.push(`${number}: ${l === literal ? '-->' : '   '} ${l < 0 ? '-' : ' '}${solvableName(s.pool, Math.abs(l))}`);
  });
  return out;
}

/** The proofs of all problems and of the learnt rules they use. */
export function proofLines(s: SolverState): string[] {
  const out: string[] = [];
  const learnt: number[] = [];
  s.problems.forEach((_, i) => {
    out.push(...proofStepLines(s, problemProof(s, i), `proof ${problemId(s, i)}`, learnt));
  });
  for (let i = 0; i < learnt.length; i++)
    out.push(...proofStepLines(s, learntProof(s, learnt[i]!), `proof ${ruleId(s, learnt[i]!)}`, learnt));
  return out;
}

const reasonNames = new Map<number, string>([
  [reason.unrelated, 'unrelated'],
  [reason.unit, 'unit'],
  [reason.keepInstalled, 'keep'],
  [reason.resolveJob, 'job'],
  [reason.updateInstalled, 'update'],
  [reason.cleandeps, 'cleandeps'],
  [reason.resolve, 'resolve'],
  [reason.weakdep, 'weakdep'],
  [reason.resolveOrphan, 'orphan'],
]);

/** Why every package is in or out. */
export function reasonLines(s: SolverState): string[] {
  const out: string[] = [];
  for (let p = 2; p < s.pool.count; p++) {
    if (s.pool.repoOf.data[p] === 0) continue;
    const found = decisionReason(s, p);
    if (found === undefined || found.why === reason.unrelated) continue;
    const name = solvableName(s.pool, p);
    const calls = found.why === reason.weakdep ? weakCalls(s, p) : [];
    for (const call of calls) {
      const by = call.package === 0 ? '' : ` ${solvableName(s.pool, call.package)}`;
      out.push(`reason ${name} ${call.kind} ${formatTestDependency(s.pool, call.dep)}${by}`);
    }
    if (calls.length === 0)
      out.push(
        `reason ${name} ${reasonNames.get(found.why) ?? '?'}${found.rule === 0 ? '' : ` ${ruleId(s, found.rule)}`}`,
      );
  }
  return out;
}

/** The transaction in the order it is carried out. */
export function orderLines(s: SolverState): string[] {
  return orderTransaction(new Transaction(s)).steps.map(
    (p, i) => `order ${String(i + 1).padStart(4)} ${s.isInstalled(p) ? 'erase' : 'install'} ${solvableName(s.pool, p)}`,
  );
}

/** What must come before what. */
export function orderEdgeLines(s: SolverState): string[] {
  return orderTransaction(new Transaction(s)).edges.map(
    ({ from, to, type }) =>
      `orderedge ${solvableName(s.pool, from)} -${type.toString(16)}-> ${solvableName(s.pool, to)}`,
  );
}

/** Packages that nothing needs, marked where others of them drag them in. */
export function unneededLines(s: SolverState): string[] {
  const all = unneededPackages(s, true);
  const list = (s.pool.installed?.solvables ?? []).filter((p) => all.has(p));
  const filtered = new Set(filterUnneeded(s, list, false));
  return list.map((p) => `${filtered.has(p) ? 'unneeded_filtered' : 'unneeded'} ${solvableName(s.pool, p)}`);
}

export function recommendedLines(s: SolverState): string[] {
  const { recommended, suggested } = recommendedOf(s);
  return [
    ...recommended.map((p) => `recommended ${solvableName(s.pool, p)}`),
    ...suggested.map((p) => `suggested ${solvableName(s.pool, p)}`),
  ];
}
