// Which change of a transaction must come before which: the edges between its elements.
import type { Pool } from './pool.ts';
import { field } from './pool-package.ts';
import type { Transaction } from './transaction.ts';

/** Kinds of edges as bits; the higher the more it matters. */
export const edge = {
  broken: 1,
  conflict: 2,
  /** A leaving package needs a coming one. */
  requiresLeaving: 1 << 4,
  prerequiresLeaving: 1 << 5,
  /** A leaving package needs another leaving one. */
  requiresBetweenLeaving: 1 << 6,
  prerequiresBetweenLeaving: 1 << 7,
  suggests: 1 << 8,
  recommends: 1 << 9,
  requires: 1 << 10,
  prerequires: 1 << 11,
  cycleTail: 1 << 16,
  cycleHead: 1 << 17,
} as const;

/** What an element needs to come before it. */
export interface Edge {
  readonly to: number;
  type: number;
}

/** Whether a package runs scripts when it comes or goes: it needs an interpreter beforehand. */
export function hasScripts(pool: Pool, p: number): boolean {
  return (pool.prerequires.get(p) ?? []).some((dep) => {
    const name = pool.ids.text(dep);
    return name.startsWith('/') && name !== '/sbin/ldconfig';
  });
}

/** Elements are the coming packages and those that leave without a successor, numbered from 0. */
export class OrderGraph {
  readonly transaction: Transaction;
  readonly pool: Pool;
  readonly elements: readonly number[];
  readonly edges: Edge[][];
  private readonly index: ReadonlyMap<number, number>;

  constructor(transaction: Transaction) {
    this.transaction = transaction;
    this.pool = transaction.pool;
    this.elements = transaction.steps.filter((p) => !(this.installed(p) && transaction.counterpart(p) !== 0));
    this.edges = this.elements.map(() => []);
    this.index = new Map(this.elements.map((p, i) => [p, i]));
    for (const p of transaction.steps) this.addPackage(p);
  }

  private installed(p: number): boolean {
    return this.pool.isInstalled(p);
  }

  addEdge(from: number, to: number, type: number): void {
    if (from === to) return;
    const known = this.edges[from]!.find((e) => e.to === to);
    if (known === undefined) this.edges[from]!.push({ to, type });
    else known.type |= type;
  }

  /** Elements that stand for a package: itself, or what takes its place. */
  private standIns(p: number): readonly number[] {
    return this.installed(p) && this.transaction.counterpart(p) !== 0 ? this.transaction.counterparts(p) : [p];
  }

  private add(from: number, to: number, type: number): void {
    for (const a of this.standIns(from))
      for (const b of this.standIns(to)) {
        const x = this.index.get(a);
        const y = this.index.get(b);
        if (x !== undefined && y !== undefined) this.addEdge(x, y, type);
      }
  }

  private addPackage(p: number): void {
    const { pool } = this;
    const early = new Set(pool.prerequires.get(p) ?? []);
    for (const dep of pool.list(p, field.requires)) this.addRequirement(p, dep, early.has(dep));
    const leaving = this.installed(p);
    for (const dep of pool.list(p, field.conflicts))
      for (const q of pool.providers.list(dep)) {
        if (q === p || pool.repoOf.data[q] === 0 || this.installed(q) === leaving || !this.transaction.changes(q))
          continue;
        if (leaving) this.add(q, p, edge.conflict);
        else this.add(p, q, edge.conflict);
      }
    if (leaving) return;
    for (const [which, type] of [
      [field.recommends, edge.recommends],
      [field.suggests, edge.suggests],
    ] as const)
      for (const dep of pool.list(p, which)) {
        const list = pool.providers.list(dep);
        if (list.includes(p)) continue;
        for (const q of list) if (!this.installed(q) && this.transaction.changes(q)) this.add(p, q, type);
      }
  }

  /** Packages of the transaction that a requirement of `p` is about. */
  private partners(p: number, dep: number): number[] {
    const list = this.pool.providers.list(dep);
    if (list.includes(p)) {
      // What comes before it in the list has been dropped, too.
      return [];
    }
    const leaving = this.installed(p);
    const changing = list.filter((q) => this.transaction.changes(q) && (leaving || !this.installed(q)));
    const kept = list.some((q) => this.installed(q) && !this.transaction.changes(q));
    // Where a package that stays meets it too, only edges that do no harm are left.
    return kept && leaving ? changing.filter((q) => !this.installed(q)) : changing;
  }

  private addRequirement(p: number, dep: number, early: boolean): void {
    const leaving = this.installed(p);
    let partners = this.partners(p, dep);
    if (leaving && partners.some((q) => !this.installed(q))) {
      const coming = partners.filter((q) => !this.installed(q));
      const type = early ? edge.prerequiresLeaving : edge.requiresLeaving;
      for (const q of partners)
        if (this.installed(q))
          for (const next of coming) if (this.transaction.onlyCounterpart(q) !== next) this.add(q, next, type);
      partners = coming;
    }
    for (const q of partners) {
      if (!this.installed(q)) {
        if (leaving) this.add(p, q, early ? edge.prerequiresLeaving : edge.requiresLeaving);
        else this.add(p, q, early ? edge.prerequires : edge.requires);
        continue;
      }
      // Both are bound to what takes their place, which has the opposite order.
      const bound = this.transaction.counterpart(q) !== 0 && this.transaction.counterpart(p) !== 0;
      if (bound && !hasScripts(this.pool, p)) continue;
      this.add(q, p, early ? edge.prerequiresBetweenLeaving : edge.requiresBetweenLeaving);
    }
  }
}
