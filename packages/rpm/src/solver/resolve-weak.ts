// Recommended and supplementing packages: taken when they fit, left out when not.

import { clausesOf, isComplex } from './complex.ts';
import { filterCandidates } from './policy.ts';
import { field, systemSolvable } from './pool.ts';
import { decideAndLearn } from './search.ts';
import { reason, type SolverState } from './state.ts';
import { isRel, rel } from './strings.ts';
import { dependencyTrue, hasNewCall, isSupplementing } from './weak.ts';

interface Wanted {
  readonly recommended: number[];
  readonly supplemented: number[];
}

function collect(s: SolverState): Wanted {
  const { pool } = s;
  const recommended: number[] = [];
  const seen = new Set<number>();
  let supplemented: number[] = [];
  const old = !s.flags.addalreadyrecommended;
  for (let p = 2; p < pool.count; p++) {
    const decision = s.decision[p]!;
    if (decision < 0 || pool.repoOf.data[p] === 0) continue;
    if (decision > 0) {
      if (old && s.isInstalled(p)) continue;
      const at = pool.listAt(p, field.recommends);
      const lists = pool.lists.data;
      for (let i = at; lists[i] !== 0; i++)
        for (const open of openChoices(s, lists[i]!))
          for (const q of open)
            if (!seen.has(q)) {
              seen.add(q);
              recommended.push(q);
            }
      continue;
    }
    if (pool.listAt(p, field.supplements) === 0 || !pool.installable(p)) continue;
    if (s.hasExcludeFromWeak && s.excludeFromWeak.has(p)) continue;
    if (isSupplementing(s, p)) supplemented.push(p);
  }
  // What the installed packages alone call for was declined before.
  if (old) supplemented = supplemented.filter((p) => hasNewCall(s, p));
  return { recommended, supplemented };
}

/** The sets of packages of which a dependency still wants one: undecided ones only, no set for what is met or cannot be. */
export function openChoices(s: SolverState, dep: number): number[][] {
  if (!isComplex(s.pool, dep)) {
    const open = openOf(s, s.providers.list(dep));
    return open.length > 0 ? [open] : [];
  }
  // What can never hold is not begun.
  if (clausesOf(s.pool, s.providers, dep, false).some((clause) => clause.length === 0)) return [];
  return wanted(s, dep);
}

/** The parts of a rich dependency that are asked for as things stand: a condition is looked at, never brought about. */
function wanted(s: SolverState, dep: number): number[][] {
  const { ids } = s.pool;
  if (!isComplex(s.pool, dep)) {
    const open = openOf(s, s.providers.list(dep));
    return open.length > 0 ? [open] : [];
  }
  const left = ids.relName(dep);
  const right = ids.relEvr(dep);
  const alternative = isRel(right) && ids.relFlag(right) === rel.else ? ids.relEvr(right) : 0;
  const condition = alternative === 0 ? right : ids.relName(right);
  const otherwise = (): number[][] => (alternative === 0 ? [] : wanted(s, alternative));
  switch (ids.relFlag(dep)) {
    case rel.and:
      return [...wanted(s, left), ...wanted(s, right)];
    case rel.or: {
      if (dependencyTrue(s, dep)) return [];
      const either = [...new Set([...wanted(s, left), ...wanted(s, right)].flat())];
      return either.length > 0 ? [either] : [];
    }
    case rel.if:
      return dependencyTrue(s, condition) ? wanted(s, left) : otherwise();
    case rel.unless:
      return dependencyTrue(s, condition) ? otherwise() : wanted(s, left);
    default:
      return [];
  }
}

function openOf(s: SolverState, list: readonly number[]): number[] {
  const out: number[] = [];
  for (const p of list) {
    const decision = s.decision[p]!;
    if (decision > 0 || p === systemSolvable) return [];
    if (decision === 0 && !(s.hasExcludeFromWeak && s.excludeFromWeak.has(p))) out.push(p);
  }
  return out;
}

/** One round; returns the level reached, the same as given when nothing was left to do. */
export function resolveWeak(s: SolverState, start: number, _disableRules: boolean): number {
  const { recommended, supplemented } = collect(s);
  const all = [...recommended];
  for (const p of supplemented) if (!all.includes(p)) all.push(p);
  if (all.length === 0) return start;
  let level = start;
  if (all.length === 1) return decideAndLearn(s, level, all[0]!, false, 0, reason.weakdep);
  const best = new Set(filterCandidates(s, all, 'recommend'));
  const decided = s.queue.length;
  for (const p of supplemented) {
    if (s.decision[p] !== 0 || !best.has(p)) continue;
    const before = level;
    level = decideAndLearn(s, level, p, false, 0, reason.weakdep);
    if (level <= before) return level;
  }
  if (s.queue.length < decided) return level;
  for (let i = 0; i < decided; i++) {
    const p = s.queue[i]!;
    if (p < 2 || (!s.flags.addalreadyrecommended && s.isInstalled(p))) continue;
    for (const dep of s.pool.list(p, field.recommends))
      for (const choices of openChoices(s, dep)) {
        let open = choices.filter((q) => s.decision[q] === 0 && best.has(q));
        if (open.length === 0) continue;
        if (open.length > 1) {
          open = filterCandidates(s, open, 'choose');
          if (open.length > 1)
            s.branches.push({ level: level + 1, choices: open.slice(1), chosen: open[0]!, rule: 0, from: p, dep });
        }
        const before = level;
        level = decideAndLearn(s, level, open[0]!, false, 0, reason.weakdep);
        if (level <= before || s.queue.length < decided) return level;
      }
  }
  return level;
}
