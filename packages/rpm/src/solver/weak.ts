// Whether weak dependencies hold for what has been decided so far.
import { field, systemSolvable } from './pool.ts';
import type { SolverState } from './state.ts';
import { isRel, rel } from './strings.ts';

/** Whether a dependency is met by the packages decided to be installed. */
export function dependencyTrue(s: SolverState, dep: number): boolean {
  const { pool, providers } = s;
  if (isRel(dep)) {
    const flags = pool.ids.relFlag(dep);
    const left = pool.ids.relName(dep);
    const right = pool.ids.relEvr(dep);
    switch (flags) {
      case rel.and:
        return dependencyTrue(s, left) && dependencyTrue(s, right);
      case rel.or:
        return dependencyTrue(s, left) || dependencyTrue(s, right);
      case rel.if: {
        if (isRel(right) && pool.ids.relFlag(right) === rel.else)
          return dependencyTrue(s, pool.ids.relName(right))
            ? dependencyTrue(s, left)
            : dependencyTrue(s, pool.ids.relEvr(right));
        return dependencyTrue(s, left) || !dependencyTrue(s, right);
      }
      case rel.unless: {
        if (isRel(right) && pool.ids.relFlag(right) === rel.else)
          return dependencyTrue(s, pool.ids.relName(right))
            ? dependencyTrue(s, pool.ids.relEvr(right))
            : dependencyTrue(s, left);
        return dependencyTrue(s, left) && !dependencyTrue(s, right);
      }
      default:
        break;
    }
  }
  const start = providers.of(dep);
  // The array may have grown just now.
  const data = providers.data.data;
  for (let at = start; data[at] !== 0; at++) if (data[at] === systemSolvable || s.decision[data[at]!]! > 0) return true;
  return false;
}

function holds(s: SolverState, p: number, which: typeof field.supplements | typeof field.enhances): boolean {
  const lists = s.pool.lists.data;
  for (let at = s.pool.listAt(p, which); lists[at] !== 0; at++) if (dependencyTrue(s, lists[at]!)) return true;
  return false;
}

/** Whether the decided packages call for `p` by one of its supplements. */
export function isSupplementing(s: SolverState, p: number): boolean {
  return holds(s, p, field.supplements);
}

/** The same for enhances. */
export function isEnhancing(s: SolverState, p: number): boolean {
  return holds(s, p, field.enhances);
}

/** Whether a dependency could hold once packages of `possible` are installed. */
export function dependencyPossible(s: SolverState, dep: number, possible: { has(p: number): boolean }): boolean {
  const { pool, providers } = s;
  if (isRel(dep)) {
    const flags = pool.ids.relFlag(dep);
    const left = pool.ids.relName(dep);
    const right = pool.ids.relEvr(dep);
    if (flags === rel.and) return dependencyPossible(s, left, possible) && dependencyPossible(s, right, possible);
    if (flags === rel.or) return dependencyPossible(s, left, possible) || dependencyPossible(s, right, possible);
    if (flags === rel.if || flags === rel.unless) {
      if (dependencyPossible(s, left, possible)) return true;
      return isRel(right) && pool.ids.relFlag(right) === rel.else
        ? dependencyPossible(s, pool.ids.relEvr(right), possible)
        : false;
    }
  }
  const start = providers.of(dep);
  // The array may have grown just now.
  const data = providers.data.data;
  for (let at = start; data[at] !== 0; at++) if (data[at] === systemSolvable || possible.has(data[at]!)) return true;
  return false;
}

/** How a dependency is met: not at all, by installed packages alone, or with the help of a new one. */
function meeting(s: SolverState, dep: number): 0 | 1 | 2 {
  const { pool, providers } = s;
  if (isRel(dep)) {
    const flags = pool.ids.relFlag(dep);
    const left = pool.ids.relName(dep);
    const right = pool.ids.relEvr(dep);
    const both = (a: 0 | 1 | 2, b: 0 | 1 | 2): 0 | 1 | 2 => (a === 0 || b === 0 ? 0 : a > b ? a : b);
    switch (flags) {
      case rel.and:
        return both(meeting(s, left), meeting(s, right));
      case rel.or: {
        const a = meeting(s, left);
        const b = meeting(s, right);
        return Math.max(a, b) as 0 | 1 | 2;
      }
      case rel.if:
      case rel.unless: {
        if (!dependencyTrue(s, dep)) return 0;
        if (isRel(right) && pool.ids.relFlag(right) === rel.else) {
          const condition = meeting(s, pool.ids.relName(right));
          const first = flags === rel.if ? left : pool.ids.relEvr(right);
          const second = flags === rel.if ? pool.ids.relEvr(right) : left;
          return condition > 0 ? both(meeting(s, first), condition) : meeting(s, second);
        }
        return meeting(s, left) || 1;
      }
      default:
        break;
    }
  }
  let met: 0 | 1 = 0;
  const start = providers.of(dep);
  // The array may have grown just now.
  const data = providers.data.data;
  for (let at = start; data[at] !== 0; at++) {
    const p = data[at]!;
    if (p === systemSolvable) met = 1;
    else if (s.decision[p]! > 0) {
      if (!s.isInstalled(p)) return 2;
      met = 1;
    }
  }
  return met;
}

/** Whether a new package takes part in calling for `p` by its supplements. */
export function hasNewCall(s: SolverState, p: number): boolean {
  return s.pool.list(p, field.supplements).some((dep) => meeting(s, dep) === 2);
}
