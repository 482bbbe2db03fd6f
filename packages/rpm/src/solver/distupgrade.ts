// Distribution upgrade jobs: which installed packages take part, and which packages they may become.
import type { Job } from './job.ts';
import { field } from './pool.ts';
import { selected } from './selection.ts';
import type { SolverState } from './state.ts';

function involve(s: SolverState, p: number): void {
  s.dupInvolved.add(p);
}

/** Takes in one package and all that shares its name or is tied to it by obsoletes. `targeted`: `p` is where to go, else where to start. */
function addPackage(s: SolverState, p: number, job: Job, targeted: boolean): void {
  const { pool, providers } = s;
  const best = job.flags?.forcebest === true;
  involve(s, p);
  if (targeted) s.dupSet.add(p);
  const name = pool.names.data[p]!;
  for (const q of providers.list(name)) {
    if (pool.names.data[q] !== name) continue;
    involve(s, q);
    if (targeted && s.isInstalled(q) && best) s.bestUpdateSet.add(q);
    if (!targeted && !s.isInstalled(q)) s.dupSet.add(q);
  }
  if (s.isInstalled(p)) {
    if (!targeted && best) s.bestUpdateSet.add(p);
    for (const q of s.installedObsoleters.get(p) ?? []) {
      involve(s, q);
      if (!targeted) s.dupSet.add(q);
    }
    return;
  }
  for (const dep of pool.list(p, field.obsoletes))
    for (const q of providers.list(dep)) {
      if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
      if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
      involve(s, q);
      if (targeted && s.isInstalled(q) && best) s.bestUpdateSet.add(q);
      if (!targeted && !s.isInstalled(q)) s.dupSet.add(q);
    }
}

/** Fills the distupgrade sets from the jobs. */
export function createDupMaps(s: SolverState): void {
  const { pool } = s;
  for (const job of s.jobs) {
    if (job.action !== 'distupgrade') continue;
    s.hasDupJob = true;
    if (job.select.kind === 'all') {
      for (let p = 2; p < pool.count; p++) {
        if (pool.repoOf.data[p] === 0) continue;
        involve(s, p);
        if (!s.isInstalled(p)) s.dupSet.add(p);
      }
      s.dupAll = true;
      if (job.flags?.forcebest === true) s.bestUpdateAll = true;
      continue;
    }
    if (job.select.kind === 'repo') {
      const repo = pool.repos[job.select.repo];
      const own = repo !== undefined && repo === pool.installed;
      for (const p of repo?.solvables ?? []) addPackage(s, p, job, !own);
      continue;
    }
    const list = selected(pool, job.select);
    const targeted = job.flags?.targeted === true || (!s.flags.noautotarget && !list.some((p) => s.isInstalled(p)));
    for (const p of list) if (s.isInstalled(p) !== targeted) addPackage(s, p, job, targeted);
  }
}
