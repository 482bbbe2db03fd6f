// From the decisions to what is done to the system.
import { identical } from './identical.ts';
import type { Pool } from './pool.ts';
import { field } from './pool-package.ts';
import type { SolverState } from './state.ts';

export type StepKind = 'install' | 'erase' | 'upgrade' | 'downgrade' | 'change' | 'reinstall' | 'obsoleted';

/** One change. `package` is the new package (the old one for `erase` and `obsoleted`), `other` what it replaces (or what obsoletes it). */
export interface Step {
  readonly kind: StepKind;
  readonly package: number;
  readonly other?: number;
}

/** Order of replacements: by new package; of those for one package that of its own name first, then newest, then same architecture. */
function comparePairs(pool: Pool, a: readonly [number, number], b: readonly [number, number]): number {
  if (a[0] !== b[0]) return a[0] - b[0];
  if (a[1] === b[1]) return 0;
  const { names, evrs, archs, ids } = pool;
  const [p, x] = a;
  const y = b[1];
  if (names.data[x] !== names.data[y]) {
    if (names.data[x] === names.data[p]) return -1;
    if (names.data[y] === names.data[p]) return 1;
    return ids.text(names.data[x]!) < ids.text(names.data[y]!) ? -1 : 1;
  }
  const order = pool.compareEvrs(evrs.data[x]!, evrs.data[y]!);
  if (order !== 0) return -order;
  if (archs.data[x] !== archs.data[y]) {
    if (archs.data[x] === archs.data[p]) return -1;
    if (archs.data[y] === archs.data[p]) return 1;
  }
  return x - y;
}

/** The changes of a solution and who takes whose place. */
export class Transaction {
  readonly pool: Pool;
  /** Installed packages that go, ascending, then new ones in the order decided. */
  readonly steps: readonly number[];
  private readonly changing: ReadonlySet<number>;
  private readonly pairs: readonly (readonly [number, number])[];
  private readonly successor = new Map<number, number>();
  private readonly first = new Map<number, number>();
  private readonly multiversion: { has(p: number): boolean };

  constructor(s: SolverState) {
    const { pool } = s;
    this.pool = pool;
    this.multiversion = s.multiversion;
    const coming = s.queue.filter((p) => p > 1 && pool.repoOf.data[p] !== 0 && !s.isInstalled(p));
    const going = s.queue.filter((p) => p < 0 && s.isInstalled(-p)).map((p) => -p);
    going.sort((a, b) => a - b);
    this.steps = [...going, ...coming];
    this.changing = new Set(this.steps);
    const pairs = coming.flatMap((p) => this.replaced(s, p).map((old) => [p, old] as const));
    pairs.sort((a, b) => comparePairs(pool, a, b));
    this.pairs = pairs.filter((pair, i) => i === 0 || comparePairs(pool, pairs[i - 1]!, pair) !== 0);
    for (const [p, old] of this.pairs) {
      if (!this.first.has(p)) this.first.set(p, old);
      const best = this.successor.get(old);
      if (best === undefined || comparePairs(pool, [old, p], [old, best]) < 0) this.successor.set(old, p);
    }
  }

  /** Leaving packages that new `p` takes the place of. */
  private replaced(s: SolverState, p: number): number[] {
    const { pool } = this;
    const out: number[] = [];
    const leaving = (q: number): boolean => this.changing.has(q) && s.isInstalled(q);
    const multi = s.multiversion.has(p);
    const name = pool.names.data[p]!;
    for (const q of s.providers.list(name)) {
      if (!leaving(q)) continue;
      const same = pool.names.data[q] === name;
      if (multi && !(same && pool.evrs.data[p] === pool.evrs.data[q] && pool.archs.data[p] === pool.archs.data[q]))
        continue;
      if (!pool.flags.implicitobsoleteusesprovides && !same) continue;
      if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(p, q)) continue;
      out.push(q);
    }
    if (multi) return out;
    for (const dep of pool.list(p, field.obsoletes))
      for (const q of s.providers.list(dep)) {
        if (!leaving(q)) continue;
        if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
        if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
        out.push(q);
      }
    return out;
  }

  /** What takes the place of a leaving package, or what a new one takes the place of first; 0 for nothing. */
  counterpart(p: number): number {
    return (this.pool.isInstalled(p) ? this.successor.get(p) : this.first.get(p)) ?? 0;
  }

  /** Whether a package comes or goes. */
  changes(p: number): boolean {
    return this.changing.has(p);
  }

  /** The counterpart of a leaving package where it has one only. */
  onlyCounterpart(p: number): number {
    const all = this.counterparts(p);
    return all.length === 1 ? all[0]! : 0;
  }

  /** All counterparts. */
  counterparts(p: number): number[] {
    if (!this.pool.isInstalled(p)) return this.pairs.filter(([q]) => q === p).map(([, old]) => old);
    return this.pairs
      .filter(([, old]) => old === p)
      .map(([q]) => [p, q] as const)
      .sort((a, b) => comparePairs(this.pool, a, b))
      .map(([, q]) => q);
  }

  /** What a change of `old` into `next` is called. */
  private change(old: number, next: number): StepKind {
    const { pool } = this;
    if (identical(pool, old, next)) return 'reinstall';
    const order = pool.compareEvrs(pool.evrs.data[old]!, pool.evrs.data[next]!);
    return order < 0 ? 'upgrade' : order > 0 ? 'downgrade' : 'change';
  }

  /** Every change once, seen from the package that goes. */
  classified(): Step[] {
    const { pool } = this;
    const out: Step[] = [];
    const sameName = (a: number, b: number): boolean => pool.names.data[a] === pool.names.data[b];
    for (const p of this.steps) {
      const other = this.counterpart(p);
      if (pool.isInstalled(p)) {
        if (other === 0) out.push({ kind: 'erase', package: p });
        else if (sameName(p, other)) out.push({ kind: this.change(p, other), package: other, other: p });
        else out.push({ kind: 'obsoleted', package: p, other });
        continue;
      }
      // A new package shows up with what it replaces, if it is the first choice there.
      const twin =
        this.multiversion.has(p) &&
        other !== 0 &&
        sameName(p, other) &&
        pool.evrs.data[p] === pool.evrs.data[other] &&
        pool.archs.data[p] === pool.archs.data[other];
      const shown =
        (!this.multiversion.has(p) || twin) &&
        other !== 0 &&
        sameName(p, other) &&
        this.counterparts(p).some((old) => sameName(p, old) && this.counterpart(old) === p);
      if (!shown) out.push({ kind: 'install', package: p });
    }
    return out;
  }
}

/** The steps of a solved state: every installed package that goes and every new one that comes, ascending by id. */
export function stepsOf(s: SolverState): Step[] {
  const key = (step: Step): number =>
    step.other !== undefined && step.kind !== 'obsoleted' ? step.other : step.package;
  const steps = new Transaction(s).classified();
  const rank = (step: Step): number => (step.kind === 'install' ? 1 : 0);
  return steps.sort((a, b) => rank(a) - rank(b) || key(a) - key(b));
}
