// From the decisions to what is done to the system.
import { field } from './pool.ts';
import type { SolverState } from './state.ts';

export type StepKind = 'install' | 'erase' | 'upgrade' | 'downgrade' | 'change' | 'reinstall' | 'obsoleted';

/** One change. `package` is the new package (the old one for `erase` and `obsoleted`), `other` what it replaces (or what obsoletes it). */
export interface Step {
  readonly kind: StepKind;
  readonly package: number;
  readonly other?: number;
}

/** Whether `p`, newly installed, takes the place of installed `q`, and by what: its name or its obsoletes. */
function replaces(s: SolverState, p: number, q: number): 'name' | 'obsoletes' | undefined {
  const { pool, providers } = s;
  if (pool.names.data[p] === pool.names.data[q]) {
    if (s.multiversion.has(p)) {
      if (pool.evrs.data[p] === pool.evrs.data[q] && pool.archs.data[p] === pool.archs.data[q]) return 'name';
    } else if (!pool.flags.implicitobsoleteusescolors || pool.colorsMeet(p, q)) return 'name';
  }
  if (s.multiversion.has(p) && !s.flags.keepexplicitobsoletes) return undefined;
  for (const dep of pool.list(p, field.obsoletes)) {
    if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
    if (pool.flags.obsoleteusesprovides && !providers.list(dep).includes(q)) continue;
    if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
    return 'obsoletes';
  }
  return undefined;
}

/** Whether two packages of one EVR look like the same build. */
export function identical(s: SolverState, a: number, b: number): boolean {
  const { pool } = s;
  if (pool.archs.data[a] !== pool.archs.data[b] || pool.vendors.data[a] !== pool.vendors.data[b]) return false;
  const x = pool.list(a, field.requires).sort((m, n) => m - n);
  const y = pool.list(b, field.requires).sort((m, n) => m - n);
  return x.length === y.length && x.every((dep, i) => dep === y[i]);
}

/** The steps of a solved state: every installed package that goes and every new one that comes, ascending by id. */
export function stepsOf(s: SolverState): Step[] {
  const { pool } = s;
  const incoming: number[] = [];
  for (const p of s.queue) if (p > 1 && !s.isInstalled(p)) incoming.push(p);
  incoming.sort((a, b) => a - b);
  const outgoing = (pool.installed?.solvables ?? []).filter((p) => s.decision[p]! <= 0);
  const byName = new Map<number, number[]>();
  const obsoleting: number[] = [];
  for (const p of incoming) {
    const name = pool.names.data[p]!;
    const list = byName.get(name);
    if (list === undefined) byName.set(name, [p]);
    else list.push(p);
    if (pool.listAt(p, field.obsoletes) !== 0) obsoleting.push(p);
  }
  const steps: Step[] = [];
  const paired = new Set<number>();
  for (const old of outgoing) {
    const named = (byName.get(pool.names.data[old]!) ?? []).filter((p) => replaces(s, p, old) === 'name');
    // A package of the same architecture is the natural successor.
    const next = named.find((p) => pool.archs.data[p] === pool.archs.data[old]) ?? named[0];
    if (next !== undefined) {
      const order = pool.compareEvrs(pool.evrs.data[old]!, pool.evrs.data[next]!);
      let kind: StepKind = order < 0 ? 'upgrade' : order > 0 ? 'downgrade' : 'reinstall';
      if (order === 0 && !identical(s, old, next)) kind = 'change';
      steps.push({ kind, package: next, other: old });
      paired.add(next);
      continue;
    }
    const by = obsoleting.find((p) => replaces(s, p, old) === 'obsoletes');
    if (by !== undefined) steps.push({ kind: 'obsoleted', package: old, other: by });
    else steps.push({ kind: 'erase', package: old });
  }
  for (const p of incoming) if (!paired.has(p)) steps.push({ kind: 'install', package: p });
  return steps;
}
