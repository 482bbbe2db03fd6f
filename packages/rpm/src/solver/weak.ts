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
  const data = providers.data.data;
  for (let at = providers.of(dep); data[at] !== 0; at++)
    if (data[at] === systemSolvable || s.decision[data[at]!]! > 0) return true;
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
  const data = providers.data.data;
  for (let at = providers.of(dep); data[at] !== 0; at++)
    if (data[at] === systemSolvable || possible.has(data[at]!)) return true;
  return false;
}
