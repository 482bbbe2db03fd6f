// No inferior architecture: of packages of one name only those of the best architecture class in reach may come in.
import type { SolverState } from './state.ts';

const sameClass = (a: number, b: number): boolean => ((a ^ b) & 0xffff0000) === 0;

/** Copies of `p` at its version in another architecture that is good enough. */
function lockSteps(s: SolverState, p: number, good: (score: number) => boolean): number[] {
  const { pool } = s;
  const name = pool.names.data[p]!;
  return s.providers.list(name).filter((q) => {
    if (q === p || pool.names.data[q] !== name || pool.evrs.data[q] !== pool.evrs.data[p]) return false;
    const score = pool.archScore(pool.archs.data[q]!);
    return pool.archs.data[q] !== pool.archs.data[p] && score !== 0 && good(score);
  });
}

function rulesForName(s: SolverState, same: readonly number[]): void {
  const { pool } = s;
  const colors = pool.flags.implicitobsoleteusescolors;
  const scoreOf = (p: number): number => pool.archScore(pool.archs.data[p]!);
  let best = 0;
  let bestArch = 0;
  // Architectures that what is installed has may stay.
  let allowed = new Set<number>();
  for (const p of same) {
    const score = scoreOf(p);
    if (score !== 1 && s.isInstalled(p)) {
      if (!s.isDup(p)) allowed.add(pool.archs.data[p]!);
      continue;
    }
    if (score > 1 && (best === 0 || score < best)) {
      best = score;
      bestArch = pool.archs.data[p]!;
    }
  }
  if (best === 0 && allowed.size > 1 && colors)
    for (const arch of allowed) {
      const score = pool.archScore(arch);
      if (score > 1 && (best === 0 || score < best)) best = score;
    }
  if (best === 0) return;
  const good = (score: number): boolean => score === 1 || sameClass(score, best);
  if (allowed.size === 1 && bestArch !== 0 && allowed.has(bestArch)) allowed.clear();
  if (allowed.size > 0 && colors) {
    // An installed inferior copy that goes in step with a better one allows no others.
    allowed = new Set();
    for (const p of same) {
      if (!s.isInstalled(p) || s.isDup(p)) continue;
      const score = scoreOf(p);
      if (score === 0) allowed.add(pool.archs.data[p]!);
      else if (!good(score) && lockSteps(s, p, good).length === 0) allowed.add(pool.archs.data[p]!);
    }
  }
  const fits = (p: number): boolean => {
    const score = scoreOf(p);
    for (const arch of allowed) {
      const other = pool.archScore(arch);
      if (arch === pool.archs.data[p] || (other !== 0 && sameClass(score, other))) return true;
    }
    return false;
  };
  for (const p of same) {
    if (good(scoreOf(p))) continue;
    const installed = s.isInstalled(p);
    if (installed ? !colors : fits(p)) continue;
    if (!colors) {
      s.addRule(-p, 0, 0);
      continue;
    }
    // With colours a better copy at the same version lets it in; an installed one stays without.
    const steps = lockSteps(s, p, good);
    if (installed && !steps.some((q) => s.isInstalled(q))) continue;
    s.addListRule(-p, steps);
  }
}

/** Adds the rules, name by name. */
export function addInfarchRules(s: SolverState): void {
  const { pool, providers } = s;
  if (!pool.hasArch) return;
  const seen = new Set<number>();
  for (let n = 2; n < pool.count; n++) {
    if (!s.addedMap.has(n) || pool.repoOf.data[n] === 0) continue;
    const name = pool.names.data[n]!;
    if (seen.has(name)) continue;
    const same = providers.list(name).filter((p) => pool.names.data[p] === name && s.addedMap.has(p));
    if (!same.includes(n)) continue;
    seen.add(name);
    rulesForName(s, same);
  }
}
