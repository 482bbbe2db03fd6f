// Recommended and supplementing packages: taken when they fit, left out when not.
import { openBranch } from './choose.ts';
import { isComplex, normalForm } from './complex.ts';
import { filterCandidates, orderSupplements } from './policy.ts';
import { field } from './pool-package.ts';
import { decideAndLearn } from './search.ts';
import { reason, type SolverState } from './state.ts';
import { hasNewCall, isNamespaceDependency, isSupplementing } from './weak.ts';

/** Packages that a recommendation still wants, in order; empty when it is met. `best`: the only ones that count. */
function openChoices(s: SolverState, dep: number, best: ReadonlySet<number> | undefined): number[] {
  const counts = (p: number): boolean =>
    best !== undefined ? best.has(p) : !(s.processOrphans && s.isInstalled(p) && s.dropsOrphan(p));
  if (!isComplex(s.pool, dep)) {
    const list = s.providers.list(dep);
    if (list.some((p) => s.decision[p]! > 0)) return [];
    return list.filter((p) => s.decision[p] === 0 && counts(p));
  }
  const form = normalForm(s.pool, s.providers, dep);
  if (form === 'always' || form === 'never') return [];
  const out = new Set<number>();
  for (const { literals } of form) {
    const own: number[] = [];
    let met = false;
    for (const p of literals) {
      if (p < 0) {
        if (s.decision[-p]! > 0) continue;
        break;
      }
      if (s.decision[p]! > 0) {
        met = true;
        break;
      }
      if (s.decision[p] === 0 && counts(p)) own.push(p);
    }
    if (!met) for (const p of own) out.add(p);
  }
  return [...out];
}

/** What installed packages that stay obsolete by name is out of the question. */
function obsoletedPackages(s: SolverState): Set<number> {
  const { pool, providers } = s;
  const out = new Set<number>();
  for (const p of pool.installed?.solvables ?? []) {
    if (s.decision[p]! <= 0 || (!s.flags.keepexplicitobsoletes && s.multiversion.has(p))) continue;
    for (const dep of pool.list(p, field.obsoletes))
      for (const q of providers.list(dep)) {
        if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
        if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
        out.add(q);
      }
  }
  return out;
}

/** A package of that name is there already, in another version (multiversion) or architecture (colours). */
function isCovered(s: SolverState, p: number): boolean {
  const { pool, providers } = s;
  const name = pool.names.data[p]!;
  const multi = s.multiversion.has(p);
  const colors = pool.flags.implicitobsoleteusescolors;
  if (!multi && !colors) return false;
  return providers
    .list(name)
    .some(
      (q) => s.decision[q]! > 0 && pool.names.data[q] === name && (multi || pool.archs.data[q] !== pool.archs.data[p]),
    );
}

interface Wanted {
  readonly recommended: number[];
  readonly supplements: number[];
}

function collect(s: SolverState): Wanted {
  const { pool, flags } = s;
  let recommended = new Set<number>();
  let supplements: number[] = [];
  for (let p = 1; p < pool.count; p++) {
    const decision = s.decision[p]!;
    if (decision < 0) continue;
    if (decision > 0) {
      if (!flags.addalreadyrecommended && s.isInstalled(p)) continue;
      for (const dep of pool.list(p, field.recommends)) {
        if (flags.onlynamespacerecommended && !isNamespaceDependency(s, dep)) continue;
        for (const q of openChoices(s, dep, undefined)) recommended.add(q);
      }
      continue;
    }
    if (pool.listAt(p, field.supplements) === 0 || !pool.installable(p) || !isSupplementing(s, p)) continue;
    if (s.processOrphans && s.isInstalled(p) && s.dropsOrphan(p)) continue;
    if (s.favor !== undefined && s.favor[p]! < 0) continue;
    if (s.excludeFromWeak.has(p)) continue;
    supplements.push(p);
  }
  if (s.hasDisfavored || s.hasExcludeFromWeak)
    recommended = new Set(
      [...recommended].filter((p) => !(s.favor !== undefined && s.favor[p]! < 0) && !s.excludeFromWeak.has(p)),
    );
  if (pool.installed !== undefined && (recommended.size > 0 || supplements.length > 0)) {
    const gone = obsoletedPackages(s);
    supplements = supplements.filter((p) => !gone.has(p));
    recommended = new Set([...recommended].filter((p) => !gone.has(p)));
  }
  // What the installed packages alone call for was declined before.
  if (!flags.addalreadyrecommended || flags.onlynamespacerecommended)
    supplements = supplements.filter((p) => hasNewCall(s, p));
  supplements = supplements.filter((p) => !isCovered(s, p));
  return { recommended: [...recommended], supplements };
}

/** One round; `again` when something was tried. */
export function resolveWeak(s: SolverState, start: number): { level: number; again: boolean } {
  const { recommended, supplements } = collect(s);
  const all = [...recommended];
  for (const p of supplements) if (!all.includes(p)) all.push(p);
  let level = start;
  if (all.length === 0) return { level, again: false };
  if (all.length === 1) return { level: decideAndLearn(s, level, all[0]!, false, 0, reason.weakdep), again: true };
  const best = new Set(filterCandidates(s, all, 'recommend'));
  let ordered = supplements.filter((p) => best.has(p));
  if (ordered.length > 1) ordered = orderSupplements(s, ordered);
  const decided = s.queue.length;
  for (const p of ordered) {
    if (s.decision[p] !== 0) continue;
    const before = level;
    level = decideAndLearn(s, level, p, false, 0, reason.weakdep);
    if (level <= before) return { level, again: true };
  }
  if (s.queue.length < decided) return { level, again: true };
  for (let i = 0; i < decided; i++) {
    const p = s.queue[i]!;
    if (p < 2 || (!s.flags.addalreadyrecommended && s.isInstalled(p))) continue;
    for (const dep of s.pool.list(p, field.recommends)) {
      let open = openChoices(s, dep, best);
      if (open.length === 0) continue;
      if (open.length > 1) {
        open = filterCandidates(s, open, 'choose');
        if (open.length > 1) openBranch(s, level, open, p, dep);
      }
      const before = level;
      level = decideAndLearn(s, level, open[0]!, false, 0, reason.weakdep);
      if (level <= before || s.queue.length < decided) return { level, again: true };
    }
  }
  return { level, again: true };
}
