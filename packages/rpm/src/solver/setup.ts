// From jobs to rules: which packages take part and how, then every class of rules in its order.
import { addBestRules } from './best-rules.ts';
import { findObsoleters, updateCandidates } from './candidates.ts';
import { addChoiceRules } from './choice-rules.ts';
import { disablePolicyRules } from './disable.ts';
import { addDupRules, createDupMaps } from './distupgrade.ts';
import { addBlackRules, addStrictRepoRules } from './exclusion-rules.ts';
import { BitSet } from './id-array.ts';
import { addInfarchRules } from './infarch-rules.ts';
import { addJobRules } from './job-rules.ts';
import { breakOrphans } from './orphans.ts';
import { addPackageRules } from './pkg-rules.ts';
import { systemSolvable } from './pool.ts';
import { field } from './pool-package.ts';
import { addRecommendRules } from './recommend-rules.ts';
import { makeWatches } from './search.ts';
import { namedPackages } from './selection.ts';
import type { SolverState, Span } from './state.ts';
import { readExcludeFromWeak, readFavor, readInstalledSwitches, readMultiversion } from './switches.ts';
import { unifyRules } from './unify-rules.ts';
import { addUpdateRules } from './update-rules.ts';
import { dependencyPossible } from './weak.ts';
import { addYumObsoletesRules } from './yumobs-rules.ts';

/** Package rules for everything that could be touched; the packages that install jobs name go to `candidates`. */
function addPackages(s: SolverState, candidates: BitSet): void {
  const { pool } = s;
  const done = s.addedMap;
  done.add(systemSolvable);
  s.addingPackages = true;
  const installed = pool.installed?.solvables ?? [];
  for (const p of installed) addPackageRules(s, p, done);
  for (const p of installed) for (const q of updateCandidates(s, p, 'all')) addPackageRules(s, q, done);
  for (const job of s.jobs) {
    if (job.action === 'install')
      for (const p of namedPackages(pool, job.select)) {
        candidates.add(p);
        addPackageRules(s, p, done);
      }
    if (job.action === 'distupgrade') {
      s.hasDupJob = true;
      if (job.select.kind === 'all') s.processOrphans = true;
    }
  }
  addWeaklyReached(s, done);
  unifyRules(s);
  s.pkgRulesEnd = s.ruleCount;
  s.addingPackages = false;
  s.lastPkgRule = 0;
}

/** Packages that something in reach could call for by supplements or enhances. After each one the round begins anew behind it. */
function addWeaklyReached(s: SolverState, done: BitSet): void {
  const { pool } = s;
  const waiting: number[] = [];
  for (let p = 2; p < pool.count; p++) {
    if (done.has(p) || pool.repoOf.data[p] === 0) continue;
    if (!s.isInstalled(p) && !pool.installable(p)) continue;
    if (pool.listAt(p, field.supplements) !== 0 || pool.listAt(p, field.enhances) !== 0) waiting.push(p);
  }
  for (let at = 0, n = 0; n < waiting.length; at++, n++) {
    if (at === waiting.length) at = 0;
    const p = waiting[at]!;
    if (done.has(p)) continue;
    const calls = [...pool.list(p, field.supplements), ...pool.list(p, field.enhances)];
    if (!calls.some((dep) => dependencyPossible(s, dep, done))) continue;
    addPackageRules(s, p, done);
    n = -1;
  }
}

/** Begins with the package rules of an earlier solving over the same pool. */
export function reusePackageRules(s: SolverState, previous: SolverState): void {
  for (let r = 1; r < previous.pkgRulesEnd; r++) {
    const [first = 0, ...rest] = previous.literals(r);
    s.addListRule(first, rest);
  }
  s.recommendRules = [...previous.recommendRules];
  for (let p = 1; p < s.pool.count; p++) if (previous.addedMap.has(p)) s.addedMap.add(p);
}

/** Builds every rule and the list of single-literal ones, then applies what the jobs override. */
export function setUp(s: SolverState): void {
  findObsoleters(s);
  readMultiversion(s);
  readInstalledSwitches(s);
  const candidates = new BitSet(s.pool.count);
  addPackages(s, candidates);
  if (s.hasDupJob) createDupMaps(s);
  addUpdateRules(s);
  const { bestInstall, locks } = addJobRules(s, candidates);
  readFavor(s);
  const span = (target: Span, wanted: boolean, add: () => void): void => {
    target.start = s.ruleCount;
    if (wanted) add();
    target.end = s.ruleCount;
  };
  const has = (action: string): boolean => s.jobs.some((job) => job.action === action);
  span(s.infarch, !s.flags.noinfarchcheck, () => addInfarchRules(s));
  span(s.dup, s.dupAll || s.hasDupInvolved, () => addDupRules(s));
  span(s.best, s.bestUpdateAll || s.hasBestUpdate || bestInstall, () => addBestRules(s, bestInstall, locks));
  s.dupSet = new BitSet();
  span(s.yumobs, s.flags.yumobsoletes, () => addYumObsoletesRules(s));
  span(s.black, has('blacklist'), () => addBlackRules(s));
  readExcludeFromWeak(s);
  span(s.recommends, s.hasDisfavored && s.flags.strongrecommends, () => addRecommendRules(s));
  span(s.strictRepo, s.flags.strictrepopriority, () => addStrictRepoRules(s));
  span(s.choice, true, () => addChoiceRules(s));
  for (const r of s.recommendRules) s.markWeak(r);
  if (s.cleandepsUpdates !== undefined) s.cleandeps ??= s.emptySet();
  s.learntStart = s.ruleCount;
  makeWatches(s);
  for (let r = 1; r < s.ruleCount; r++) if (s.p[r] !== 0 && s.isAssertion(r)) s.ruleAssertions.push(r);
  disablePolicyRules(s);
  if (s.processOrphans && s.orphaned.length > 0 && s.flags.breakorphans) breakOrphans(s);
}
