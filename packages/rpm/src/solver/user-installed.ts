// Which packages the user asked for, now or before.
import { field } from './pool-package.ts';
import { coversInstalled, namedPackages } from './selection.ts';
import type { SolverState } from './state.ts';

/** Packages of the solved system that the user asked for, or that took the place of such; ascending. */
export function userInstalled(s: SolverState): number[] {
  const { pool, providers } = s;
  const marked = new Set<number>();
  const out = new Set<number>();
  for (const job of s.jobs) {
    if (job.action === 'userinstalled' && pool.installed !== undefined) {
      if (coversInstalled(pool, job.select)) for (const p of pool.installed.solvables) marked.add(p);
      for (const p of namedPackages(pool, job.select)) if (s.isInstalled(p)) marked.add(p);
    } else if (job.action === 'install' && job.flags?.notbyuser !== true)
      for (const p of namedPackages(pool, job.select)) if (s.decision[p]! > 0) out.add(p);
  }
  const replaces = (p: number): boolean => {
    const name = pool.names.data[p]!;
    const byName = providers
      .list(name)
      .some(
        (q) =>
          marked.has(q) &&
          (pool.flags.implicitobsoleteusesprovides || pool.names.data[q] === name) &&
          !(pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(p, q)),
      );
    if (byName) return true;
    return pool
      .list(p, field.obsoletes)
      .some((dep) =>
        providers
          .list(dep)
          .some(
            (q) =>
              marked.has(q) &&
              (pool.flags.obsoleteusesprovides || pool.matchesNevr(q, dep)) &&
              !(pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)),
          ),
      );
  };
  if (marked.size > 0)
    for (const p of s.queue) {
      if (p < 2 || pool.repoOf.data[p] === 0) continue;
      if (s.isInstalled(p) ? marked.has(p) : replaces(p)) out.add(p);
    }
  return [...out].sort((a, b) => a - b);
}

/** Names of packages of the solved system that nobody asked for. */
export function autoInstalledNames(s: SolverState): string[] {
  const name = (p: number): string => s.pool.ids.text(s.pool.names.data[p]!);
  const asked = new Set(userInstalled(s).map(name));
  const all = s.queue.filter((p) => p > 1 && s.pool.repoOf.data[p] !== 0).map(name);
  return [...new Set(all)].filter((n) => !asked.has(n)).sort();
}
