// What a rule demands, as a sentence of a proof.
import { dependencyText } from './dep-text.ts';
import { ruleInfo, widerRule } from './rule-info.ts';
import { ruleType } from './rule-type.ts';
import type { SolverState } from './state.ts';

/** The sentence, worded as libsolv does in proofs. */
export function proofSentence(s: SolverState, rule: number): string {
  const info = ruleInfo(s, rule);
  const name = (p: number): string => s.pool.text(p);
  const dep = info.dep === 0 ? '' : dependencyText(s.pool, info.dep);
  const provided = info.to === 0 ? '' : ` provided by ${name(info.to)}`;
  switch (info.type) {
    case ruleType.choice:
    case ruleType.recommends:
      return `${proofSentence(s, widerRule(s, rule))} (limited version)`;
    case ruleType.distupgrade:
      return `${name(info.from)} does not belong to a distupgrade repository`;
    case ruleType.infarch:
      return `${name(info.from)} has inferior architecture`;
    case ruleType.update:
      return `${name(info.from)} needs to stay installed or be updated`;
    case ruleType.feature:
      return `${name(info.from)} needs to stay installed or be updated/downgraded`;
    case ruleType.best:
      return info.from > 0 ? `install best update candidate for ${name(info.from)}` : 'best rule';
    case ruleType.jobNothingProvides:
      return `nothing provides requested ${dep}`;
    case ruleType.jobUnknownPackage:
      return `requested package ${dep} does not exist`;
    case ruleType.jobProvidedBySystem:
      return `requested ${dep} is provided by the system`;
    case ruleType.pkgNotInstallable:
      if (s.pool.disabled.has(info.from)) return `${name(info.from)} is disabled`;
      if (s.pool.hasArch && s.pool.archScore(s.pool.archs.data[info.from]!) === 0)
        return `${name(info.from)} does not have a compatible architecture`;
      return `${name(info.from)} is not installable`;
    case ruleType.pkgNothingProvides:
      return `nothing provides ${dep} needed by ${name(info.from)}`;
    case ruleType.pkgSameName:
      return `cannot install both ${name(info.from)} and ${name(info.to)}`;
    case ruleType.pkgConflicts:
      return `${name(info.from)} conflicts with ${dep}${provided}`;
    case ruleType.pkgSelfConflict:
      return `${name(info.from)} conflicts with ${dep} provided by itself`;
    case ruleType.pkgObsoletes:
      return `${name(info.from)} obsoletes ${dep}${provided}`;
    case ruleType.pkgInstalledObsoletes:
      return `installed ${name(info.from)} obsoletes ${dep}${provided}`;
    case ruleType.pkgImplicitObsoletes:
      return `${name(info.from)} implicitly obsoletes ${dep}${provided}`;
    case ruleType.pkgRequires:
      return `${name(info.from)} requires ${dep}`;
    case ruleType.pkgRecommends:
      return `${name(info.from)} recommends ${dep}`;
    case ruleType.pkgConstrains:
      return `${name(info.from)} has constraint ${dep} conflicting with ${name(info.to)}`;
    case ruleType.yumobs:
      return `both ${name(info.from)} and ${name(info.to)} obsolete ${dep}`;
    case ruleType.black:
      return `${name(info.from)} can only be installed by a direct request`;
    case ruleType.strictRepoPriority:
      return `${name(info.from)} is excluded by strict repo priority`;
    case ruleType.learnt:
      return 'learnt rule';
    default:
      return 'conflicting requests';
  }
}
