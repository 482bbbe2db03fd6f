// What a rule means: its kind, the packages and the dependency behind it, and the sentence for it.
import { dependencyText } from './dep-text.ts';
import { type RuleInfo, rulesOfPackage } from './pkg-rules.ts';
import { field, type Pool, systemSolvable } from './pool.ts';
import { ruleType } from './rule-type.ts';
import type { SolverState } from './state.ts';
import { isRel } from './strings.ts';

function sameLiterals(s: SolverState, rule: number, p: number, p2: number, list: number): boolean {
  const data = s.providers.data.data;
  let first = p;
  let second = p2;
  let d = list;
  if (d !== 0) {
    if (data[d] === 0) d = 0;
    else if (data[d + 1] === 0) {
      second = data[d]!;
      d = 0;
    }
  }
  if (d === 0) {
    if (first === second) second = 0;
    if (second !== 0 && first > second) {
      const t = first;
      first = second;
      second = t;
    }
    const own = s.literals(rule);
    return own[0] === first && (own[1] ?? 0) === second && own.length <= 2;
  }
  if (s.p[rule] !== first) return false;
  const own = s.listOf(rule);
  if (own === 0) return false;
  for (let i = 0; ; i++) {
    if (data[own + i] !== data[d + i]) return false;
    if (data[d + i] === 0) return true;
  }
}

/** Every ground of a package rule. */
function packageInfos(s: SolverState, rule: number): RuleInfo[] {
  const out: RuleInfo[] = [];
  const packages: number[] = [];
  for (const l of s.literals(rule)) if (l < 0 && !packages.includes(-l)) packages.push(-l);
  for (const n of packages)
    rulesOfPackage(
      s,
      n,
      (p, p2, list, type, dep) => {
        if (!sameLiterals(s, rule, p, p2, list)) return;
        const to = p2 < 0 ? -p2 : 0;
        if (out.some((o) => o.type === type && o.dep === dep && o.from === -p && o.to === to)) return;
        if (type === ruleType.pkgSameName) {
          const pair = [-p, to].sort((a, b) => b - a);
          if (out.some((o) => o.type === type && o.from === pair[0])) return;
          out.push({ type, from: pair[0]!, to: pair[1]!, dep });
          return;
        }
        out.push({ type, from: -p, to, dep });
      },
      () => {},
    );
  return out;
}

/** Every ground of a rule, in a fixed order. A rule of another class than "package" has one. */
export function allRuleInfos(s: SolverState, rule: number): RuleInfo[] {
  if (rule > 0 && rule < s.pkgRulesEnd) {
    const infos = packageInfos(s, rule);
    // Relations come before plain names.
    const order = (dep: number): number => (isRel(dep) ? dep - 0x80000000 : dep);
    infos.sort((a, b) => a.type - b.type || a.from - b.from || a.to - b.to || order(a.dep) - order(b.dep));
    return infos.length > 0 ? infos : [{ type: ruleType.pkg, from: 0, to: 0, dep: 0 }];
  }
  return [ruleInfo(s, rule)];
}

/** The ground that says most about a rule. */
export function ruleInfo(s: SolverState, rule: number): RuleInfo {
  const none = { from: 0, to: 0, dep: 0 };
  if (rule > 0 && rule < s.pkgRulesEnd) {
    let best: RuleInfo | undefined;
    for (const info of packageInfos(s, rule)) if (best === undefined || best.type > info.type) best = info;
    return best ?? { ...none, type: ruleType.pkg };
  }
  if (s.inSpan(rule, s.job)) {
    const job = s.jobs[s.ruleToJob[rule - s.job.start]!]!;
    if (s.p[rule] === -systemSolvable && s.isAssertion(rule)) {
      if (job.action === 'install') {
        if (job.select.kind === 'name') return { ...none, type: ruleType.jobUnknownPackage, dep: job.select.dep };
        if (job.select.kind === 'provides') return { ...none, type: ruleType.jobNothingProvides, dep: job.select.dep };
      } else if (job.action === 'erase') {
        if (job.select.kind === 'name' || job.select.kind === 'provides')
          return { ...none, type: ruleType.jobProvidedBySystem, dep: job.select.dep };
      }
    }
    return { ...none, type: ruleType.job };
  }
  if (s.inSpan(rule, s.update)) return { ...none, type: ruleType.update, from: s.p[rule]! };
  if (s.inSpan(rule, s.feature)) return { ...none, type: ruleType.feature, from: s.p[rule]! };
  if (s.inSpan(rule, s.dup)) return { ...none, type: ruleType.distupgrade, from: -s.p[rule]! };
  if (s.inSpan(rule, s.infarch)) return { ...none, type: ruleType.infarch, from: -s.p[rule]! };
  if (s.inSpan(rule, s.best)) {
    const source = s.bestSource[rule - s.best.start]!;
    return source > 0
      ? { ...none, type: ruleType.best, from: source }
      : { ...none, type: ruleType.best, dep: -1 - source + 1 };
  }
  if (s.inSpan(rule, s.yumobs)) {
    const source = s.yumobsSource[rule - s.yumobs.start]!;
    const positive = s.literals(rule).find((l) => l > 0) ?? 0;
    const from = -s.p[rule]!;
    const dep = s.pool.list(from, field.obsoletes).find((d) => s.pool.matchesNevr(source, d));
    return { type: ruleType.yumobs, from, to: positive, dep: dep ?? s.pool.names.data[source]! };
  }
  if (s.inSpan(rule, s.black)) return { ...none, type: ruleType.black, from: -s.p[rule]! };
  if (s.inSpan(rule, s.strictRepo)) return { ...none, type: ruleType.strictRepoPriority, from: -s.p[rule]! };
  if (s.inSpan(rule, s.recommends))
    return {
      ...none,
      type: ruleType.recommends,
      from: -s.literals(rule).find((l) => l < 0)!,
      dep: s.recommendsSource[rule - s.recommends.start]!,
    };
  if (s.inSpan(rule, s.choice)) return { ...none, type: ruleType.choice };
  return { ...none, type: ruleType.learnt };
}

/** How packages are named in sentences. */
export type Namer = (p: number) => string;

/** The sentence for a ground, worded as libsolv does; `name` says how a package is written. */
export function infoText(pool: Pool, info: RuleInfo, name: Namer = (p) => pool.text(p)): string {
  const dep = info.dep === 0 ? '' : dependencyText(pool, info.dep);
  const from = info.from === 0 ? '' : name(info.from);
  const to = info.to === 0 ? '' : name(info.to);
  switch (info.type) {
    case ruleType.distupgrade:
      return `${from} does not belong to a distupgrade repository`;
    case ruleType.infarch:
      return `${from} has inferior architecture`;
    case ruleType.update:
    case ruleType.feature:
      return `problem with installed package ${from}`;
    case ruleType.job:
      return 'conflicting requests';
    case ruleType.jobUnsupported:
      return 'unsupported request';
    case ruleType.jobNothingProvides:
      return `nothing provides requested ${dep}`;
    case ruleType.jobUnknownPackage:
      return `package ${dep} does not exist`;
    case ruleType.jobProvidedBySystem:
      return `${dep} is provided by the system`;
    case ruleType.best:
      return info.from > 0
        ? `cannot install the best update candidate for package ${from}`
        : 'cannot install the best candidate for the job';
    case ruleType.pkgNotInstallable:
      if (pool.disabled.has(info.from)) return `package ${from} is disabled`;
      if (pool.hasArch && pool.archScore(pool.archs.data[info.from]!) === 0)
        return `package ${from} does not have a compatible architecture`;
      return `package ${from} is not installable`;
    case ruleType.pkgNothingProvides:
      return `nothing provides ${dep} needed by ${from}`;
    case ruleType.pkgSameName:
      return `cannot install both ${from} and ${to}`;
    case ruleType.pkgConflicts:
      return `package ${from} conflicts with ${dep} provided by ${to === '' ? name(systemSolvable) : to}`;
    case ruleType.pkgObsoletes:
      return `package ${from} obsoletes ${dep} provided by ${to}`;
    case ruleType.pkgInstalledObsoletes:
      return `installed package ${from} obsoletes ${dep} provided by ${to}`;
    case ruleType.pkgImplicitObsoletes:
      return `package ${from} implicitly obsoletes ${dep} provided by ${to}`;
    case ruleType.pkgRequires:
      return `package ${from} requires ${dep}, but none of the providers can be installed`;
    case ruleType.pkgSelfConflict:
      return `package ${from} conflicts with ${dep} provided by itself`;
    case ruleType.yumobs:
      return `both package ${from} and ${to} obsolete ${dep}`;
    case ruleType.black:
      return `package ${from} can only be installed by a direct request`;
    case ruleType.strictRepoPriority:
      return `package ${from} is excluded by strict repo priority`;
    default:
      return 'some dependency problem';
  }
}
