// Rules that keep single packages out: those only a direct request may bring in, and those a better repository has.
import { namedPackages } from './selection.ts';
import type { SolverState } from './state.ts';

/** Packages that only a direct request may bring in; names that are installed with that mark may be updated, though. */
export function addBlackRules(s: SolverState): void {
  const { pool } = s;
  const lists = s.jobs.filter((job) => job.action === 'blacklist').map((job) => namedPackages(pool, job.select));
  const installed = new Set<number>();
  for (const p of lists.flat()) if (s.isInstalled(p)) installed.add(pool.names.data[p]!);
  for (const p of lists.flat()) if (!s.isInstalled(p) && !installed.has(pool.names.data[p]!)) s.addRule(-p, 0, 0);
}

/** Strict repository priority: a package is out when a repository of higher priority has one of its name. */
export function addStrictRepoRules(s: SolverState): void {
  const { pool, providers } = s;
  const priority = (p: number): number => pool.repo(p)?.priority ?? 0;
  const done = new Set<number>();
  for (let p = 2; p < pool.count; p++) {
    if (pool.repoOf.data[p] === 0 || !s.addedMap.has(p) || done.has(p)) continue;
    const name = pool.names.data[p]!;
    const same = providers.list(name).filter((q) => pool.names.data[q] === name);
    const best = Math.max(priority(p), ...same.map(priority));
    for (const q of same) {
      if (!s.addedMap.has(q) || done.has(q)) continue;
      done.add(q);
      if (!s.isInstalled(q) && priority(q) < best) s.addRule(-q, 0, 0);
    }
  }
}
