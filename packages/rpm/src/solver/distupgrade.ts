// Distribution upgrade jobs: which packages take part, which of them are good, and the rules that follow.
import { identical } from './identical.ts';
import type { Job } from './job.ts';
import { field } from './pool-package.ts';
import { namedPackages } from './selection.ts';
import type { SolverState } from './state.ts';
import { addCleandepsUpdate } from './targets.ts';

function involve(s: SolverState, p: number): void {
  s.dupInvolved.add(p);
}

/** An installed package that the package of a job leads to. */
function reach(s: SolverState, old: number, job: Job, targeted: boolean): void {
  if (targeted) for (const q of s.installedObsoleters.get(old) ?? []) if (!s.isInstalled(q)) involve(s, q);
  if (job.flags?.forcebest === true && !s.bestUpdateAll) {
    s.bestUpdateSet.add(old);
    s.hasBestUpdate = true;
  }
  if (job.flags?.cleandeps === true) addCleandepsUpdate(s, old);
}

/** Takes in one package and all that shares its name or is tied to it by obsoletes. `targeted`: `p` is where to go, else where to start. */
function addPackage(s: SolverState, p: number, job: Job, targeted: boolean): void {
  const { pool, providers } = s;
  s.hasDupInvolved = true;
  involve(s, p);
  if (targeted) s.dupSet.add(p);
  const name = pool.names.data[p]!;
  for (const q of providers.list(name)) {
    if (pool.names.data[q] !== name) continue;
    involve(s, q);
    if (s.isInstalled(q)) reach(s, q, job, targeted);
    else if (!targeted) s.dupSet.add(q);
  }
  if (s.isInstalled(p)) {
    for (const q of s.installedObsoleters.get(p) ?? []) {
      if (s.isInstalled(q)) continue;
      involve(s, q);
      if (!targeted) s.dupSet.add(q);
    }
    return;
  }
  if (!targeted) return;
  for (const dep of pool.list(p, field.obsoletes))
    for (const q of providers.list(dep)) {
      if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
      if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
      involve(s, q);
      if (s.isInstalled(q)) reach(s, q, job, true);
    }
}

function everything(s: SolverState, job: Job): void {
  const { pool } = s;
  s.dupAll = true;
  for (let p = 2; p < pool.count; p++)
    if (pool.repoOf.data[p] !== 0 && !s.isInstalled(p) && pool.installable(p)) s.dupSet.add(p);
  if (job.flags?.forcebest === true) s.bestUpdateAll = true;
  if (job.flags?.cleandeps === true) for (const p of pool.installed?.solvables ?? []) addCleandepsUpdate(s, p);
}

/** Fills the distupgrade sets from the jobs. */
export function createDupMaps(s: SolverState): void {
  const { pool, flags } = s;
  for (const job of s.jobs) {
    if (job.action !== 'distupgrade') continue;
    if (job.select.kind === 'all') {
      everything(s, job);
      continue;
    }
    let targeted = job.flags?.targeted === true;
    let list: readonly number[];
    if (job.select.kind === 'repo') {
      const repo = pool.repos[job.select.repo];
      if (repo === undefined || (repo !== pool.installed && !targeted && flags.noautotarget)) continue;
      targeted ||= repo !== pool.installed;
      list = repo.solvables;
    } else {
      list = namedPackages(pool, job.select);
      if (!flags.noautotarget) targeted ||= pool.installed === undefined || !list.some((p) => s.isInstalled(p));
    }
    for (const p of list) {
      if (pool.repoOf.data[p] === 0) continue;
      if (!s.isInstalled(p) && ((!targeted && job.select.kind !== 'repo') || !pool.installable(p))) continue;
      addPackage(s, p, job, targeted);
    }
  }
  s.dupInvolved.delete(1);
  if (s.dupAll) s.updateAll = true;
  else if (s.hasDupInvolved && !s.updateAll)
    for (const p of pool.installed?.solvables ?? [])
      if (s.dupInvolved.has(p)) {
        s.updateSet.add(p);
        s.hasUpdateSet = true;
      }
}

/** Whether installed `p` may stay: it is a good one, or looks just like one. */
export function mayKeepInstalled(s: SolverState, p: number): boolean {
  if (s.dupSet.has(p)) return true;
  return s.providers.list(s.pool.names.data[p]!).some((q) => s.dupSet.has(q) && identical(s.pool, p, q));
}

/** The rule for one installed package that takes part, if there is one. */
function installedRule(s: SolverState, p: number): void {
  if (s.pool.disabled.has(p) || s.dupSet.has(p)) return;
  if (mayKeepInstalled(s, p)) {
    s.dupSet.add(p);
    return;
  }
  const feature = s.feature.start + p - s.installedStart;
  const update = s.update.start + p - s.installedStart;
  const rule = s.p[update] !== 0 ? update : feature;
  // An orphan may stay.
  if (s.p[rule] === 0) {
    s.dupSet.add(p);
    return;
  }
  const special = s.specialUpdaters.get(p);
  if (special !== undefined) {
    s.addRule(-p, 0, special);
    return;
  }
  const alone = (r: number): boolean => s.d[r] === 0 && s.w2[r] === 0;
  if (s.p[rule] === p && alone(rule) && (s.p[feature] === 0 || alone(feature))) {
    s.dupSet.add(p);
    return;
  }
  s.addRule(-p, 0, 0);
}

/** Of the packages that take part only good ones may be there, name by name. */
export function addDupRules(s: SolverState): void {
  const { pool, providers } = s;
  const seen = new Set<number>();
  for (let n = 2; n < pool.count; n++) {
    if (!s.addedMap.has(n)) continue;
    const name = pool.names.data[n]!;
    if (seen.has(name)) continue;
    seen.add(name);
    for (const p of providers.list(name)) {
      if (pool.names.data[p] !== name || !s.addedMap.has(p) || !s.isDup(p)) continue;
      if (s.isInstalled(p)) installedRule(s, p);
      else if (!s.dupSet.has(p)) s.addRule(-p, 0, 0);
    }
  }
}
