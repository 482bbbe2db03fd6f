// Rules that insist on the best candidate (forcebest).
import { filterCandidates } from './policy.ts';
import { selected } from './selection.ts';
import type { SolverState } from './state.ts';

/** For every job and installed package that must get the best: only candidates that policy would not drop. */
export function addBestRules(s: SolverState): void {
  const { pool } = s;
  // Locks come first: what they keep out is no candidate, and what they keep need not become the best.
  const locked = new Set<number>();
  for (const job of s.jobs) if (job.action === 'lock') for (const p of selected(pool, job.select)) locked.add(p);
  const allowed = (p: number): boolean => s.isInstalled(p) || !locked.has(p);
  s.jobs.forEach((job, i) => {
    if (job.action !== 'install' || job.flags?.forcebest !== true) return;
    const all = selected(pool, job.select).filter(allowed);
    if (all.length === 0) return;
    const best = filterCandidates(s, all, 'recommend');
    if (best.length === all.length) return;
    const r = s.addRule(best[0]!, 0, best.length > 1 ? s.providers.store(best.slice(1)) : 0);
    if (job.flags.weak === true) s.weakRules.add(r);
    s.bestSource.push(-1 - i);
  });
  if (pool.installed === undefined) return;
  for (const p of pool.installed.solvables) {
    if ((!s.bestUpdateAll && !s.bestUpdateSet.has(p)) || locked.has(p)) continue;
    // The best there is, not only the best that policy lets an update take.
    const update = s.update.start + p - s.installedStart;
    const feature = s.feature.start + p - s.installedStart;
    const byPolicy = s.flags.bestobeypolicy || s.dupInvolved.has(p) || s.p[feature] === 0;
    const rule = byPolicy && s.p[update] !== 0 ? update : feature;
    if (s.p[rule] === 0) continue;
    let all = s.literals(rule).filter(allowed);
    if (s.dupInvolved.has(p)) all = all.filter((q) => s.dupSet.has(q));
    if (all.length === 0) continue;
    const best = filterCandidates(s, all, 'recommend');
    const r = s.addRule(best[0]!, 0, best.length > 1 ? s.providers.store(best.slice(1)) : 0);
    if (s.mayUninstall(p)) s.weakRules.add(r);
    s.bestSource.push(p);
  }
}
