// Rules of policy: no inferior architecture, update rather than add (choice), yum-style splits, direct requests only.
import { illegalChanges } from './candidates.ts';
import { field } from './pool.ts';
import type { SolverState } from './state.ts';

/** Blocks packages of a worse architecture class than the best of the same name in reach; what is installed may stay. */
export function addInfarchRules(s: SolverState): void {
  const { pool, providers } = s;
  if (!pool.hasArch) return;
  const seen = new Set<number>();
  for (let n = 2; n < pool.count; n++) {
    if (!s.addedMap.has(n) || pool.repoOf.data[n] === 0) continue;
    const name = pool.names.data[n]!;
    if (seen.has(name)) continue;
    seen.add(name);
    let best = 0;
    const allowed: number[] = [];
    const same = providers.list(name).filter((p) => pool.names.data[p] === name && s.addedMap.has(p));
    for (const p of same) {
      const arch = pool.archs.data[p]!;
      const score = pool.archScore(arch);
      if (score !== 1 && s.isInstalled(p)) {
        if (!s.isDup(p)) {
          if (!allowed.includes(arch)) allowed.push(arch);
          continue;
        }
      }
      if (score !== 0 && score !== 1 && (best === 0 || score < best)) best = score;
    }
    if (best === 0) continue;
    for (const p of same) {
      const arch = pool.archs.data[p]!;
      const score = pool.archScore(arch);
      if (score === 1 || ((score ^ best) & 0xffff0000) === 0 || s.isInstalled(p)) continue;
      const fine = allowed.some((a) => {
        if (a === arch) return true;
        const other = pool.archScore(a);
        return other !== 0 && ((score ^ other) & 0xffff0000) === 0;
      });
      if (!fine) s.addRule(-p, 0, 0);
    }
  }
}

/** Installed packages that adding `p` would take the place of, by name or obsoletes. */
function replaces(s: SolverState, p: number): number[] {
  const { pool, providers } = s;
  const out: number[] = [];
  const name = pool.names.data[p]!;
  for (const q of providers.list(name)) {
    if (!s.isInstalled(q)) continue;
    if (!pool.flags.implicitobsoleteusesprovides && pool.names.data[q] !== name) continue;
    if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(p, q)) continue;
    out.push(q);
  }
  if (out.length > 0) return out;
  for (const dep of pool.list(p, field.obsoletes))
    for (const q of providers.list(dep)) {
      if (!s.isInstalled(q)) continue;
      if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
      if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
      if (!out.includes(q)) out.push(q);
    }
  return out;
}

/** Where a requirement can be met by updating something installed or by adding something new, the update is preferred (weakly). */
export function addChoiceRules(s: SolverState): void {
  if (s.pool.installed === undefined) return;
  const end = s.pkgRulesEnd;
  for (let r = 1; r < end; r++) {
    if (s.p[r]! >= 0 || (s.listOf(r) === 0 && s.w2[r]! <= 0)) continue;
    const literals = s.literals(r);
    const updates: number[] = [];
    const replaced: number[] = [];
    let fresh = false;
    for (const p of literals) {
      if (p < 0) continue;
      if (s.isInstalled(p)) {
        updates.push(p);
        continue;
      }
      const old = replaces(s, p);
      if (old.length === 0) {
        fresh = true;
        continue;
      }
      const legal = old.filter((q) => illegalChanges(s, q, p) === 0);
      if (legal.length === 0) continue;
      replaced.push(...legal);
      updates.push(p);
    }
    if (!fresh || updates.length === 0 || replaced.length === 0) continue;
    // When whatever the installed packages may become meets the requirement, nothing need be said.
    const met = new Set(literals.filter((p) => p > 0));
    const open = replaced.some((q) => {
      let rule = s.update.start + q - s.installedStart;
      if (s.p[rule] === 0) rule = s.feature.start + q - s.installedStart;
      return s.p[rule] !== 0 && s.literals(rule).some((p) => !met.has(p));
    });
    if (!open) continue;
    const rule = s.addRule(s.p[r]!, 0, s.providers.store(updates));
    s.weakRules.add(rule);
    s.choiceSource.push(r);
  }
}

/** Yum's package splits: if several packages obsolete one installed package, taking one takes all names. */
export function addYumObsoletesRules(s: SolverState): void {
  const { pool, providers } = s;
  if (pool.installed === undefined) return;
  for (const old of pool.installed.solvables) {
    const obsoleters = s.installedObsoleters.get(old);
    if (obsoleters === undefined || obsoleters.length < 2) continue;
    const list = obsoleters.filter((p) => pool.installable(p) && s.addedMap.has(p));
    const names = new Map<number, number[]>();
    for (const p of list) {
      const name = pool.names.data[p]!;
      let of = names.get(name);
      if (of === undefined) {
        of = [];
        names.set(name, of);
      }
      of.push(p);
    }
    if (names.size < 2) continue;
    for (const p of list)
      for (const [name, group] of names) {
        if (name === pool.names.data[p]) continue;
        s.addRule(-p, 0, providers.store(group));
        s.yumobsSource.push(old);
      }
  }
}

/** Packages that only a direct request may bring in. */
export function addBlackRules(s: SolverState): void {
  for (let p = 2; p < s.pool.count; p++)
    if (s.blacklisted.has(p) && s.addedMap.has(p) && !s.isInstalled(p)) s.addRule(-p, 0, 0);
}

/** Installed packages under distupgrade keep to the repositories they are upgraded to. */
export function addDupRules(s: SolverState): void {
  const { pool, providers } = s;
  const seen = new Set<number>();
  for (let n = 2; n < pool.count; n++) {
    if (!s.addedMap.has(n) || pool.repoOf.data[n] === 0) continue;
    const name = pool.names.data[n]!;
    if (seen.has(name)) continue;
    seen.add(name);
    const same = providers.list(name).filter((p) => pool.names.data[p] === name && s.addedMap.has(p));
    const involved = s.dupAll ? same.some((p) => s.isInstalled(p)) : same.some((p) => s.dupInvolved.has(p));
    if (!involved) continue;
    for (const p of same) {
      if (s.isInstalled(p)) continue;
      if (s.dupAll) continue;
      if (!s.dupSet.has(p)) s.addRule(-p, 0, 0);
    }
  }
}
