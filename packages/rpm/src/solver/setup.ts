// From jobs to rules: which installed packages take part how, then every class of rules in its order.

import { addBestRules } from './best-rules.ts';
import { findObsoleters, updateCandidates } from './candidates.ts';
import { createCleandeps } from './cleandeps.ts';
import { disablePolicyRules } from './disable.ts';
import { createDupMaps } from './distupgrade.ts';
import {
  addBlackRules,
  addChoiceRules,
  addDupRules,
  addInfarchRules,
  addStrictRepoRules,
  addYumObsoletesRules,
} from './extra-rules.ts';
import { BitSet } from './id-array.ts';
import type { Job } from './job.ts';
import { addPackageRules, unifyRules } from './pkg-rules.ts';
import { field, systemSolvable } from './pool.ts';
import { addRecommendRules } from './recommend-rules.ts';
import { selected } from './selection.ts';
import type { SolverState } from './state.ts';
import { addUpdateTargets } from './targets.ts';
import { dependencyPossible } from './weak.ts';

/** Jobs that set switches for installed packages, read before any rule is made. */
function readSwitches(s: SolverState): void {
  const { pool } = s;
  const installedOf = (job: Job): number[] =>
    pool.installed === undefined
      ? []
      : job.select.kind === 'all'
        ? [...pool.installed.solvables]
        : selected(pool, job.select).filter((p) => s.isInstalled(p));
  const wholeInstalled = (job: Job): boolean =>
    job.select.kind === 'all' || (job.select.kind === 'repo' && pool.repos[job.select.repo] === pool.installed);
  let weight = 0;
  for (const job of s.jobs) {
    switch (job.action) {
      case 'multiversion':
        for (const p of selected(pool, job.select)) {
          s.multiversion.add(p);
          s.hasMultiversion = true;
        }
        break;
      case 'allowuninstall':
        if (wholeInstalled(job)) s.allowUninstallAll = true;
        else for (const p of installedOf(job)) s.allowUninstall.add(p);
        break;
      case 'verify':
        if (wholeInstalled(job)) s.fixAll = true;
        else for (const p of installedOf(job)) s.fixSet.add(p);
        break;
      case 'droporphaned':
        if (wholeInstalled(job)) s.droporphanedAll = true;
        for (const p of installedOf(job)) {
          s.droporphaned.add(p);
        }
        break;
      case 'favor':
      case 'disfavor':
        // Later jobs weigh more.
        weight++;
        for (const p of selected(pool, job.select)) s.favored.set(p, job.action === 'favor' ? weight : -weight);
        break;
      case 'excludefromweak':
        for (const p of selected(pool, job.select)) {
          s.excludeFromWeak.add(p);
          s.hasExcludeFromWeak = true;
        }
        break;
      case 'blacklist':
        for (const p of selected(pool, job.select)) {
          s.blacklisted.add(p);
          s.hasBlacklist = true;
        }
        break;
      case 'update':
        if (job.flags?.forcebest === true && job.flags.targeted !== true) {
          if (wholeInstalled(job)) s.bestUpdateAll = true;
          for (const p of installedOf(job)) s.bestUpdateSet.add(p);
        }
        break;
      default:
        break;
    }
  }
  if (pool.installed === undefined) return;
  for (const job of s.jobs) {
    if (job.action !== 'update') continue;
    if (wholeInstalled(job)) s.updateAll = true;
    else addUpdateTargets(s, job);
  }
}

/** Package rules for everything that could be touched. */
function addPackages(s: SolverState): void {
  const { pool } = s;
  const done = s.addedMap;
  done.add(systemSolvable);
  if (pool.installed !== undefined) {
    for (const p of pool.installed.solvables) addPackageRules(s, p, done);
    for (const p of pool.installed.solvables) {
      for (const q of updateCandidates(s, p, 'all')) addPackageRules(s, q, done);
      for (const q of s.specialUpdaters.get(p) ?? []) addPackageRules(s, q, done);
    }
  }
  for (const job of s.jobs)
    if (job.action === 'install') for (const p of selected(pool, job.select)) addPackageRules(s, p, done);
  addWeaklyReached(s, done);
  unifyRules(s);
  s.pkgRulesEnd = s.ruleCount;
  s.lastPkgRule = 0;
}

/** Packages that something in reach could call for by supplements or enhances. */
function addWeaklyReached(s: SolverState, done: BitSet): void {
  const { pool } = s;
  const waiting: number[] = [];
  for (let p = 2; p < pool.count; p++) {
    if (done.has(p) || pool.repoOf.data[p] === 0 || !pool.installable(p)) continue;
    if (pool.listAt(p, field.supplements) !== 0 || pool.listAt(p, field.enhances) !== 0) waiting.push(p);
  }
  for (let again = true; again; ) {
    again = false;
    for (const p of waiting) {
      if (done.has(p)) continue;
      const call = [...pool.list(p, field.supplements), ...pool.list(p, field.enhances)];
      if (!call.some((dep) => dependencyPossible(s, dep, done))) continue;
      addPackageRules(s, p, done);
      again = true;
    }
  }
}

/** Every installed package keeps one of its place: itself or a replacement. Feature rules allow any change, update rules what policy allows. */
function addUpdateRules(s: SolverState): void {
  s.feature.start = s.ruleCount;
  for (let p = s.installedStart; p < s.installedEnd; p++) {
    if (!s.isInstalled(p)) s.addEmptyRule();
    else if (s.multiversion.has(p)) s.addRule(p, 0, 0);
    else {
      const list = updateCandidates(s, p, 'all');
      s.addRule(p, 0, list.length > 0 ? s.providers.store(list) : 0);
    }
  }
  s.feature.end = s.ruleCount;
  s.update.start = s.ruleCount;
  for (let p = s.installedStart; p < s.installedEnd; p++) {
    if (!s.isInstalled(p)) {
      s.addEmptyRule();
      continue;
    }
    addUpdateRule(s, p);
  }
  s.update.end = s.ruleCount;
  for (let p = s.installedStart; p < s.installedEnd; p++) {
    if (!s.isInstalled(p)) continue;
    const feature = s.feature.start + p - s.installedStart;
    const update = s.update.start + p - s.installedStart;
    if (s.hasCleandeps && s.cleandepsSet.has(p)) {
      s.clearRule(update);
      s.clearRule(feature);
      continue;
    }
    if (s.p[update] === 0) {
      // Nothing may replace an orphan: if it need not stay, neither rule holds.
      s.clearRule(feature);
      continue;
    }
    if (s.sameRule(feature, update)) {
      if (s.mayUninstall(p)) {
        s.clearRule(feature);
        s.weakRules.add(update);
      } else s.clearRule(feature);
    } else if (s.mayUninstall(p)) {
      s.weakRules.add(update);
      s.weakRules.add(feature);
    } else s.disableRule(feature);
  }
}

function addUpdateRule(s: SolverState, p: number): void {
  let list = updateCandidates(s, p, 'update');
  if (s.hasDupJob && s.isDup(p)) {
    if (list.length === 0) {
      s.orphaned.push(p);
      if (!s.flags.keeporphans) {
        s.addEmptyRule();
        return;
      }
    } else if (s.multiversion.has(p)) {
      // It stays beside what comes: an orphan, in effect.
      s.multiversionUpdaters.set(p, list);
      s.orphaned.push(p);
      s.addEmptyRule();
      return;
    }
  }
  if (list.length > 0 && s.hasMultiversion) {
    const kept = list.filter((q) => !s.multiversion.has(q) || s.isInstalled(q));
    if (kept.length < list.length) {
      s.multiversionUpdaters.set(p, list);
      list = kept;
    }
  }
  s.addRule(p, 0, list.length > 0 ? s.providers.store(list) : 0);
}

function addJobRule(s: SolverState, p: number, list: number, job: number): void {
  const r = s.addRule(p, 0, list);
  s.ruleToJob.push(job);
  if (s.jobs[job]!.flags?.weak === true) s.weakRules.add(r);
}

function eraseJob(s: SolverState, job: Job, index: number, candidates: BitSet): void {
  const { pool, providers } = s;
  if (job.select.kind === 'solvable' && s.isInstalled(job.select.solvable)) {
    // Erasing one installed package must not bring in another of its name.
    const name = pool.names.data[job.select.solvable]!;
    for (const q of providers.list(name)) {
      if (pool.names.data[q] !== name || s.isInstalled(q) || candidates.has(q)) continue;
      addJobRule(s, -q, 0, index);
    }
  }
  for (const p of selected(pool, job.select)) addJobRule(s, -p, 0, index);
}

function weakenDependencies(s: SolverState, p: number): void {
  for (let r = 1; r < s.pkgRulesEnd; r++) {
    if (s.p[r] !== -p) continue;
    if (s.listOf(r) === 0 && s.w2[r]! < 0) continue;
    s.weakRules.add(r);
  }
}

function addJobRules(s: SolverState): void {
  const { pool } = s;
  const candidates = new BitSet(pool.count);
  for (const job of s.jobs) if (job.action === 'install') for (const p of selected(pool, job.select)) candidates.add(p);
  s.job.start = s.ruleCount;
  s.jobs.forEach((job, i) => {
    switch (job.action) {
      case 'install': {
        const list = selected(pool, job.select);
        if (list.length === 0) addJobRule(s, -systemSolvable, 0, i);
        else addJobRule(s, list[0]!, list.length > 1 ? s.providers.store(list.slice(1)) : 0, i);
        break;
      }
      case 'erase':
        eraseJob(s, job, i, candidates);
        break;
      case 'lock':
        for (const p of selected(pool, job.select)) addJobRule(s, s.isInstalled(p) ? p : -p, 0, i);
        break;
      case 'weakendeps':
        if (job.select.kind === 'solvable') weakenDependencies(s, job.select.solvable);
        break;
      default:
        break;
    }
  });
  s.job.end = s.ruleCount;
}

/** Builds every rule and the list of single-literal ones, then applies what the jobs override. */
export function setUp(s: SolverState): void {
  findObsoleters(s);
  readSwitches(s);
  createDupMaps(s);
  addPackages(s);
  createCleandeps(s);
  addUpdateRules(s);
  addJobRules(s);
  const span = (target: { start: number; end: number }, add: () => void): void => {
    target.start = s.ruleCount;
    add();
    target.end = s.ruleCount;
  };
  span(s.infarch, () => {
    if (!s.flags.noinfarchcheck) addInfarchRules(s);
  });
  span(s.dup, () => {
    if (s.hasDupJob) addDupRules(s);
  });
  span(s.best, () => addBestRules(s));
  span(s.yumobs, () => {
    if (s.flags.yumobsoletes) addYumObsoletesRules(s);
  });
  span(s.black, () => {
    if (s.hasBlacklist) addBlackRules(s);
  });
  span(s.strictRepo, () => {
    if (s.flags.strictrepopriority) addStrictRepoRules(s);
  });
  span(s.choice, () => addChoiceRules(s));
  span(s.recommends, () => {
    if (s.flags.strongrecommends && !s.flags.ignorerecommended) addRecommendRules(s);
  });
  s.learntStart = s.ruleCount;
  for (let r = 1; r < s.ruleCount; r++) if (s.p[r] !== 0 && s.isAssertion(r)) s.ruleAssertions.push(r);
  disablePolicyRules(s);
}
