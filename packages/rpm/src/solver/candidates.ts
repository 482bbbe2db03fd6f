// Which packages may take the place of an installed one.
import { field } from './pool.ts';
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
  const x = pool.vendors.data[a]!;
  const y = pool.vendors.data[b]!;
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

/** Fills `installedObsoleters`: for every installed package, the packages that obsolete it by name and version. */
export function findObsoleters(s: SolverState): void {
  const { pool, providers } = s;
  if (pool.installed === undefined) return;
  const data = providers.data;
  for (let p = pool.count - 1; p > 1; p--) {
    const at = pool.listAt(p, field.obsoletes);
    if (at === 0 || pool.repoOf.data[p] === 0 || (!s.isInstalled(p) && !pool.installable(p))) continue;
    const lists = pool.lists.data;
    for (let i = at; lists[i] !== 0; i++) {
      const dep = lists[i]!;
      for (let j = providers.of(dep); data.data[j] !== 0; j++) {
        const old = data.data[j]!;
        if (!s.isInstalled(old)) continue;
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
  for (const list of s.installedObsoleters.values()) list.reverse();
}

function obsoletesPackage(s: SolverState, p: number, old: number): boolean {
  const { pool, providers } = s;
  const lists = pool.lists.data;
  for (let at = pool.listAt(p, field.obsoletes); lists[at] !== 0; at++) {
    const dep = lists[at]!;
    const start = providers.of(dep);
    const data = providers.data.data;
    for (let i = start; data[i] !== 0; i++)
      if (data[i] === old && (pool.flags.obsoleteusesprovides || pool.matchesNevr(old, dep))) return true;
  }
  return false;
}

/** Packages that may replace installed `n`: of its name, else those that obsolete and provide it, else those that obsolete it. */
export function updateCandidates(s: SolverState, n: number, allowance: Allowance): number[] {
  const { pool, providers, flags } = s;
  const all = allowance === 'all';
  const dup = allowance === 'distupgrade' || (!all && s.isDup(n));
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
    if (pool.names.data[p] === name) {
      if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(n, p)) continue;
      if (!allow.downgrade && pool.compareEvrs(pool.evrs.data[n]!, pool.evrs.data[p]!) > 0) continue;
    } else if (!allow.name) continue;
    else if (!flags.noupdateprovide && pool.listAt(p, field.obsoletes) !== 0) {
      if (!obsoletesPackage(s, p, n)) continue;
      if (pool.flags.obsoleteusescolors && !pool.colorsMeet(n, p)) continue;
      replaced = true;
    } else continue;
    if (!allow.arch && archChangeIllegal(s, n, p)) continue;
    if (!allow.vendor && vendorChangeIllegal(s, n, p)) continue;
    out.push(p);
  }
  if (!allow.name) return out;
  if (replaced && !flags.noupdateprovide) return out;
  for (const p of s.installedObsoleters.get(n) ?? []) {
    if (!allow.arch && archChangeIllegal(s, n, p)) continue;
    if (!allow.vendor && vendorChangeIllegal(s, n, p)) continue;
    if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(n, p)) continue;
    if (!allow.downgrade && pool.names.data[p] === name && pool.compareEvrs(pool.evrs.data[n]!, pool.evrs.data[p]!) > 0)
      continue;
    if (!out.includes(p)) out.push(p);
  }
  return out;
}
