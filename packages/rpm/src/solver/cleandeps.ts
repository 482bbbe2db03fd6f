// Installed packages that nothing needs any more once the jobs are done: first everything goes that the leaving packages may
// have brought in, then what the rest still needs comes back.
import { obsoletedBy } from './candidates.ts';
import { filterUnneeded, packagesChecked } from './cleandeps-filter.ts';
import { isComplex, normalForm } from './complex.ts';
import { reenableAfterCleandeps } from './disable.ts';
import { BitSet } from './id-array.ts';
import { updateWeakMaps } from './policy.ts';
import { systemSolvable } from './pool.ts';
import { field } from './pool-package.ts';
import { coversInstalled, namedPackages } from './selection.ts';
import type { SolverState } from './state.ts';
import { isRel, rel } from './strings.ts';
import { dependencyPossible, isSupplementing } from './weak.ts';

/** Whether a supplement would hold for what is installed; namespaces in `erased` count as given. */
function supplementHolds(s: SolverState, dep: number, erased: ReadonlySet<number> | undefined): boolean {
  const { ids } = s.pool;
  if (isRel(dep)) {
    const flags = ids.relFlag(dep);
    const left = ids.relName(dep);
    const right = ids.relEvr(dep);
    if (flags === rel.and) return supplementHolds(s, left, erased) && supplementHolds(s, right, erased);
    if (flags === rel.or) return supplementHolds(s, left, erased) || supplementHolds(s, right, erased);
    if (flags === rel.namespace) {
      if (ids.text(left) === 'namespace:splitprovides') return false;
      if (erased?.has(dep) === true || erased?.has(left) === true) return true;
    }
  }
  return s.providers.list(dep).some((p) => p === systemSolvable || s.isInstalled(p));
}

/** Supplements that only hold because of a namespace an erase job names. */
function erasedSupplements(s: SolverState): Set<number> {
  const { pool } = s;
  const erased = new Set<number>();
  for (const job of s.jobs) {
    if (job.action !== 'erase' || job.select.kind !== 'provides' || !isRel(job.select.dep)) continue;
    const what = job.select.dep;
    if (pool.ids.relFlag(what) !== rel.namespace) continue;
    if (pool.ids.relEvr(what) === 0) erased.add(pool.ids.relName(what));
    else if (s.providers.list(what).length === 0) erased.add(what);
  }
  const out = new Set<number>();
  if (erased.size === 0) return out;
  for (const p of pool.installed?.solvables ?? [])
    for (const dep of pool.list(p, field.supplements))
      if (isRel(dep) && supplementHolds(s, dep, erased) && !supplementHolds(s, dep, undefined)) out.add(dep);
  return out;
}

/** Installed packages that must stay: those the user installed, products, and what jobs without the flag ask for. */
function keptPackages(s: SolverState): BitSet {
  const { pool } = s;
  const kept = s.emptySet();
  for (const job of s.jobs) {
    if (job.action !== 'userinstalled') continue;
    if (coversInstalled(pool, job.select)) for (const p of pool.installed?.solvables ?? []) kept.add(p);
    for (const p of namedPackages(pool, job.select)) if (s.isInstalled(p)) kept.add(p);
  }
  for (const p of pool.installed?.solvables ?? [])
    if (pool.ids.text(pool.names.data[p]!).startsWith('product:')) kept.add(p);
  for (let r = s.job.start; r < s.job.end; r++) {
    if (s.isDisabled(r) || s.jobs[s.ruleToJob[r - s.job.start]!]!.flags?.cleandeps === true) continue;
    for (const p of s.literals(r)) if (p > 0 && s.isInstalled(p)) kept.add(p);
  }
  return kept;
}

/** Installed packages that all literals of an install rule are or replace. */
function replacedByRule(s: SolverState, r: number): number[] {
  const literals = s.literals(r);
  if (literals.length === 1 && s.isInstalled(literals[0]!)) return [];
  if (!s.flags.keepexplicitobsoletes && literals.some((p) => p > 0 && s.multiversion.has(p))) return [];
  if (literals.some((p) => p < 0)) return [];
  let common: number[] | undefined;
  for (const p of literals) {
    const own = s.isInstalled(p) ? [p] : obsoletedBy(s, p);
    common = common === undefined ? own : common.filter((q) => own.includes(q));
    if (common.length === 0) return [];
  }
  return common ?? [];
}

/** Packages that leave by an erase or install job with the flag. Erased packages lose their protection. */
function leavingPackages(s: SolverState, kept: BitSet, unneeded: boolean): number[] {
  const out: number[] = [];
  for (let r = s.job.start; r < s.job.end; r++) {
    if (s.isDisabled(r)) continue;
    const job = s.jobs[s.ruleToJob[r - s.job.start]!]!;
    if (s.isAssertion(r) && s.p[r]! < 0) {
      const p = -s.p[r]!;
      if (!s.isInstalled(p)) continue;
      kept.delete(p);
      if (!unneeded && job.action === 'erase' && job.flags?.cleandeps === true) out.push(p);
    } else if (s.p[r]! > 0 && !unneeded && job.flags?.cleandeps === true) out.push(...replacedByRule(s, r));
  }
  return out;
}

/** Packages to be updated that count as leaving: those that others of them do not drag in, and those the user installed. */
function updateSeeds(s: SolverState, kept: BitSet): number[] {
  const all = s.cleandepsUpdates!.filter((p) => s.isInstalled(p));
  const out = filterUnneeded(s, all, true).filter((p) => !kept.has(p));
  for (const p of all) if (kept.has(p)) out.push(p);
  return out;
}

const needs = [field.requires, field.recommends] as const;

/** The first pass: `there` loses what the packages in `work` may have brought in. */
function removePass(
  s: SolverState,
  work: number[],
  there: BitSet,
  installed: BitSet,
  kept: BitSet,
  erased: ReadonlySet<number>,
): void {
  const { pool, providers } = s;
  const supplementPass = (): void => {
    for (let p = s.installedStart; p < s.installedEnd; p++) {
      const list = pool.list(p, field.supplements);
      if (list.length === 0 || !installed.has(p) || !there.has(p) || kept.has(p)) continue;
      if (list.some((dep) => dependencyPossible(s, dep, there))) continue;
      for (const dep of list) {
        if (!dependencyPossible(s, dep, installed) && !erased.has(dep)) continue;
        // Adding it back would not make this hold again, so what it hangs on stays.
        packagesChecked(s, dep, (q) => {
          if (there.has(q) && s.isInstalled(q)) kept.add(q);
        });
        work.push(p);
      }
    }
  };
  for (let at = 0; ; ) {
    if (at === work.length) supplementPass();
    if (at === work.length) return;
    const p = work[at++]!;
    if (!there.has(p) || !installed.has(p) || (s.isInstalled(p) && kept.has(p))) continue;
    there.delete(p);
    for (const which of needs)
      for (const dep of pool.list(p, which)) {
        if (!isComplex(pool, dep)) {
          for (const q of providers.list(dep)) if (q !== systemSolvable && there.has(q)) work.push(q);
          continue;
        }
        const form = normalForm(pool, providers, dep);
        if (form === 'always' || form === 'never') continue;
        for (const { literals } of form)
          for (const l of literals) {
            if (l < 0 && !installed.has(-l)) break;
            if (l > 0 && l !== systemSolvable && there.has(l)) work.push(l);
          }
      }
  }
}

/** With colours a better copy at the same version goes in step. */
function stepMates(s: SolverState, p: number): number[] {
  const { pool } = s;
  const name = pool.names.data[p]!;
  const same = s.providers.list(name).filter((q) => pool.names.data[q] === name);
  const scores = same.filter((q) => !s.isInstalled(q)).map((q) => pool.archScore(pool.archs.data[q]!));
  const best = Math.min(...scores.filter((score) => score > 1));
  if (!Number.isFinite(best) || pool.archScore(pool.archs.data[p]!) === best) return [];
  return same.filter(
    (q) =>
      s.isInstalled(q) &&
      pool.evrs.data[q] === pool.evrs.data[p] &&
      pool.archs.data[q] !== pool.archs.data[p] &&
      pool.archScore(pool.archs.data[q]!) === best,
  );
}

/** The second pass: what the packages in `work` need comes back, unless it is in `removed`. */
function addBackPass(s: SolverState, work: number[], there: BitSet, installed: BitSet, removed: BitSet): void {
  const { pool, providers } = s;
  const back = (q: number): void => {
    there.add(q);
    work.push(q);
  };
  const supplementPass = (): void => {
    for (let p = s.installedStart; p < s.installedEnd; p++) {
      if (!installed.has(p) || removed.has(p) || there.has(p)) continue;
      if (pool.list(p, field.supplements).some((dep) => dependencyPossible(s, dep, there))) back(p);
    }
  };
  for (let at = 0; ; ) {
    if (at === work.length) supplementPass();
    if (at === work.length) return;
    const p = work[at++]!;
    const wants = (q: number): boolean => !there.has(q) && installed.has(q) && q !== p && !removed.has(q);
    if (s.isInstalled(p) && pool.flags.implicitobsoleteusescolors)
      for (const q of stepMates(s, p)) if (!there.has(q)) back(q);
    for (const which of needs)
      for (const dep of pool.list(p, which)) {
        if (!isComplex(pool, dep)) {
          const list = providers.list(dep);
          if (!list.includes(p)) for (const q of list) if (wants(q)) back(q);
          continue;
        }
        const form = normalForm(pool, providers, dep);
        if (form === 'always' || form === 'never') continue;
        for (const { literals } of form)
          if (literals.every((l) => (l < 0 ? installed.has(-l) : l !== p)))
            for (const q of literals) if (q > 0 && wants(q)) back(q);
      }
  }
}

/** What is to be left in peace when things come back: erased packages and those to be updated. */
function removedPackages(s: SolverState, there: BitSet, unneeded: boolean): BitSet {
  const removed = s.emptySet();
  for (let r = s.job.start; r < s.job.end; r++) {
    if (s.isDisabled(r) || s.p[r]! >= 0 || !s.isAssertion(r)) continue;
    there.delete(-s.p[r]!);
    if (s.isInstalled(-s.p[r]!)) removed.add(-s.p[r]!);
  }
  if (!unneeded) for (const p of s.cleandepsUpdates ?? []) if (s.isInstalled(p)) removed.add(p);
  there.add(systemSolvable);
  return removed;
}

/** Packages that nothing needs: with `unneeded` regardless of the jobs' flags, else only what leaves because of them. */
export function unneededPackages(s: SolverState, unneeded: boolean): BitSet {
  const { pool } = s;
  const out = s.emptySet();
  if (pool.installed === undefined || s.installedEnd === s.installedStart) return out;
  const erased = erasedSupplements(s);
  const kept = keptPackages(s);
  const leaving = leavingPackages(s, kept, unneeded);
  for (const p of leaving) kept.delete(p);
  for (const p of pool.installed.solvables) if (pool.disabled.has(p)) kept.add(p);
  const work = unneeded ? [] : [...leaving];
  let seeds: number[] = [];
  if (!unneeded && s.cleandepsUpdates !== undefined) {
    seeds = updateSeeds(s, kept);
    for (const p of s.cleandepsUpdates)
      if (!pool.disabled.has(p)) {
        work.push(p);
        kept.delete(p);
      }
  }
  const installed = new BitSet(pool.count);
  const there = new BitSet(pool.count);
  installed.add(systemSolvable);
  there.add(systemSolvable);
  for (const p of pool.installed.solvables) {
    installed.add(p);
    if (!unneeded || kept.has(p)) there.add(p);
  }
  if (!unneeded) removePass(s, work, there, installed, kept, erased);
  const removed = removedPackages(s, there, unneeded);
  const back = pool.installed.solvables.filter((p) => there.has(p));
  for (let r = s.job.start; r < s.job.end; r++)
    if (!s.isDisabled(r)) for (const p of s.literals(r)) if (p > 0) back.push(p);
  for (const job of s.jobs)
    if (job.action === 'userinstalled' && job.select.kind === 'solvable' && !s.isInstalled(job.select.solvable))
      back.push(job.select.solvable);
  addBackPass(s, back, there, installed, removed);
  for (const p of [...seeds, ...s.cleandepsMistakes, ...leaving]) there.add(p);
  for (const p of pool.installed.solvables) if (!pool.disabled.has(p) && !there.has(p)) out.add(p);
  return out;
}

/** Fills `cleandeps`. */
export function createCleandeps(s: SolverState): void {
  s.cleandeps = unneededPackages(s, false);
}

/** Installed packages that go because nothing needs them. */
export function cleandepsResult(s: SolverState): number[] {
  const { cleandeps } = s;
  if (cleandeps === undefined) return [];
  return (s.pool.installed?.solvables ?? []).filter((p) => {
    if (!cleandeps.has(p) || s.decision[p]! >= 0) return false;
    return !s.someLiteral(s.update.start + p - s.installedStart, (q) => s.decision[q]! > 0);
  });
}

function mistake(s: SolverState, p: number): void {
  s.cleandepsMistakes.push(p);
  s.cleandeps!.delete(p);
  reenableAfterCleandeps(s, p);
}

/** Whether package `p` was taken for unneeded wrongly: it is recommended, or became something policy would not allow. */
function isMistake(s: SolverState, p: number): boolean {
  const update = s.update.start + p - s.installedStart;
  const feature = s.p[s.feature.start + p - s.installedStart] !== 0 ? s.feature.start + p - s.installedStart : update;
  if (s.p[feature] === 0) return false;
  const holds = (r: number): boolean => s.someLiteral(r, (q) => q > 0 && s.decision[q]! > 0);
  if (!holds(feature)) return s.recommendsMap.has(p) || isSupplementing(s, p);
  if (s.p[update] !== 0 && update !== feature && !holds(update)) return true;
  for (let i = s.bestUpdates; i < s.bestSource.length; i++)
    if (s.bestSource[i] === p && !holds(s.best.start + i)) return true;
  return false;
}

/** Finds packages that were taken for unneeded wrongly and gives them back; true when there were any. */
export function checkCleandepsMistakes(s: SolverState): boolean {
  const { pool, providers } = s;
  updateWeakMaps(s);
  let any = false;
  for (const p of pool.installed?.solvables ?? []) {
    if (s.decision[p]! > 0)
      for (const dep of pool.list(p, field.requires))
        for (const q of providers.list(dep)) {
          if (!s.isInstalled(q) || q === p || s.decision[q]! > 0 || !s.cleandeps!.has(q)) continue;
          mistake(s, q);
          any = true;
        }
    if (!s.cleandeps!.has(p) || !isMistake(s, p)) continue;
    mistake(s, p);
    any = true;
  }
  return any;
}
