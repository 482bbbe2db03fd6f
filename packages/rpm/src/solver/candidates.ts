// Which packages may take the place of an installed one.
import { field } from './pool-package.ts';
import type { SolverState } from './state.ts';

/** What a replacement may change: as the update flags say, as the distupgrade flags say, or everything. */
export type Allowance = 'update' | 'distupgrade' | 'all';

/** Kinds of change that policy can forbid, as bits. */
export const illegal = { downgrade: 1, archChange: 2, vendorChange: 4, nameChange: 8 } as const;

function archChangeIllegal(s: SolverState, a: number, b: number): boolean {
  const { pool } = s;
  const x = pool.archs.data[a]!;
  const y = pool.archs.data[b]!;
  if (x === y || x === pool.noarch || y === pool.noarch || !pool.hasArch) return false;
  return ((pool.archScore(x) ^ pool.archScore(y)) & 0xffff0000) !== 0;
}

function vendorChangeIllegal(s: SolverState, a: number, b: number): boolean {
  const { pool } = s;
  // No vendor is the empty one.
  const x = pool.vendors.data[a]! || 1;
  const y = pool.vendors.data[b]! || 1;
  if (x === y) return false;
  const mask = pool.vendorMask(x);
  if (mask === 0) return true;
  return (mask & pool.vendorMask(y)) === 0;
}

/** Bits of `illegal` for replacing installed `a` by `b`, apart from those in `ignore`. */
export function illegalChanges(s: SolverState, a: number, b: number, ignore = 0): number {
  const { pool, flags } = s;
  const dup = s.isDup(a);
  const allow = dup
    ? {
        downgrade: flags.dupallowdowngrade,
        arch: flags.dupallowarchchange,
        vendor: flags.dupallowvendorchange,
        name: flags.dupallownamechange,
      }
    : {
        downgrade: flags.allowdowngrade,
        arch: flags.allowarchchange,
        vendor: flags.allowvendorchange,
        name: flags.allownamechange,
      };
  let bits = 0;
  const same = pool.names.data[a] === pool.names.data[b];
  if (!allow.downgrade && same && pool.compareEvrs(pool.evrs.data[a]!, pool.evrs.data[b]!) > 0)
    bits |= illegal.downgrade;
  if (!allow.arch && archChangeIllegal(s, a, b)) bits |= illegal.archChange;
  if (!allow.vendor && vendorChangeIllegal(s, a, b)) bits |= illegal.vendorChange;
  if (!allow.name && !same) bits |= illegal.nameChange;
  return bits & ~ignore;
}

/** Fills `installedObsoleters`: for every installed package, the packages of other names that obsolete it, ascending. */
export function findObsoleters(s: SolverState): void {
  const { pool, providers } = s;
  if (pool.installed === undefined) return;
  for (let p = 2; p < pool.count; p++) {
    const at = pool.listAt(p, field.obsoletes);
    if (at === 0 || pool.repoOf.data[p] === 0 || !pool.installable(p)) continue;
    for (let i = at; pool.lists.data[i] !== 0; i++) {
      const dep = pool.lists.data[i]!;
      for (let j = providers.of(dep); providers.data.data[j] !== 0; j++) {
        const old = providers.data.data[j]!;
        if (!s.isInstalled(old) || pool.names.data[old] === pool.names.data[p]) continue;
        if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(old, dep)) continue;
        if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, old)) continue;
        let list = s.installedObsoleters.get(old);
        if (list === undefined) {
          list = [];
          s.installedObsoleters.set(old, list);
        }
        if (list[list.length - 1] !== p) list.push(p);
      }
    }
  }
}

/** Whether `p` obsoletes `old` by one of its obsoletes. */
export function obsoletesPackage(s: SolverState, p: number, old: number): boolean {
  const { pool, providers } = s;
  if (pool.listAt(p, field.obsoletes) === 0) return false;
  if (pool.flags.obsoleteusescolors && !pool.colorsMeet(old, p)) return false;
  return pool
    .list(p, field.obsoletes)
    .some(
      (dep) => providers.list(dep).includes(old) && (pool.flags.obsoleteusesprovides || pool.matchesNevr(old, dep)),
    );
}

/** Packages that may replace installed `n`: of its name, else those that obsolete and provide it, else those that obsolete it. */
export function updateCandidates(s: SolverState, n: number, allowance: Allowance): number[] {
  const { pool, providers, flags } = s;
  const all = allowance === 'all';
  const dup = allowance === 'distupgrade';
  const allow = {
    downgrade: all || (dup ? flags.dupallowdowngrade : flags.allowdowngrade),
    arch: all || (dup ? flags.dupallowarchchange : flags.allowarchchange),
    vendor: all || (dup ? flags.dupallowvendorchange : flags.allowvendorchange),
    name: all || (dup ? flags.dupallownamechange : flags.allownamechange),
  };
  const name = pool.names.data[n]!;
  const out: number[] = [];
  let replaced = false;
  for (const p of providers.list(name)) {
    if (p === n) continue;
    if (pool.flags.whatprovideswithdisabled && !s.isInstalled(p) && pool.disabled.has(p)) continue;
    if (pool.names.data[p] === name) {
      if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(n, p)) continue;
      if (!allow.downgrade && pool.compareEvrs(pool.evrs.data[n]!, pool.evrs.data[p]!) > 0) continue;
    } else {
      if (!allow.name || (flags.noupdateprovide && !flags.needupdateprovide)) continue;
      if (pool.listAt(p, field.obsoletes) === 0) continue;
      if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(n, p)) continue;
      if (!obsoletesPackage(s, p, n)) continue;
      replaced = true;
    }
    if (!allow.arch && archChangeIllegal(s, n, p)) continue;
    if (!allow.vendor && vendorChangeIllegal(s, n, p)) continue;
    out.push(p);
  }
  if (!allow.name || flags.needupdateprovide || (replaced && !flags.noupdateprovide)) return out;
  for (const p of s.installedObsoleters.get(n) ?? []) {
    if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(n, p)) continue;
    if (!allow.arch && archChangeIllegal(s, n, p)) continue;
    if (!allow.vendor && vendorChangeIllegal(s, n, p)) continue;
    out.push(p);
  }
  return out;
}

/** Installed packages that `p`, which is not, takes the place of: by name first, then by obsoletes. May repeat some. */
export function obsoletedBy(s: SolverState, p: number): number[] {
  const { pool, providers, flags } = s;
  const out: number[] = [];
  let last = 0;
  if (!flags.keepexplicitobsoletes || !s.multiversion.has(p)) {
    const name = pool.names.data[p]!;
    for (const q of providers.list(name)) {
      if (!s.isInstalled(q)) continue;
      if (!pool.flags.implicitobsoleteusesprovides && pool.names.data[q] !== name) continue;
      if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(p, q)) continue;
      out.push(q);
      last = q;
    }
  }
  for (const dep of pool.list(p, field.obsoletes))
    for (const q of providers.list(dep)) {
      if (!s.isInstalled(q) || q === last) continue;
      if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
      if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
      out.push(q);
      last = q;
    }
  return out;
}

/** Installed packages that every one of `list` takes the place of. */
export function obsoletedByAll(s: SolverState, list: readonly number[], start?: readonly number[]): number[] {
  let common = start === undefined ? undefined : [...start];
  for (const p of list) {
    const own = new Set(obsoletedBy(s, p));
    common = common === undefined ? [...own] : common.filter((q) => own.has(q));
    if (common.length === 0) return [];
  }
  return common ?? [];
}
