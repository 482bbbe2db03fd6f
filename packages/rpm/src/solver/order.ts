// The order in which a transaction is carried out.
import { breakCycles, type Cycle, tieCycles } from './order-cycles.ts';
import { edge, OrderGraph } from './order-graph.ts';
import type { Transaction } from './transaction.ts';

export interface OrderEdge {
  readonly from: number;
  readonly to: number;
  readonly type: number;
}

export interface TransactionOrder {
  /** All packages of the transaction; a leaving one follows what takes its place. */
  readonly steps: readonly number[];
  /** What needs what, without the edges that had to be broken. */
  readonly edges: readonly OrderEdge[];
}

/** Hands out elements that wait for nothing: leaving ones first, then those of one repository after another. */
class Queues {
  private readonly g: OrderGraph;
  private readonly cycles: readonly Cycle[];
  private readonly leaving: number[] = [];
  private same: number[] = [];
  private other: number[] = [];
  private repo = 0;
  private last = -1;

  constructor(g: OrderGraph, cycles: readonly Cycle[]) {
    this.g = g;
    this.cycles = cycles;
  }

  private repoOf(i: number): number {
    return this.g.pool.repoOf.data[this.g.elements[i]!]!;
  }

  add(i: number): void {
    if (this.g.pool.isInstalled(this.g.elements[i]!)) this.leaving.push(i);
    else if (this.repoOf(i) === this.repo) this.same.push(i);
    else this.other.push(i);
  }

  private shareCycle(a: number, b: number): boolean {
    return this.cycles.some(({ elements }) => elements.includes(a) && elements.includes(b));
  }

  next(): number | undefined {
    const gone = this.leaving.shift();
    if (gone !== undefined) return gone;
    if (this.same.length === 0) {
      if (this.other.length === 0) return undefined;
      const repo = this.repoOf(this.other[0]!);
      this.repo = repo;
      this.same = this.other.filter((i) => this.repoOf(i) === repo);
      this.other = this.other.filter((i) => this.repoOf(i) !== repo);
      this.last = this.same.shift()!;
      return this.last;
    }
    // Members of one ring stay together.
    const mate = this.last < 0 ? -1 : this.same.findIndex((i) => this.shareCycle(this.last, i));
    this.last = this.same.splice(Math.max(mate, 0), 1)[0]!;
    return this.last;
  }
}

/** Orders a transaction: what is needed comes before what needs it. */
export function orderTransaction(transaction: Transaction): TransactionOrder {
  const g = new OrderGraph(transaction);
  const cycles = breakCycles(g);
  tieCycles(g, cycles);
  const waiting = new Int32Array(g.elements.length);
  const needers: number[][] = g.elements.map(() => []);
  g.edges.forEach((list, i) => {
    for (const e of list) {
      if (e.type & edge.broken) continue;
      waiting[i]!++;
      needers[e.to]!.push(i);
    }
  });
  // The one that asked last is freed first.
  for (const list of needers) list.reverse();
  const queues = new Queues(g, cycles);
  for (let i = 0; i < g.elements.length; i++) if (waiting[i] === 0) queues.add(i);
  const steps: number[] = [];
  const done = new Set<number>();
  for (let i = queues.next(); i !== undefined; i = queues.next()) {
    const p = g.elements[i]!;
    steps.push(p);
    if (!g.pool.isInstalled(p))
      for (const old of transaction.counterparts(p))
        if (!done.has(old)) {
          done.add(old);
          steps.push(old);
        }
    for (const k of needers[i]!) if (--waiting[k]! === 0) queues.add(k);
  }
  const hidden = edge.broken | edge.cycleTail | edge.cycleHead;
  const edges = g.edges.flatMap((list, i) =>
    list
      .filter((e) => (e.type & ~hidden) !== 0)
      .map((e) => ({ from: g.elements[i]!, to: g.elements[e.to]!, type: e.type & ~hidden })),
  );
  return { steps, edges };
}
