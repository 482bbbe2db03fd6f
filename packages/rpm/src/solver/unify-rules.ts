// Sorting the package rules and dropping the doubles.
import type { SolverState } from './state.ts';

/** Orders two rules: by first literal, then literal by literal, a missing one counting as 0. */
export function compareRules(s: SolverState, a: number, b: number): number {
  const { p, d, w2 } = s;
  if (p[a] !== p[b]) return p[a]! - p[b]!;
  const da = s.listOf(a);
  const db = s.listOf(b);
  if (da === 0 && db === 0) return w2[a]! - w2[b]!;
  const data = s.providers.data.data;
  // A rule of two literals comes before a longer one that starts like it.
  if (da === 0) return w2[a]! - data[db]! || -1;
  if (db === 0) return data[da]! - w2[b]! || 1;
  if (d[a] === d[b]) return 0;
  for (let i = 0; ; i++) {
    const x = data[da + i]!;
    const y = data[db + i]!;
    if (x !== y) return x - y;
    if (x === 0) return 0;
  }
}

/** Sorts the package rules and drops the doubles. A recommendation that is also required is only required. */
export function unifyRules(s: SolverState): void {
  const order = new Uint32Array(s.ruleCount - 1);
  for (let i = 0; i < order.length; i++) order[i] = i + 1;
  order.sort((a, b) => compareRules(s, a, b));
  const recommended = new Set(s.recommendRules);
  s.recommendRules = [];
  const { p, d, w2 } = s;
  const np = new Int32Array(order.length + 1);
  const nd = new Int32Array(order.length + 1);
  const nw = new Int32Array(order.length + 1);
  let n = 1;
  let previous = 0;
  let weak = false;
  const close = (): void => {
    if (weak) s.recommendRules.push(n - 1);
  };
  for (const r of order) {
    if (previous !== 0 && compareRules(s, previous, r) === 0) {
      weak &&= recommended.has(r);
      continue;
    }
    close();
    weak = recommended.has(r);
    np[n] = p[r]!;
    nd[n] = d[r]!;
    nw[n] = w2[r]!;
    previous = r;
    n++;
  }
  close();
  const data = s.providers.data.data;
  for (let i = 1; i < n; i++) {
    p[i] = np[i]!;
    s.w1[i] = np[i]!;
    d[i] = nd[i]!;
    w2[i] = nd[i] === 0 ? nw[i]! : data[nd[i]!]!;
  }
  s.ruleCount = n;
}
