// A problem as a person can act on it: which requests fail, the shortest chain to what stops them, and ways out.
import { dependencyText } from './dep-text.ts';
import type { RuleInfo } from './pkg-rules.ts';
import { problemElements, problemRules } from './problems.ts';
import { allRuleInfos, infoText } from './rule-info.ts';
import { ruleType } from './rule-type.ts';
import { selected } from './selection.ts';
import { concessionTexts } from './solution-text.ts';
import { problemSolutions } from './solutions.ts';
import type { SolverState } from './state.ts';

/** One step of the chain: a package and what it needs or clashes with. */
export interface ChainLink {
  readonly text: string;
  readonly package: string;
  readonly dependency?: string;
  /** The other package of a clash. */
  readonly other?: string;
}

export interface Explanation {
  /** The requests that cannot be met together, as the user wrote them (or as the solver names them). */
  readonly requests: readonly string[];
  /** From a requested package to what stops it, each link caused by the one before. */
  readonly chain: readonly ChainLink[];
  /** Why the other side of a clash cannot give way, where there is one. */
  readonly because?: string;
  /** Each a set of things to give up that solves the problem, in libsolv's words and order. */
  readonly solutions: readonly (readonly string[])[];
}

interface Edge {
  readonly from: number;
  readonly dep: number;
  readonly to: readonly number[];
}

const ends: readonly number[] = [
  ruleType.pkgNothingProvides,
  ruleType.pkgNotInstallable,
  ruleType.pkgSelfConflict,
  ruleType.pkgConflicts,
  ruleType.pkgSameName,
  ruleType.pkgObsoletes,
  ruleType.pkgInstalledObsoletes,
  ruleType.pkgImplicitObsoletes,
];

function endLink(s: SolverState, info: RuleInfo): ChainLink {
  const name = (p: number): string => s.pool.text(p);
  const dependency = info.dep === 0 ? '' : dependencyText(s.pool, info.dep);
  const from = name(info.from);
  if (info.type === ruleType.pkgNothingProvides)
    return { text: `${from} requires ${dependency}, which nothing provides`, package: from, dependency };
  const base = { text: infoText(s.pool, info), package: from };
  return {
    ...base,
    ...(dependency === '' ? {} : { dependency }),
    ...(info.to === 0 ? {} : { other: name(info.to) }),
  };
}

/** Shortest way from any start to a package that an end is about. */
function shortest(
  s: SolverState,
  starts: readonly number[],
  edges: readonly Edge[],
  stops: readonly RuleInfo[],
): ChainLink[] | undefined {
  const came = new Map<number, { from: number; dep: number }>();
  for (const p of starts) came.set(p, { from: 0, dep: 0 });
  const work = [...starts];
  const stopOf = (p: number): RuleInfo | undefined => stops.find((i) => i.from === p) ?? stops.find((i) => i.to === p);
  for (let i = 0; i < work.length; i++) {
    const p = work[i]!;
    const stop = stopOf(p);
    if (stop !== undefined) {
      const chain = [endLink(s, stop)];
      for (let at = p; came.get(at)!.from !== 0; at = came.get(at)!.from) {
        const { from, dep } = came.get(at)!;
        const dependency = dependencyText(s.pool, dep);
        const name = s.pool.text(from);
        chain.unshift({ text: `${name} requires ${dependency}`, package: name, dependency });
      }
      return chain;
    }
    for (const edge of edges)
      if (edge.from === p)
        for (const q of edge.to)
          if (!came.has(q)) {
            came.set(q, { from: p, dep: edge.dep });
            work.push(q);
          }
  }
  return undefined;
}

/** Explains problem number `problem`. `requests` are the texts of the jobs by index (`Goal.requests`). */
export function explainProblem(
  s: SolverState,
  problem: number,
  requests: readonly (string | undefined)[] = [],
): Explanation {
  const elements = problemElements(s, problem);
  const jobs = elements.filter((e) => e < 0).map((e) => -1 - e);
  const wanted = jobs.filter((j) => s.jobs[j]!.action === 'install' || s.jobs[j]!.action === 'update');
  const asked = wanted.length > 0 ? wanted : jobs;
  const edges: Edge[] = [];
  const stops: RuleInfo[] = [];
  for (const rule of problemRules(s, problem)) {
    if (rule >= s.pkgRulesEnd) continue;
    for (const info of allRuleInfos(s, rule)) {
      if (info.type === ruleType.pkgRequires)
        edges.push({ from: info.from, dep: info.dep, to: s.literals(rule).filter((l) => l > 0) });
      else if (ends.includes(info.type)) stops.push(info);
    }
  }
  stops.sort((a, b) => ends.indexOf(a.type) - ends.indexOf(b.type));
  const starts = asked.flatMap((j) => selected(s.pool, s.jobs[j]!.select));
  const installed = elements.filter((e) => e >= 0 && s.inSpan(e, s.update)).map((e) => s.p[e]!);
  const chain = shortest(s, starts, edges, stops) ?? shortest(s, installed, edges, stops) ?? [];
  const other = chain[chain.length - 1]?.other;
  const kept = jobs.find((j) => s.jobs[j]!.action === 'lock');
  const because =
    other === undefined
      ? undefined
      : kept !== undefined
        ? `${selected(s.pool, s.jobs[kept]!.select)
            .map((p) => s.pool.text(p))
            .join(', ')} must stay as it is`
        : installed.length > 0
          ? `${installed.map((p) => s.pool.text(p)).join(', ')} is installed`
          : undefined;
  return {
    requests: asked.map(
      (j) =>
        requests[j] ??
        selected(s.pool, s.jobs[j]!.select)
          .map((p) => s.pool.text(p))
          .join(' or '),
    ),
    chain,
    ...(because === undefined ? {} : { because }),
    solutions: problemSolutions(s, problem).map((solution) =>
      solution.concessions.flatMap((c) => concessionTexts(s, c, requests)),
    ),
  };
}

/** The explanation as lines for a terminal. */
export function explanationLines(e: Explanation): string[] {
  const out = [`cannot satisfy: ${e.requests.join(', ')}`];
  for (const [i, link] of e.chain.entries()) out.push(`${'  '.repeat(Math.min(i, 20) + 1)}${link.text}`);
  if (e.because !== undefined) out.push(`  (${e.because})`);
  e.solutions.forEach((solution, i) => {
    out.push(`  Solution ${i + 1}:`, ...solution.map((text) => `    - ${text}`));
  });
  return out;
}
