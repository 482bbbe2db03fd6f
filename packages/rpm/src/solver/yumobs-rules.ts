// Yum's package splits: when packages of several names obsolete one installed package, taking one takes one of each name.
import { pruneToBestVersion } from './best-version.ts';
import { field } from './pool-package.ts';
import type { SolverState } from './state.ts';

function colorsApart(s: SolverState, a: number, b: number): boolean {
  const { flags } = s.pool;
  return (flags.obsoleteusescolors || flags.implicitobsoleteusescolors) && !s.pool.colorsMeet(a, b);
}

/** Packages that carry one obsoletes which hits something installed, grouped by name; empty unless there are two names. */
function groupsOf(s: SolverState, obsoletes: number): number[][] {
  const { pool, providers } = s;
  const found: number[] = [];
  const add = (old: number, p: number): void => {
    if (colorsApart(s, old, p) || !pool.list(p, field.obsoletes).includes(obsoletes)) return;
    if (!found.includes(p)) found.push(p);
  };
  for (const old of providers.list(obsoletes)) {
    if (!s.isInstalled(old)) continue;
    if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(old, obsoletes)) continue;
    for (const p of s.installedObsoleters.get(old) ?? []) add(old, p);
    const name = pool.names.data[old]!;
    for (const p of providers.list(name)) if (pool.names.data[p] === name) add(old, p);
  }
  const leaders = pruneToBestVersion(pool, found);
  if (leaders.length === 1) return [];
  const groups = leaders
    .map((leader) => found.filter((p) => pool.names.data[p] === pool.names.data[leader]))
    .filter((group) => group.length > 0);
  return groups.length < 2 ? [] : groups;
}

/** Adds the rules. */
export function addYumObsoletesRules(s: SolverState): void {
  const { pool, providers } = s;
  const involved: number[] = [];
  for (const old of pool.installed?.solvables ?? [])
    for (const p of s.installedObsoleters.get(old) ?? [])
      for (const dep of pool.list(p, field.obsoletes)) {
        if (involved.includes(dep)) continue;
        const hits = providers
          .list(dep)
          .some(
            (q) =>
              s.isInstalled(q) &&
              (pool.flags.obsoleteusesprovides || pool.matchesNevr(q, dep)) &&
              !colorsApart(s, old, q),
          );
        if (hits) involved.push(dep);
      }
  for (const dep of involved) {
    const groups = groupsOf(s, dep);
    for (const own of groups)
      for (const p of own) {
        if (s.isInstalled(p)) continue;
        for (const other of groups) {
          if (other === own) continue;
          s.addListRule(-p, other);
          s.yumobsSource.push(dep);
        }
      }
  }
}

/** Of candidates that come together anyhow only the first is a choice. */
export function pruneSplits(s: SolverState, list: readonly number[]): number[] {
  const out = [...list];
  for (let i = 0; i < out.length - 1; i++) {
    const p = out[i]!;
    if (p === 0 || s.pool.listAt(p, field.obsoletes) === 0) continue;
    const together = new Set<number>();
    for (let r = s.yumobs.start; r < s.yumobs.end; r++)
      if (s.p[r] === -p) for (const l of s.literals(r)) if (l > 0) together.add(l);
    for (let j = i + 1; j < out.length; j++) if (together.has(out[j]!)) out[j] = 0;
  }
  return out.filter((p) => p !== 0);
}
