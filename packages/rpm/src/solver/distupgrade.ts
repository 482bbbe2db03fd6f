// Distribution upgrade jobs: which installed packages take part, and which packages they may become.

import { field } from './pool.ts';
import { selected } from './selection.ts';
import type { SolverState } from './state.ts';

/** Fills the distupgrade sets from the jobs. */
export function createDupMaps(s: SolverState): void {
  const { pool, providers } = s;
  const involve = (p: number): void => {
    if (!s.dupInvolved.has(p)) s.dupInvolvedList.push(p);
    s.dupInvolved.add(p);
  };
  for (const job of s.jobs) {
    if (job.action !== 'distupgrade') continue;
    s.hasDupJob = true;
    if (job.select.kind === 'all' || (job.select.kind === 'repo' && pool.repos[job.select.repo] === pool.installed)) {
      s.dupAll = true;
      if (job.flags?.forcebest === true) s.bestUpdateAll = true;
      continue;
    }
    const list = selected(pool, job.select);
    const targeted =
      job.flags?.targeted === true ||
      job.select.kind === 'repo' ||
      (!list.some((p) => s.isInstalled(p)) && !s.flags.noautotarget);
    if (!targeted) {
      for (const p of list) {
        if (!s.isInstalled(p)) continue;
        involve(p);
        s.updateSet.add(p);
        if (job.flags?.forcebest === true) s.bestUpdateSet.add(p);
        for (const q of providers.list(pool.names.data[p]!)) s.dupSet.add(q);
        for (const q of s.installedObsoleters.get(p) ?? []) s.dupSet.add(q);
      }
      continue;
    }
    for (const p of list) {
      s.dupSet.add(p);
      involve(p);
      for (const q of providers.list(pool.names.data[p]!)) {
        if (pool.names.data[q] !== pool.names.data[p]) continue;
        involve(q);
        if (s.isInstalled(q)) {
          s.updateSet.add(q);
          if (job.flags?.forcebest === true) s.bestUpdateSet.add(q);
        }
      }
      for (const dep of pool.list(p, field.obsoletes))
        for (const q of providers.list(dep)) {
          if (!s.isInstalled(q) || (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep))) continue;
          involve(q);
          s.updateSet.add(q);
        }
    }
  }
  if (s.dupAll) s.updateAll = true;
}
