// Rich dependencies in normal form: a conjunction of disjunctions of literals, or the other way round.
import type { Pool } from './pool.ts';
import { systemSolvable } from './pool.ts';
import { isRel, rel } from './strings.ts';
import type { Providers } from './whatprovides.ts';

/** Whether a dependency needs more than a list of providers: `and`, `if`, `unless`, or an `or` over such. */
export function isComplex(pool: Pool, dep: number): boolean {
  for (let id = dep; isRel(id); id = pool.ids.relEvr(id)) {
    const flags = pool.ids.relFlag(id);
    if (flags === rel.and || flags === rel.if || flags === rel.unless) return true;
    if (flags !== rel.or) return false;
    if (isComplex(pool, pool.ids.relName(id))) return true;
  }
  return false;
}

/** One group of literals, ascending. `at`: it is the provider list that starts there. */
export interface Block {
  readonly literals: readonly number[];
  readonly at: number;
}
export type NormalForm = 'always' | 'never' | readonly Block[];

export interface NormalOptions {
  /** Groups are conjunctions and one of them must hold; else every group needs one of its literals. */
  readonly dnf?: boolean;
  /** Packages must have the name and version themselves, not only provide it. */
  readonly byName?: boolean;
}

const mostBlocks = 200_000;

/** Negates: every literal is turned round, conjunctions and disjunctions change places. */
export function inverted(form: NormalForm): NormalForm {
  if (form === 'always') return 'never';
  if (form === 'never') return 'always';
  return form.map(({ literals }) => ({ literals: literals.map((l) => -l).reverse(), at: 0 }));
}

function merged(a: readonly number[], b: readonly number[]): number[] | undefined {
  const out: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i]! < b[j]!) out.push(a[i++]!);
    else {
      if (a[i] === b[j]) i++;
      out.push(b[j++]!);
    }
  }
  while (j < b.length) out.push(b[j++]!);
  while (i < a.length) out.push(a[i++]!);
  // A literal beside its opposite makes the group say nothing.
  for (let low = 0, high = out.length - 1; low < high; ) {
    if (-out[low]! === out[high]) return undefined;
    if (-out[low]! > out[high]!) low++;
    else high--;
  }
  return out;
}

function distributed(a: readonly Block[], b: readonly Block[], dnf: boolean): NormalForm {
  const out: Block[] = [];
  for (const x of a)
    for (const y of b) {
      const literals = merged(x.literals, y.literals);
      if (literals !== undefined) out.push({ literals, at: 0 });
      if (out.length > mostBlocks) return out;
    }
  if (out.length === 0) return dnf ? 'never' : 'always';
  return out;
}

/** The normal form of a dependency. */
export function normalForm(
  pool: Pool,
  providers: Providers,
  dep: number,
  { dnf = false, byName = false }: NormalOptions = {},
): NormalForm {
  const part = (id: number, turned: boolean): NormalForm => {
    const form = normalForm(pool, providers, id, { dnf: dnf !== turned, byName });
    return turned ? inverted(form) : form;
  };
  const or = (a: NormalForm, second: () => NormalForm): NormalForm => {
    if (a === 'always') return a;
    const b = second();
    if (b === 'always' || a === 'never') return b;
    if (b === 'never') return a;
    return dnf ? [...a, ...b] : distributed(a, b, dnf);
  };
  const and = (a: NormalForm, second: () => NormalForm): NormalForm => {
    if (a === 'never') return a;
    const b = second();
    if (b === 'never' || a === 'always') return b;
    if (b === 'always') return a;
    return dnf ? distributed(a, b, dnf) : [...a, ...b];
  };
  if (isComplex(pool, dep)) {
    const { ids } = pool;
    const flags = ids.relFlag(dep);
    const left = ids.relName(dep);
    const right = ids.relEvr(dep);
    const split = isRel(right) && ids.relFlag(right) === rel.else;
    const condition = split ? ids.relName(right) : right;
    const otherwise = split ? ids.relEvr(right) : 0;
    switch (flags) {
      case rel.if: {
        const main = or(part(left, false), () => part(condition, true));
        return split ? and(main, () => or(part(condition, false), () => part(otherwise, false))) : main;
      }
      case rel.unless: {
        const main = and(part(left, false), () => part(condition, true));
        return split ? or(main, () => and(part(condition, false), () => part(otherwise, false))) : main;
      }
      case rel.or:
        return or(part(left, false), () => part(right, false));
      default:
        return and(part(left, false), () => part(right, false));
    }
  }
  const at = providers.of(dep);
  let list = providers.list(dep);
  if (list.length === 0) return 'never';
  if (list[0] === systemSolvable) return 'always';
  if (byName) {
    list = list.filter((p) => pool.matchesNevr(p, dep));
    if (list.length === 0) return 'never';
  }
  if (dnf) return list.map((p) => ({ literals: [p], at: 0 }));
  return [{ literals: list, at: byName ? 0 : at }];
}

/** Packages that a rich dependency could bring in: every operand that does not stand for absence. */
export function mentionedPackages(pool: Pool, providers: Providers, dep: number, each: (p: number) => void): void {
  const { ids } = pool;
  const walk = (start: number, negative: boolean): void => {
    let id = start;
    let not = negative;
    while (isRel(id)) {
      const flags = ids.relFlag(id);
      if (flags !== rel.and && flags !== rel.or && flags !== rel.if && flags !== rel.unless) break;
      walk(ids.relName(id), not);
      id = ids.relEvr(id);
      if (flags !== rel.if && flags !== rel.unless) continue;
      not = !not;
      if (isRel(id) && ids.relFlag(id) === rel.else) {
        walk(ids.relName(id), !not);
        walk(ids.relEvr(id), !not);
        id = ids.relName(id);
      }
    }
    if (not) return;
    for (const p of providers.list(id)) each(p);
  };
  walk(dep, false);
}
