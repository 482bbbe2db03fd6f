// One dependency (provides, requires, conflicts ...): a name with an optional version range, and when two of them meet.
import { compareEvr, parseEvr } from './evr.ts';

/** The comparison bits of rpm's dependency flags (RPMSENSE_*). Other bits of a header's flags are kept apart. */
export const sense = { less: 2, greater: 4, equal: 8 } as const;
export const senseMask = 14;

/** `flags` is a union of `sense` bits, 0 when unversioned; `evr` is `[E:]V[-R]`, empty when unversioned. */
export interface Dependency {
  readonly name: string;
  readonly flags: number;
  readonly evr: string;
}

const operators: Readonly<Record<string, number>> = {
  '<': sense.less,
  '<=': sense.less | sense.equal,
  '=<': sense.less | sense.equal,
  '=': sense.equal,
  '==': sense.equal,
  '>=': sense.greater | sense.equal,
  '=>': sense.greater | sense.equal,
  '>': sense.greater,
};

/** Sense bits of `<`, `<=`, `=`, `>=`, `>` (and rpm's spellings `==`, `=<`, `=>`); `undefined` for anything else. */
export function senseOf(operator: string): number | undefined {
  return Object.hasOwn(operators, operator) ? operators[operator] : undefined;
}

/** The operator text of sense bits (`<>` for "not equal"), empty for 0. */
export function operatorOf(flags: number): string {
  return `${flags & sense.less ? '<' : ''}${flags & sense.greater ? '>' : ''}${flags & sense.equal ? '=' : ''}`;
}

/** `name`, or `name OP evr`. */
export function formatDependency(dep: Dependency): string {
  const op = operatorOf(dep.flags);
  return op === '' ? dep.name : `${dep.name} ${op} ${dep.evr}`;
}

/**
 * Whether two version ranges share a version (rpm's rpmdsCompareEVR). Without a version on either side they always do;
 * a side without a release stands for every release if it allows equality.
 */
export function rangesOverlap(aFlags: number, aEvr: string, bFlags: number, bEvr: string): boolean {
  if ((aFlags & senseMask) === 0 || (bFlags & senseMask) === 0 || aEvr === '' || bEvr === '') return true;
  // Both open towards the same side.
  if (aFlags & bFlags & (sense.less | sense.greater)) return true;
  const a = parseEvr(aEvr);
  const b = parseEvr(bEvr);
  const order = compareEvr(a, b, true);
  if (order === 0) {
    if (a.release === undefined && b.release !== undefined) return (aFlags & sense.equal) !== 0;
    if (b.release === undefined && a.release !== undefined) return (bFlags & sense.equal) !== 0;
    return (aFlags & bFlags & sense.equal) !== 0;
  }
  return order < 0
    ? (aFlags & sense.greater) !== 0 || (bFlags & sense.less) !== 0
    : (aFlags & sense.less) !== 0 || (bFlags & sense.greater) !== 0;
}

/** Whether a provided and a required dependency meet: same name and overlapping ranges. */
export function dependenciesOverlap(a: Dependency, b: Dependency): boolean {
  return a.name === b.name && rangesOverlap(a.flags, a.evr, b.flags, b.evr);
}
