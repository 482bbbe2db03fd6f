// What a rule means: its kind, the packages and the dependency behind it, and the sentence for it.
import { dependencyText } from './dep-text.ts';
import { type RuleInfo, rulesOfPackage } from './pkg-rules.ts';
import { type Pool, systemSolvable } from './pool.ts';
import { ruleType } from './rule-type.ts';
import type { SolverState } from './state.ts';
import { isRel } from './strings.ts';

/** Whether a rule as it is found again is this one. */
function sameLiterals(s: SolverState, rule: number, p: number, p2: number, list: number): boolean {
  const data = s.providers.data.data;
  let first = p;
  let second = p2;
  let d = list;
  if (d !== 0 && data[d] === 0) d = 0;
  else if (d !== 0 && data[d + 1] === 0) {
    second = data[d]!;
    d = 0;
  }
  const own = s.listOf(rule);
  if (d === 0) {
    if (second !== 0 && first > second) [first, second] = [second, first];
    return own === 0 && s.p[rule] === first && s.w2[rule] === second;
  }
  // Of longer rules libsolv compares all literals but the first.
  if (own === 0) return false;
  for (let i = 0; ; i++) {
    if (data[own + i] !== data[d + i]) return false;
    if (data[d + i] === 0) return true;
  }
}

/** Every ground of a package rule, in the order found. */
function packageInfos(s: SolverState, rule: number): RuleInfo[] {
  const out: RuleInfo[] = [];
  if (s.p[rule]! >= 0) return out;
  const data = s.providers.data.data;
  for (const l of s.literals(rule)) {
    if (l >= 0) break;
    rulesOfPackage(s, -l, (p, second, list, type, dep, owner) => {
      if (!sameLiterals(s, rule, p, second, list)) return;
      const binary = s.listOf(rule) === 0;
      let from = p;
      let to = list !== 0 && binary ? (data[list] ?? 0) : second;
      if (binary && type === ruleType.pkgConflicts && to === 0) to = -systemSolvable;
      if (!binary && type === ruleType.pkgConflicts && p < 0 && data[list]! < 0 && data[list + 1]! >= 0)
        to = data[list]!;
      if (type === ruleType.pkgSameName && from > to) [from, to] = [to, from];
      if (list !== 0 && from !== -owner) {
        if (to < 0) to = from;
        from = -owner;
      }
      out.push({ type, from: from < 0 ? -from : 0, to: to < 0 ? -to : 0, dep });
    });
  }
  return out;
}

/** Every ground of a rule, in a fixed order. A rule of another class than "package" has one. */
export function allRuleInfos(s: SolverState, rule: number): RuleInfo[] {
  if (rule > 0 && rule < s.pkgRulesEnd) {
    const infos = packageInfos(s, rule);
    // Relations come before plain names.
    const order = (dep: number): number => (isRel(dep) ? dep - 0x80000000 : dep);
    infos.sort((a, b) => a.type - b.type || a.from - b.from || a.to - b.to || order(a.dep) - order(b.dep));
    const unique = infos.filter((info, i) => {
      const before = infos[i - 1];
      return (
        before === undefined ||
        before.type !== info.type ||
        before.from !== info.from ||
        before.to !== info.to ||
        before.dep !== info.dep
      );
    });
    return unique.length > 0 ? unique : [{ type: ruleType.pkg, from: 0, to: 0, dep: 0 }];
  }
  return [ruleInfo(s, rule)];
}

function jobInfo(s: SolverState, rule: number): RuleInfo {
  const none = { from: 0, to: 0, dep: 0 };
  const { action, select } = s.jobs[s.ruleToJob[rule - s.job.start]!]!;
  if (s.p[rule] !== -systemSolvable || !s.isAssertion(rule)) return { ...none, type: ruleType.job };
  if (select.kind === 'name' || select.kind === 'provides') {
    if (action === 'erase') return { ...none, type: ruleType.jobProvidedBySystem, dep: select.dep };
    if (action === 'install')
      return {
        ...none,
        type: select.kind === 'name' ? ruleType.jobUnknownPackage : ruleType.jobNothingProvides,
        dep: select.dep,
      };
  }
  return { ...none, type: ruleType.jobUnsupported };
}

/** The ground that says most about a rule. */
export function ruleInfo(s: SolverState, rule: number): RuleInfo {
  const none = { from: 0, to: 0, dep: 0 };
  if (rule > 0 && rule < s.pkgRulesEnd) {
    let best: RuleInfo | undefined;
    for (const info of packageInfos(s, rule)) {
      if (info.type === ruleType.pkgSameName) return info;
      if (best === undefined || best.type > info.type) best = info;
    }
    return best ?? { ...none, type: ruleType.pkg };
  }
  if (s.inSpan(rule, s.job)) return jobInfo(s, rule);
  for (const [span, type] of [
    [s.update, ruleType.update],
    [s.feature, ruleType.feature],
  ] as const)
    if (s.inSpan(rule, span)) return { ...none, type, from: s.installedStart + rule - span.start };
  for (const [span, type] of [
    [s.dup, ruleType.distupgrade],
    [s.infarch, ruleType.infarch],
    [s.black, ruleType.black],
    [s.strictRepo, ruleType.strictRepoPriority],
  ] as const)
    if (s.inSpan(rule, span)) return { ...none, type, from: -s.p[rule]! };
  if (s.inSpan(rule, s.best)) {
    const source = s.bestSource[rule - s.best.start]!;
    return { ...none, type: ruleType.best, from: Math.max(source, 0) };
  }
  if (s.inSpan(rule, s.yumobs)) {
    const to = s.literals(rule)[1] ?? 0;
    return { type: ruleType.yumobs, from: -s.p[rule]!, to, dep: s.yumobsSource[rule - s.yumobs.start]! };
  }
  if (s.inSpan(rule, s.choice)) return { ...none, type: ruleType.choice, from: s.choiceSource[rule - s.choice.start]! };
  if (s.inSpan(rule, s.recommends))
    return { ...none, type: ruleType.recommends, from: s.recommendsSource[rule - s.recommends.start]! };
  return { ...none, type: ruleType.learnt };
}

/** The package rule that a choice or recommends rule narrows; other rules themselves. */
export function widerRule(s: SolverState, rule: number): number {
  if (s.inSpan(rule, s.choice)) return s.choiceSource[rule - s.choice.start]!;
  if (s.inSpan(rule, s.recommends)) return s.recommendsSource[rule - s.recommends.start]!;
  return rule;
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
      return `package ${from} conflicts with ${dep} provided by ${to || '<NULL>'}`;
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
    case ruleType.pkgConstrains:
      return `package ${from} has constraint ${dep} conflicting with ${to}`;
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
