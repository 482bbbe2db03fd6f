// Whether weak dependencies hold for what has been decided so far.
import { field } from './pool-package.ts';
import type { SolverState } from './state.ts';
import { isRel, rel } from './strings.ts';

type Set = { has(p: number): boolean };

function isSplit(s: SolverState, dep: number): boolean {
  const { ids } = s.pool;
  return ids.relFlag(dep) === rel.namespace && ids.text(ids.relName(dep)) === 'namespace:splitprovides';
}

/** Whether installed `p` gave way to something newer. */
function isUpdated(s: SolverState, p: number): boolean {
  if (s.decision[p]! >= 0) return false;
  const { pool } = s;
  const feature = s.feature.start + p - s.installedStart;
  const rule = s.p[feature] !== 0 ? feature : s.update.start + p - s.installedStart;
  return s.someLiteral(
    rule,
    (q) =>
      q > 0 &&
      q !== p &&
      s.decision[q]! > 0 &&
      (pool.names.data[q] !== pool.names.data[p] || pool.compareEvrs(pool.evrs.data[q]!, pool.evrs.data[p]!) > 0),
  );
}

/** A split: an installed package of that name holds that path and is updated (or, asking only what could be, is there). */
function splitHolds(s: SolverState, dep: number, possible: boolean): boolean {
  if (!s.flags.splitprovides || s.pool.installed === undefined) return false;
  if (!isRel(dep) || s.pool.ids.relFlag(dep) !== rel.with) return false;
  const name = s.pool.ids.relName(dep);
  return s.providers
    .list(dep)
    .some((p) => s.isInstalled(p) && s.pool.names.data[p] === name && (possible || isUpdated(s, p)));
}

/** Parts of an `if` or `unless`: condition and what holds then and otherwise (0: no `else`). */
function conditional(s: SolverState, dep: number): { condition: number; otherwise: number; split: boolean } {
  const right = s.pool.ids.relEvr(dep);
  if (isRel(right) && s.pool.ids.relFlag(right) === rel.else)
    return { condition: s.pool.ids.relName(right), otherwise: s.pool.ids.relEvr(right), split: true };
  return { condition: right, otherwise: 0, split: false };
}

/** Whether a dependency is met by the packages decided to be installed. */
export function dependencyTrue(s: SolverState, dep: number): boolean {
  const { pool, providers } = s;
  if (isRel(dep)) {
    const flags = pool.ids.relFlag(dep);
    const left = pool.ids.relName(dep);
    const right = pool.ids.relEvr(dep);
    if (flags === rel.and) return dependencyTrue(s, left) && dependencyTrue(s, right);
    if (flags === rel.or) return dependencyTrue(s, left) || dependencyTrue(s, right);
    if (flags === rel.if || flags === rel.unless) {
      const { condition, otherwise, split } = conditional(s, dep);
      if (split) {
        const [yes, no] = flags === rel.if ? [left, otherwise] : [otherwise, left];
        return dependencyTrue(s, dependencyTrue(s, condition) ? yes : no);
      }
      return flags === rel.if
        ? dependencyTrue(s, left) || !dependencyTrue(s, condition)
        : dependencyTrue(s, left) && !dependencyTrue(s, condition);
    }
    if (isSplit(s, dep)) return splitHolds(s, right, false);
  }
  const start = providers.of(dep);
  // The array may have grown just now.
  const data = providers.data.data;
  for (let at = start; data[at] !== 0; at++) if (s.decision[data[at]!]! > 0) return true;
  return false;
}

function holds(s: SolverState, p: number, which: typeof field.supplements | typeof field.enhances): boolean {
  const { lists } = s.pool;
  for (let at = s.pool.listAt(p, which); lists.data[at] !== 0; at++)
    if (dependencyTrue(s, lists.data[at]!)) return true;
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
export function dependencyPossible(s: SolverState, dep: number, possible: Set): boolean {
  const { pool, providers } = s;
  if (isRel(dep)) {
    const flags = pool.ids.relFlag(dep);
    const left = pool.ids.relName(dep);
    const right = pool.ids.relEvr(dep);
    if (flags === rel.if || flags === rel.unless) return true;
    if (flags === rel.and) return dependencyPossible(s, left, possible) && dependencyPossible(s, right, possible);
    if (flags === rel.or) return dependencyPossible(s, left, possible) || dependencyPossible(s, right, possible);
    if (isSplit(s, dep)) return splitHolds(s, right, true);
  }
  const start = providers.of(dep);
  const data = providers.data.data;
  for (let at = start; data[at] !== 0; at++) if (possible.has(data[at]!)) return true;
  return false;
}

/** How a dependency is met: not at all, by what was there before, or with the help of something new. */
type Meeting = 0 | 1 | 2;
type MeetingOf = (dep: number) => Meeting;

function combined(s: SolverState, dep: number, of: MeetingOf): Meeting {
  const { ids } = s.pool;
  const flags = ids.relFlag(dep);
  const left = ids.relName(dep);
  const right = ids.relEvr(dep);
  const best = (a: Meeting, b: Meeting): Meeting => (a > b ? a : b);
  if (flags === rel.and) {
    const a = of(left);
    const b = a === 0 ? 0 : of(right);
    return a === 0 || b === 0 ? 0 : best(a, b);
  }
  if (flags === rel.or) return best(of(left), of(right));
  const { condition, otherwise, split } = conditional(s, dep);
  if (split) {
    const when = of(condition);
    const [yes, no] = flags === rel.if ? [left, otherwise] : [otherwise, left];
    if (when === 0) return of(no);
    const then = of(yes);
    return then !== 0 && when === 2 ? 2 : then;
  }
  const main = of(left);
  const free = of(condition) === 0;
  if (flags === rel.if ? main === 0 && !free : main === 0 || !free) return 0;
  return main === 2 ? 2 : 1;
}

function isCombined(s: SolverState, dep: number): boolean {
  const flags = s.pool.ids.relFlag(dep);
  return flags === rel.if || flags === rel.unless || flags === rel.and || flags === rel.or;
}

function meeting(s: SolverState, dep: number): Meeting {
  if (isRel(dep)) {
    if (isCombined(s, dep)) return combined(s, dep, (part) => meeting(s, part));
    if (isSplit(s, dep)) return splitHolds(s, s.pool.ids.relEvr(dep), false) ? 2 : 0;
    if (
      s.pool.ids.relFlag(dep) === rel.namespace &&
      (s.installSupplements.has(dep) || s.installSupplements.has(s.pool.ids.relName(dep)))
    )
      return 2;
  }
  let met: Meeting = 0;
  for (const p of s.providers.list(dep)) {
    if (s.decision[p]! <= 0) continue;
    if (s.pool.repoOf.data[p] !== 0 && !s.isInstalled(p)) return 2;
    met = 1;
  }
  return met;
}

/** The same, where 2 means that a namespace takes part. */
function namespaceMeeting(s: SolverState, dep: number): Meeting {
  let yes: Meeting = 1;
  if (isRel(dep)) {
    if (isCombined(s, dep)) return combined(s, dep, (part) => namespaceMeeting(s, part));
    if (isSplit(s, dep)) return splitHolds(s, s.pool.ids.relEvr(dep), false) ? 2 : 0;
    if (s.pool.ids.relFlag(dep) === rel.namespace) yes = 2;
  }
  return s.providers.list(dep).some((p) => s.decision[p]! > 0) ? yes : 0;
}

/** Whether something new (or, where only those count, a namespace) takes part in calling for `p` by its supplements. */
export function hasNewCall(s: SolverState, p: number): boolean {
  return s.pool
    .list(p, field.supplements)
    .some(
      (dep) =>
        (s.flags.addalreadyrecommended || meeting(s, dep) === 2) &&
        (!s.flags.onlynamespacerecommended || namespaceMeeting(s, dep) === 2),
    );
}

/** Whether a dependency mentions a namespace. */
export function isNamespaceDependency(s: SolverState, dep: number): boolean {
  if (!isRel(dep)) return false;
  const { ids } = s.pool;
  return (
    ids.relFlag(dep) === rel.namespace ||
    isNamespaceDependency(s, ids.relName(dep)) ||
    isNamespaceDependency(s, ids.relEvr(dep))
  );
}
