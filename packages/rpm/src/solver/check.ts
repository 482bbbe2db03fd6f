// An independent look at a solution: does the system it leads to hold together, and does it do what was asked? It knows
// nothing of rules or decisions; every question is answered by going through the packages.
import type { Job, Selection } from './job.ts';
import { type Pool, systemSolvable } from './pool.ts';
import { field } from './pool-package.ts';
import { isRel, rel } from './strings.ts';
import type { Step } from './transaction.ts';

export interface SolutionFault {
  readonly package: number;
  /** What is wrong, as a sentence. */
  readonly text: string;
}

export interface CheckOptions {
  /** Packages that may stand beside others of their name. */
  readonly multiversion?: ReadonlySet<number>;
}

/** Whether one package meets a plain dependency by its name or provides. */
function meets(pool: Pool, p: number, dep: number): boolean {
  if (isRel(dep) && pool.ids.relFlag(dep) === rel.arch)
    return pool.archs.data[p] === pool.ids.relEvr(dep) && meets(pool, p, pool.ids.relName(dep));
  const name = isRel(dep) ? pool.ids.relName(dep) : dep;
  const flags = isRel(dep) ? pool.ids.relFlag(dep) : 0;
  const evr = isRel(dep) ? pool.ids.relEvr(dep) : 0;
  for (const provided of pool.list(p, field.provides)) {
    const own = isRel(provided) ? pool.ids.relName(provided) : provided;
    if (own !== name) continue;
    if (flags === 0 || !isRel(provided)) return true;
    if (pool.rangesMeet(pool.ids.relFlag(provided), pool.ids.relEvr(provided), flags, evr)) return true;
  }
  return pool.list(p, field.files).includes(name);
}

/** Packages of `set` that take part in meeting a dependency, or `undefined` when it is not met. */
function met(pool: Pool, set: readonly number[], dep: number): boolean {
  if (!isRel(dep) || pool.ids.relFlag(dep) < 8 || pool.ids.relFlag(dep) === rel.arch)
    return set.some((p) => meets(pool, p, dep));
  const left = pool.ids.relName(dep);
  const right = pool.ids.relEvr(dep);
  const other = isRel(right) && pool.ids.relFlag(right) === rel.else ? right : 0;
  const condition = other === 0 ? right : pool.ids.relName(other);
  switch (pool.ids.relFlag(dep)) {
    case rel.and:
      return met(pool, set, left) && met(pool, set, right);
    case rel.or:
      return met(pool, set, left) || met(pool, set, right);
    case rel.with:
      return set.some((p) => met(pool, [p], left) && met(pool, [p], right));
    case rel.without:
      return set.some((p) => met(pool, [p], left) && !met(pool, [p], right));
    case rel.if:
      if (met(pool, set, condition)) return met(pool, set, left);
      return other === 0 || met(pool, set, pool.ids.relEvr(other));
    case rel.unless:
      if (!met(pool, set, condition)) return met(pool, set, left);
      return other !== 0 && met(pool, set, pool.ids.relEvr(other));
    case rel.namespace:
      return (pool.namespaces.get(dep) ?? []).some((p) => p === systemSolvable || set.includes(p));
    default:
      return set.some((p) => meets(pool, p, left));
  }
}

/** What is installed after the steps. */
export function installedAfter(pool: Pool, steps: readonly Step[]): number[] {
  const set = new Set(pool.installed?.solvables ?? []);
  for (const step of steps) {
    if (step.kind === 'erase' || step.kind === 'obsoleted') set.delete(step.package);
    else {
      set.add(step.package);
      if (step.other !== undefined) set.delete(step.other);
    }
  }
  return [...set].sort((a, b) => a - b);
}

function covers(pool: Pool, select: Selection, p: number): boolean {
  switch (select.kind) {
    case 'solvable':
      return select.solvable === p;
    case 'oneof':
      return select.solvables.includes(p);
    case 'name':
      return pool.matchesNevr(p, select.dep);
    case 'provides':
      return met(pool, [p], select.dep);
    case 'repo':
      return pool.repos[select.repo]?.solvables.includes(p) === true;
    default:
      return true;
  }
}

/** Checks the outcome of a solved problem. What was broken before the steps may stay broken; nothing new may be. */
export function checkSolution(
  pool: Pool,
  jobs: readonly Job[],
  steps: readonly Step[],
  options: CheckOptions = {},
): SolutionFault[] {
  const before = pool.installed?.solvables ?? [];
  const after = installedAfter(pool, steps);
  const faults: SolutionFault[] = [];
  const fault = (p: number, text: string): void => {
    faults.push({ package: p, text });
  };
  for (const p of after) {
    const old = pool.isInstalled(p);
    const name = pool.text(p);
    if (!old && !pool.installable(p)) fault(p, `${name} cannot be installed here`);
    for (const dep of pool.list(p, field.requires))
      if (!met(pool, after, dep) && !(old && !met(pool, before, dep))) fault(p, `${name} lacks what it requires`);
    for (const q of after) {
      if (q === p || (old && pool.isInstalled(q))) continue;
      for (const dep of pool.list(p, field.conflicts))
        if (met(pool, [q], dep) && !isConditional(pool, dep)) fault(p, `${name} conflicts with ${pool.text(q)}`);
      if (options.multiversion?.has(p) !== true)
        for (const dep of pool.list(p, field.obsoletes))
          if (pool.matchesNevr(q, dep)) fault(p, `${name} obsoletes ${pool.text(q)}`);
      const same = pool.names.data[p] === pool.names.data[q] && q > p;
      const apart = pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(p, q);
      if (same && !apart && !(options.multiversion?.has(p) === true && options.multiversion.has(q)))
        fault(p, `${name} and ${pool.text(q)} share a name`);
    }
  }
  for (const job of jobs) {
    if (job.flags?.weak === true) continue;
    if (job.action === 'install' && !after.some((p) => covers(pool, job.select, p)))
      fault(0, 'an install request is not met');
    if (job.action === 'erase')
      for (const p of after) if (covers(pool, job.select, p)) fault(p, `${pool.text(p)} was to go`);
    if (job.action === 'lock')
      for (const step of steps)
        for (const p of [step.package, step.other ?? 0])
          if (p > 0 && covers(pool, job.select, p)) fault(p, `${pool.text(p)} is locked`);
  }
  return faults;
}

/** Conflicts with `if` or `unless` are about the whole set, not one package. */
function isConditional(pool: Pool, dep: number): boolean {
  if (!isRel(dep)) return false;
  const flags = pool.ids.relFlag(dep);
  return flags === rel.if || flags === rel.unless || flags === rel.and;
}
