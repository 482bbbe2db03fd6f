// Rings of needs in a transaction: each is broken at its weakest edge, and what depends on it is tied to its ends.
import { type Edge, edge, hasScripts, type OrderGraph } from './order-graph.ts';

/** A ring that was broken: its elements from the tail (which comes first) on, and the kind of the edge given up. */
export interface Cycle {
  readonly elements: readonly number[];
  readonly type: number;
}

interface Ring {
  readonly elements: readonly number[];
  /** `edges[k]` leads from element k to the next one. */
  readonly edges: readonly Edge[];
}

const betweenLeaving = edge.requiresBetweenLeaving | edge.prerequiresBetweenLeaving;

/** How much an edge matters; those between leaving packages count as those to coming ones. */
function weight(type: number): number {
  let out = type & ~betweenLeaving;
  if (type & edge.requiresBetweenLeaving) out |= edge.requiresLeaving;
  if (type & edge.prerequiresBetweenLeaving) out |= edge.prerequiresLeaving;
  return out;
}

function touchesScripts(g: OrderGraph, ring: Ring, k: number): boolean {
  let { type } = ring.edges[k]!;
  const scripts = (i: number): boolean => hasScripts(g.pool, g.elements[ring.elements[i % ring.elements.length]!]!);
  if (type & betweenLeaving) {
    // Such an edge is turned round: the next element is the one that needs.
    if (scripts(k + 1)) return true;
    type &= ~betweenLeaving;
  }
  return type !== 0 && scripts(k);
}

function breakRing(g: OrderGraph, ring: Ring): Cycle {
  let weakest = 0;
  ring.edges.forEach((e, k) => {
    const order = weight(e.type) - weight(ring.edges[weakest]!.type);
    if (k === 0) return;
    if (order < 0) weakest = k;
    else if (order === 0 && touchesScripts(g, ring, weakest) && !touchesScripts(g, ring, k)) weakest = k;
  });
  const broken = ring.edges[weakest]!;
  const { type } = broken;
  broken.type |= edge.broken;
  const { elements } = ring;
  return { elements: [...elements.slice(weakest + 1), ...elements.slice(0, weakest + 1)], type };
}

const isBroken = (e: Edge): boolean => (e.type & edge.broken) !== 0;

/** Breaks every ring. */
export function breakCycles(g: OrderGraph): Cycle[] {
  const out: Cycle[] = [];
  /** 0 not seen, 1 under investigation, 2 done. */
  const mark = new Uint8Array(g.elements.length);
  // Elements to look at; -1 - i marks the end of the edges of i.
  const todo = g.elements.map((_, i) => i).reverse();
  while (todo.length > 0) {
    const i = todo.pop()!;
    if (i < 0) {
      mark[-1 - i] = 2;
      continue;
    }
    if (mark[i] === 2) continue;
    if (mark[i] === 0) {
      const open = g.edges[i]!.filter((e) => !isBroken(e) && mark[e.to] !== 2);
      mark[i] = open.length === 0 ? 2 : 1;
      if (open.length > 0) todo.push(-1 - i, ...open.map((e) => e.to));
      continue;
    }
    const start = todo.lastIndexOf(-1 - i);
    const elements = todo
      .slice(start)
      .filter((v) => v < 0)
      .map((v) => -1 - v);
    for (const k of elements) mark[k] = 0;
    const edges = elements.map((from, k) => {
      const to = elements[k + 1] ?? i;
      return g.edges[from]!.find((e) => e.to === to)!;
    });
    out.push(breakRing(g, { elements, edges }));
    todo.length = start;
    todo.push(i);
  }
  return out;
}

/** Elements that can be reached from a ring, the ring's own as 2. */
function reachableFrom(g: OrderGraph, elements: readonly number[]): Uint8Array {
  const mark = new Uint8Array(g.elements.length);
  const todo = [...elements];
  while (todo.length > 0) {
    const i = todo.pop()!;
    if (mark[i] !== 0) continue;
    mark[i] = 1;
    for (const e of g.edges[i]!) if (!isBroken(e) && mark[e.to] === 0) todo.push(e.to);
  }
  for (const i of elements) mark[i] = 2;
  return mark;
}

/** What needs a ring waits for its tail, which is installed first; what its members need comes before its head. */
function tieToEnds(g: OrderGraph, { elements }: Cycle): void {
  const tail = elements[0]!;
  const reached = reachableFrom(g, elements);
  reached[tail] = 1;
  for (let i = 0; i < g.elements.length; i++) {
    if (reached[i] !== 0) continue;
    if (g.edges[i]!.some((e) => !isBroken(e) && reached[e.to] === 2)) g.addEdge(i, tail, edge.cycleTail);
  }
  const head = elements[elements.length - 1]!;
  // 2: leads into the ring; -1: does not; -2: tied already.
  const mark = new Int8Array(g.elements.length);
  for (const i of elements) mark[i] = 2;
  const visit = (i: number): void => {
    mark[i] = 1;
    for (const e of g.edges[i]!) {
      if (isBroken(e)) continue;
      if (mark[e.to] === 0) visit(e.to);
      if (mark[e.to] === 2) {
        mark[i] = 2;
        return;
      }
    }
    mark[i] = -1;
  };
  const outside = (e: Edge): boolean => {
    if (isBroken(e)) return false;
    if (mark[e.to] === 0) visit(e.to);
    return mark[e.to] === -1;
  };
  for (const e of g.edges[head]!) if (outside(e)) mark[e.to] = -2;
  for (const i of elements.slice(0, -1))
    for (const e of g.edges[i]!)
      if (outside(e)) {
        g.addEdge(head, e.to, edge.cycleHead);
        mark[e.to] = -2;
      }
}

/** Ties every ring to its surroundings, those that hurt most first. */
export function tieCycles(g: OrderGraph, cycles: readonly Cycle[]): void {
  const last = [...cycles].reverse();
  for (const cycle of last) if (cycle.type >= edge.requires) tieToEnds(g, cycle);
  for (const cycle of last) if (cycle.type < edge.requires) tieToEnds(g, cycle);
}
