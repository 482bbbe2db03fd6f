// Update jobs: what is to be updated, and to what when the job names the new packages.
import { identical } from './identical.ts';
import type { Job } from './job.ts';
import { field } from './pool-package.ts';
import { coversInstalled, namedPackages } from './selection.ts';
import type { SolverState } from './state.ts';

/** Notes an installed package whose former needs are to be looked through after the update. */
export function addCleandepsUpdate(s: SolverState, p: number): void {
  s.cleandepsUpdates ??= [];
  if (!s.cleandepsUpdates.includes(p)) s.cleandepsUpdates.push(p);
}

/** Pairs of an installed package and what it may become. */
type Targets = (readonly [number, number])[];

function addTarget(s: SolverState, p: number, job: Job, out: Targets): void {
  const { pool, providers } = s;
  const name = pool.names.data[p]!;
  const sameName = (): number[] =>
    providers
      .list(name)
      .filter(
        (q) =>
          s.isInstalled(q) &&
          pool.names.data[q] === name &&
          !(pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(p, q)),
      );
  if (s.isInstalled(p)) {
    out.push([p, p]);
    for (const q of sameName()) if (q !== p) out.push([q, p]);
    return;
  }
  const start = out.length;
  let twin = 0;
  const add = (old: number): void => {
    if (job.flags?.forcebest === true) {
      s.bestUpdateSet.add(old);
      s.hasBestUpdate = true;
    }
    if (job.flags?.cleandeps === true) addCleandepsUpdate(s, old);
    out.push([old, p]);
  };
  for (const q of sameName()) {
    add(q);
    if (identical(pool, p, q)) twin = q;
  }
  for (const dep of pool.list(p, field.obsoletes))
    for (const q of providers.list(dep)) {
      if (!s.isInstalled(q) || pool.names.data[q] === name) continue;
      if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
      if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
      add(q);
    }
  // The installed copy of the target is as good.
  if (twin !== 0) for (const [old] of out.slice(start)) out.push([old, twin]);
}

/** Marks what an update job is about. */
export function addUpdateJob(s: SolverState, job: Job, out: Targets): void {
  const { pool } = s;
  const best = job.flags?.forcebest === true;
  const clean = job.flags?.cleandeps === true;
  const targeted = job.flags?.targeted === true;
  if (job.select.kind === 'all' || (!targeted && coversInstalled(pool, job.select))) {
    s.updateAll = true;
    if (best) s.bestUpdateAll = true;
    if (clean) for (const p of pool.installed?.solvables ?? []) addCleandepsUpdate(s, p);
    return;
  }
  if (job.select.kind === 'repo') {
    if (s.flags.noautotarget && !targeted) return;
    for (const p of pool.repos[job.select.repo]?.solvables ?? []) addTarget(s, p, job, out);
    return;
  }
  const list = namedPackages(pool, job.select);
  if (!targeted) {
    const installed = list.filter((p) => s.isInstalled(p));
    for (const p of installed) {
      s.updateSet.add(p);
      s.hasUpdateSet = true;
      if (best) {
        s.bestUpdateSet.add(p);
        s.hasBestUpdate = true;
      }
      if (clean) addCleandepsUpdate(s, p);
    }
    if (installed.length > 0 || s.flags.noautotarget) return;
  }
  for (const p of list) addTarget(s, p, job, out);
}

/** Turns the pairs into one ascending list for each installed package. */
export function setUpdateTargets(s: SolverState, pairs: Targets): void {
  for (const [old, target] of [...pairs].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    s.updateSet.add(old);
    s.hasUpdateSet = true;
    const list = s.updateTargets.get(old);
    if (list === undefined) s.updateTargets.set(old, [target]);
    else if (list[list.length - 1] !== target) list.push(target);
  }
}
