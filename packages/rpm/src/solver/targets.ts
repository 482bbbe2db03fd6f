// Update jobs: what is to be updated, and to what when the job names the new packages.
import type { Job } from './job.ts';
import { field } from './pool.ts';
import { selected } from './selection.ts';
import type { SolverState } from './state.ts';

function addTarget(s: SolverState, old: number, target: number): void {
  let list = s.specialUpdaters.get(old);
  if (list === undefined) {
    list = [];
    s.specialUpdaters.set(old, list);
  }
  if (!list.includes(target)) list.push(target);
}

/** Marks the installed packages a job updates; a targeted job (or one that selects nothing installed) also fixes the candidates. */
export function addUpdateTargets(s: SolverState, job: Job): void {
  const { pool, providers } = s;
  const list = selected(pool, job.select);
  const installed = list.filter((p) => s.isInstalled(p));
  const targeted = job.flags?.targeted === true || (installed.length === 0 && !s.flags.noautotarget);
  for (const p of installed) s.updateSet.add(p);
  if (!targeted) return;
  for (const p of list) {
    const name = pool.names.data[p]!;
    if (s.isInstalled(p)) {
      addTarget(s, p, p);
      if (job.flags?.forcebest === true) s.bestUpdateSet.add(p);
      continue;
    }
    const replaced: number[] = [];
    for (const q of providers.list(name)) {
      if (!s.isInstalled(q)) continue;
      if (!pool.flags.implicitobsoleteusesprovides && pool.names.data[q] !== name) continue;
      if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(p, q)) continue;
      replaced.push(q);
    }
    for (const dep of pool.list(p, field.obsoletes))
      for (const q of providers.list(dep)) {
        if (!s.isInstalled(q)) continue;
        if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
        if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
        if (!replaced.includes(q)) replaced.push(q);
      }
    for (const q of replaced) {
      s.updateSet.add(q);
      if (job.flags?.forcebest === true) s.bestUpdateSet.add(q);
      addTarget(s, q, p);
    }
  }
}
