// Jobs that set switches for packages, read before any rule is made.
import type { BitSet } from './id-array.ts';
import type { Job } from './job.ts';
import { coversInstalled, namedPackages } from './selection.ts';
import type { SolverState } from './state.ts';
import { addUpdateJob, setUpdateTargets } from './targets.ts';

function markInstalled(s: SolverState, job: Job, set: BitSet): boolean {
  let any = false;
  for (const p of namedPackages(s.pool, job.select))
    if (s.isInstalled(p)) {
      set.add(p);
      any = true;
    }
  return any;
}

/** Every package of a selection, whole repositories and (with `all`) everything included. */
function everyPackage(s: SolverState, job: Job, all: boolean): number[] {
  const { pool } = s;
  const { select } = job;
  if (select.kind === 'repo') return [...(pool.repos[select.repo]?.solvables ?? [])];
  if (select.kind !== 'all') return namedPackages(pool, select);
  return all ? Array.from({ length: pool.count - 2 }, (_, i) => i + 2).filter((p) => pool.repoOf.data[p] !== 0) : [];
}

/** Packages that may stand beside others of their name. */
export function readMultiversion(s: SolverState): void {
  for (const job of s.jobs) {
    if (job.action !== 'multiversion') continue;
    s.hasMultiversion = true;
    for (const p of everyPackage(s, job, true)) s.multiversion.add(p);
  }
}

/** What is to be verified, updated, dropped when orphaned, or may be uninstalled. */
export function readInstalledSwitches(s: SolverState): void {
  const { pool } = s;
  if (pool.installed === undefined) return;
  const targets: (readonly [number, number])[] = [];
  for (const job of s.jobs) {
    const whole = coversInstalled(pool, job.select);
    switch (job.action) {
      case 'verify':
        if (whole) s.fixAll = true;
        markInstalled(s, job, s.fixSet);
        break;
      case 'update':
        addUpdateJob(s, job, targets);
        break;
      case 'droporphaned':
        if (whole) s.droporphanedAll = true;
        markInstalled(s, job, s.droporphaned);
        break;
      case 'allowuninstall':
        if (whole) s.allowUninstallAll = true;
        if (markInstalled(s, job, s.allowUninstall)) s.hasAllowUninstall = true;
        break;
      default:
        break;
    }
  }
  setUpdateTargets(s, targets);
}

/** Favour and disfavour: later jobs weigh more. */
export function readFavor(s: SolverState): void {
  if (!s.jobs.some((job) => job.action === 'favor' || job.action === 'disfavor')) return;
  const favor = new Int32Array(s.pool.count);
  s.favor = favor;
  s.jobs.forEach((job, i) => {
    if (job.action !== 'favor' && job.action !== 'disfavor') return;
    for (const p of everyPackage(s, job, false)) {
      favor[p] = job.action === 'favor' ? i + 1 : -(i + 1);
      if (job.action === 'disfavor') s.hasDisfavored = true;
    }
  });
}

/** Packages that only a strong dependency or a request may bring in. */
export function readExcludeFromWeak(s: SolverState): void {
  for (const job of s.jobs) {
    if (job.action !== 'excludefromweak') continue;
    s.hasExcludeFromWeak = true;
    for (const p of everyPackage(s, job, false)) s.excludeFromWeak.add(p);
  }
}
