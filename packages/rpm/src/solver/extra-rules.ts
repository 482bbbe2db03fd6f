// Rules of policy: no inferior architecture, update rather than add (choice), yum-style splits, direct requests only.
import { illegalChanges } from './candidates.ts';
import { filterCandidates } from './policy.ts';
import { field } from './pool.ts';
import type { SolverState } from './state.ts';
import { identical } from './transaction.ts';

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
    const good = (p: number): boolean => {
      const score = pool.archScore(pool.archs.data[p]!);
      return score === 1 || (score !== 0 && ((score ^ best) & 0xffff0000) === 0);
    };
    if (allowed.length > 0 && pool.flags.implicitobsoleteusescolors) {
      // An installed inferior copy that has a better one at its EVR goes in step with that and allows no others.
      allowed.length = 0;
      for (const p of same) {
        if (!s.isInstalled(p) || s.isDup(p)) continue;
        const arch = pool.archs.data[p]!;
        if (pool.archScore(arch) !== 0) {
          if (good(p)) continue;
          const inStep = providers
            .list(name)
            .some(
              (q) =>
                pool.names.data[q] === name &&
                pool.evrs.data[q] === pool.evrs.data[p] &&
                pool.archs.data[q] !== arch &&
                good(q),
            );
          if (inStep) continue;
        }
        if (!allowed.includes(arch)) allowed.push(arch);
      }
    }
    for (const p of same) {
      const arch = pool.archs.data[p]!;
      const score = pool.archScore(arch);
      if (score === 1 || ((score ^ best) & 0xffff0000) === 0 || s.isInstalled(p)) continue;
      const fine = allowed.some((a) => {
        if (a === arch) return true;
        const other = pool.archScore(a);
        return other !== 0 && ((score ^ other) & 0xffff0000) === 0;
      });
      if (fine) continue;
      // With colours, a copy of the better architecture at the same EVR lets this one in.
      const step = pool.flags.implicitobsoleteusescolors
        ? same.filter((q) => pool.evrs.data[q] === pool.evrs.data[p] && good(q))
        : [];
      s.addRule(-p, 0, step.length > 0 ? providers.store(step) : 0);
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
  const banned = new Set<number>();
  for (let r = s.infarch.start; r < s.ruleCount; r++) if (s.p[r]! < 0 && s.isAssertion(r)) banned.add(-s.p[r]!);
  const bestOf = new Map<number, readonly number[]>();
  // An installed package that is to be updated becomes its best candidate: it counts only if that meets the requirement.
  const keeps = (old: number, literals: readonly number[]): boolean => {
    if (!s.wantsUpdate(old)) return true;
    let best = bestOf.get(old);
    if (best === undefined) {
      let rule = s.update.start + old - s.installedStart;
      if (s.p[rule] === 0) rule = s.feature.start + old - s.installedStart;
      const open = s.p[rule] === 0 ? [] : s.literals(rule).filter((q) => !banned.has(q));
      best = filterCandidates(s, open, 'choose');
      bestOf.set(old, best);
    }
    return best.length === 0 || best.some((p) => literals.includes(p));
  };
  const replacedBy = new Map<number, readonly number[]>();
  for (let r = 1; r < end; r++) {
    // Without a second provider there is nothing to choose.
    if (s.p[r]! >= 0 || s.listOf(r) === 0) continue;
    if (banned.has(-s.p[r]!)) continue;
    const literals = s.literals(r);
    const updates: number[] = [];
    const replaced: number[] = [];
    let fresh = false;
    // What is installed and stays is served already.
    const settled = !s.updateAll && s.isInstalled(-s.p[r]!);
    for (const p of literals) {
      if (p < 0) {
        if (p !== s.p[r]) updates.push(p);
        continue;
      }
      if (s.isInstalled(p)) {
        if (!settled && (banned.has(p) || !keeps(p, literals))) continue;
        updates.push(p);
        replaced.push(p);
        continue;
      }
      let old = replacedBy.get(p);
      if (old === undefined) {
        old = replaces(s, p);
        replacedBy.set(p, old);
      }
      if (old.length === 0) {
        fresh = true;
        continue;
      }
      if (banned.has(p)) continue;
      const legal = old.filter((q) => illegalChanges(s, q, p) === 0 && (settled || keeps(q, literals)));
      if (legal.length === 0) continue;
      replaced.push(...legal);
      updates.push(p);
    }
    if (!fresh || replaced.length === 0) continue;
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
    const list = obsoleters.filter((p) => !s.isInstalled(p) && pool.installable(p) && s.addedMap.has(p));
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
  // What is installed may be updated, though.
  const updates = new Set<number>();
  for (let p = s.installedStart; p < s.installedEnd; p++) {
    if (!s.isInstalled(p) || !s.blacklisted.has(p)) continue;
    let rule = s.update.start + p - s.installedStart;
    if (s.p[rule] === 0) rule = s.feature.start + p - s.installedStart;
    if (s.p[rule] !== 0) for (const q of s.literals(rule)) updates.add(q);
  }
  for (let p = 2; p < s.pool.count; p++)
    if (s.blacklisted.has(p) && s.addedMap.has(p) && !s.isInstalled(p) && !updates.has(p)) s.addRule(-p, 0, 0);
}

/** Strict repository priority: a package is out when a repository of higher priority has one of its name. */
export function addStrictRepoRules(s: SolverState): void {
  const { pool, providers } = s;
  const priority = (p: number): number => pool.repo(p)?.priority ?? 0;
  for (let p = 2; p < pool.count; p++) {
    if (!s.addedMap.has(p) || s.isInstalled(p)) continue;
    const name = pool.names.data[p]!;
    const better = providers
      .list(name)
      .some((q) => pool.names.data[q] === name && !s.isInstalled(q) && priority(q) > priority(p));
    if (better) s.addRule(-p, 0, 0);
  }
}

/** Whether two packages look like the same build. */
function sameBuild(s: SolverState, a: number, b: number): boolean {
  const { pool } = s;
  return pool.evrs.data[a] === pool.evrs.data[b] && identical(s, a, b);
}

/**
 * Distribution upgrade: of the packages that take part, only those of the target repositories may be installed; an
 * installed one may stay if they hold the same build. All that take part are up for update.
 */
export function addDupRules(s: SolverState): void {
  const { pool, providers } = s;
  const seen = new Set<number>();
  for (let n = 2; n < pool.count; n++) {
    if (!s.addedMap.has(n) || pool.repoOf.data[n] === 0) continue;
    const name = pool.names.data[n]!;
    if (seen.has(name)) continue;
    seen.add(name);
    for (const p of providers.list(name)) {
      if (pool.names.data[p] !== name || !s.addedMap.has(p) || !s.dupInvolved.has(p)) continue;
      if (!s.isInstalled(p)) {
        if (!s.dupSet.has(p)) s.addRule(-p, 0, 0);
        continue;
      }
      s.updateSet.add(p);
      if (s.dupSet.has(p)) continue;
      const match = providers
        .list(name)
        .some((q) => pool.names.data[q] === name && !s.isInstalled(q) && s.dupSet.has(q) && sameBuild(s, p, q));
      if (match) s.dupSet.add(p);
      else if (!s.orphaned.includes(p)) s.addRule(-p, 0, 0);
    }
  }
}
