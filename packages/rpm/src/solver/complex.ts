// Rich dependencies as clauses: a conjunction of disjunctions of literals.
import type { Pool } from './pool.ts';
import { systemSolvable } from './pool.ts';
import { isRel, rel } from './strings.ts';
import type { Providers } from './whatprovides.ts';

const mostClauses = 20_000;

/** Whether a dependency needs more than a list of providers: `and`, `if`, `unless`, or an operand that does. */
export function isComplex(pool: Pool, dep: number): boolean {
  if (!isRel(dep)) return false;
  const flags = pool.ids.relFlag(dep);
  if (flags < 8) return false;
  if (flags === rel.and || flags === rel.if || flags === rel.unless) return true;
  if (flags === rel.namespace || flags === rel.with || flags === rel.without || flags === rel.arch) return false;
  return isComplex(pool, pool.ids.relName(dep)) || isComplex(pool, pool.ids.relEvr(dep));
}

type Clauses = readonly (readonly number[])[];
const always: Clauses = [];
const never: Clauses = [[]];

function both(a: Clauses, b: Clauses): Clauses {
  if (a.length === 0) return b;
  return b.length === 0 ? a : [...a, ...b];
}

function either(a: Clauses, b: Clauses): Clauses {
  if (a.length === 0 || b.length === 0) return always;
  const out: number[][] = [];
  for (const x of a)
    for (const y of b) {
      const set = new Set([...x, ...y]);
      let tautology = false;
      for (const l of set) if (set.has(-l)) tautology = true;
      if (!tautology) out.push([...set]);
      if (out.length > mostClauses) return out;
    }
  return out;
}

/** The clauses of `dep`, or of its negation. No clause at all: always true; an empty clause: never. */
export function clausesOf(pool: Pool, providers: Providers, dep: number, negated: boolean): Clauses {
  const clauses = (id: number, not: boolean): Clauses => clausesOf(pool, providers, id, not);
  if (isComplex(pool, dep) || (isRel(dep) && pool.ids.relFlag(dep) === rel.or)) {
    const flags = pool.ids.relFlag(dep);
    const left = pool.ids.relName(dep);
    let right = pool.ids.relEvr(dep);
    let otherwise = 0;
    if ((flags === rel.if || flags === rel.unless) && isRel(right) && pool.ids.relFlag(right) === rel.else) {
      otherwise = pool.ids.relEvr(right);
      right = pool.ids.relName(right);
    }
    switch (flags) {
      case rel.and:
        return negated
          ? either(clauses(left, true), clauses(right, true))
          : both(clauses(left, false), clauses(right, false));
      case rel.or:
        return negated
          ? both(clauses(left, true), clauses(right, true))
          : either(clauses(left, false), clauses(right, false));
      case rel.if: {
        if (negated) {
          // not (A or not B) = not A and B; with else C also not (C or B).
          const main = both(clauses(left, true), clauses(right, false));
          if (otherwise === 0) return main;
          return either(main, both(clauses(otherwise, true), clauses(right, true)));
        }
        const main = either(clauses(left, false), clauses(right, true));
        if (otherwise === 0) return main;
        return both(main, either(clauses(otherwise, false), clauses(right, false)));
      }
      case rel.unless: {
        if (negated) {
          const main = either(clauses(left, true), clauses(right, false));
          if (otherwise === 0) return main;
          return both(main, either(clauses(otherwise, true), clauses(right, true)));
        }
        const main = both(clauses(left, false), clauses(right, true));
        if (otherwise === 0) return main;
        return either(main, both(clauses(otherwise, false), clauses(right, false)));
      }
      default:
        break;
    }
  }
  const list = providers.list(dep);
  if (list[0] === systemSolvable) return negated ? never : always;
  return negated ? list.map((p) => [-p]) : [list];
}
