// The search itself: unit propagation over two watched literals, learning from conflicts, going back.

import { systemSolvable } from './pool.ts';
import { reason, type SolverState } from './state.ts';
import { analyzeUnsolvable, analyzeUnsolvableAssertion } from './unsolvable.ts';

/** Puts a rule into the watch lists of its two watched literals. */
export function watchRule(s: SolverState, r: number): void {
  if (s.w2[r] === 0) return;
  const n = s.pool.count;
  const a = s.w1[r]! + n;
  const b = s.w2[r]! + n;
  s.n1[r] = s.watches[a]!;
  s.watches[a] = r;
  s.n2[r] = s.watches[b]!;
  s.watches[b] = r;
}

/** Fills the watch lists; earlier rules come first in them. */
export function makeWatches(s: SolverState): void {
  s.watches = new Int32Array(2 * s.pool.count + 1);
  for (let r = s.ruleCount - 1; r > 0; r--) watchRule(s, r);
}

export function decide(s: SolverState, literal: number, level: number, why: number, because: number): void {
  if (literal > 0) s.decision[literal] = level;
  else s.decision[-literal] = -level;
  s.queue.push(literal);
  s.why.push(why);
  s.reasons.push(because);
}

/** Draws every conclusion from the decisions; returns the rule that fails, or 0. */
export function propagate(s: SolverState, level: number): number {
  const { p, d, w1, w2, n1, n2, watches, decision, queue } = s;
  const n = s.pool.count;
  const data = s.providers.data.data;
  while (s.propagateIndex < queue.length) {
    const literal = -queue[s.propagateIndex++]!;
    // The rule before this one in the list holds the link to it, in one of its two slots.
    let previous = 0;
    let previousFirst = false;
    let r = watches[literal + n]!;
    while (r !== 0) {
      const first = w1[r] === literal;
      const next = first ? n1[r]! : n2[r]!;
      const other = first ? w2[r]! : w1[r]!;
      const list = d[r]!;
      if (list < 0 || (other > 0 ? decision[other]! > 0 : decision[-other]! < 0)) {
        previous = r;
        previousFirst = first;
        r = next;
        continue;
      }
      if (list > 0) {
        let found = 0;
        const head = p[r]!;
        if (head !== other && !(head > 0 ? decision[head]! < 0 : decision[-head]! > 0)) found = head;
        else
          for (let at = list; data[at] !== 0; at++) {
            const l = data[at]!;
            if (l !== other && !(l > 0 ? decision[l]! < 0 : decision[-l]! > 0)) {
              found = l;
              break;
            }
          }
        if (found !== 0) {
          if (previous === 0) watches[literal + n] = next;
          else if (previousFirst) n1[previous] = next;
          else n2[previous] = next;
          if (first) {
            w1[r] = found;
            n1[r] = watches[found + n]!;
          } else {
            w2[r] = found;
            n2[r] = watches[found + n]!;
          }
          watches[found + n] = r;
          r = next;
          continue;
        }
      }
      if (other > 0 ? decision[other]! < 0 : decision[-other]! > 0) return r;
      decide(s, other, level, r, reason.unit);
      previous = r;
      previousFirst = first;
      r = next;
    }
  }
  return 0;
}

/** Undoes every decision above `level`. */
export function revert(s: SolverState, level: number): void {
  while (s.queue.length > 0) {
    const v = s.queue[s.queue.length - 1]!;
    const at = v > 0 ? v : -v;
    if (Math.abs(s.decision[at]!) <= level) break;
    s.decision[at] = 0;
    s.queue.pop();
    s.why.pop();
    s.reasons.pop();
  }
  if (s.propagateIndex > s.queue.length) s.propagateIndex = s.queue.length;
  while (s.branches.length > 0 && s.branches[s.branches.length - 1]!.level > level) s.branches.pop();
  if (s.recommendsIndex > s.queue.length) s.recommendsIndex = -1;
}

interface Learnt {
  readonly level: number;
  readonly first: number;
  readonly rest: number[];
  readonly why: number;
}

/** Finds the first unique implication point of a conflict: the rule to learn and the level to go back to. */
function analyze(s: SolverState, level: number, conflict: number): Learnt {
  const pool = s.learntPool;
  const why = pool.length;
  const seen = new Uint8Array(s.pool.count);
  const rest: number[] = [];
  let backLevel = 1;
  let atLevel = 0;
  let atLevelOne = 0;
  let first = 0;
  let index = s.queue.length;
  let rule = conflict;
  for (;;) {
    pool.push(rule);
    for (const v of s.literals(rule)) {
      if (s.isTrue(v)) continue;
      const at = v > 0 ? v : -v;
      if (seen[at]) continue;
      seen[at] = 1;
      const l = Math.abs(s.decision[at]!);
      if (l === 1) atLevelOne++;
      else if (l === level) atLevel++;
      else {
        rest.push(v);
        if (l > backLevel) backLevel = l;
      }
    }
    let done = false;
    for (;;) {
      // Once the point is found, only what was decided at the first level is followed, for the proof.
      if (atLevel === 0 && first !== 0 && atLevelOne === 0) {
        done = true;
        break;
      }
      let v = 0;
      for (;;) {
        v = s.queue[--index]!;
        if (seen[v > 0 ? v : -v]) break;
      }
      seen[v > 0 ? v : -v] = 0;
      if (atLevel > 0) {
        if (--atLevel === 0) {
          first = -v;
          for (const l of rest) seen[l > 0 ? l : -l] = 0;
          continue;
        }
      } else if (first !== 0) atLevelOne--;
      rule = s.why[index]!;
      if (rule > 0) break;
    }
    if (done) break;
  }
  pool.push(0);
  return { level: backLevel, first, rest, why };
}

/** Sets the two watches of a learnt rule on its literals of the highest levels. */
function watchHighest(s: SolverState, r: number): void {
  let l1 = -1;
  let l2 = -1;
  let a = 0;
  let b = 0;
  const list = s.d[r]!;
  if (list === 0) return;
  for (const v of s.literals(r)) {
    const l = Math.abs(s.decision[v > 0 ? v : -v]!);
    if (l > l1) {
      l2 = l1;
      b = a;
      l1 = l;
      a = v;
    } else if (l > l2) {
      l2 = l;
      b = v;
    }
  }
  s.w1[r] = a;
  s.w2[r] = b;
}

/**
 * Decides a literal (if not 0) one level up, draws the conclusions and learns from conflicts until there is none.
 * Returns the level reached; 0 when the problem was declared unsolvable and everything was reset.
 */
export function decideAndLearn(
  s: SolverState,
  startLevel: number,
  literal: number,
  disableRules: boolean,
  rule: number,
  because: number,
): number {
  let level = startLevel;
  if (literal !== 0) {
    level++;
    decide(s, literal, level, -rule, because);
  }
  for (;;) {
    const conflict = propagate(s, level);
    if (conflict === 0) return level;
    if (level === 1) return analyzeUnsolvable(s, conflict, disableRules);
    const learnt = analyze(s, level, conflict);
    level = learnt.level;
    const r = s.addRule(learnt.first, 0, learnt.rest.length > 0 ? s.providers.store(learnt.rest) : 0);
    s.learntWhy.push(learnt.why);
    revert(s, level);
    if (learnt.rest.length > 0) {
      watchHighest(s, r);
      watchRule(s, r);
    } else s.ruleAssertions.push(r);
    decide(s, learnt.first, level, r, reason.unit);
  }
}

/**
 * Makes the decisions that single-literal rules force. Contradictions become problems; the rules to blame are disabled.
 * Returns the level (1), or 0 when there is a problem and nothing may be disabled.
 */
export function decideAssertions(s: SolverState, disableRules: boolean): number {
  restart: for (;;) {
    if (s.queue.length === 0) decide(s, systemSolvable, 1, 0, reason.unrelated);
    const start = s.queue.length;
    let haveDisabled = false;
    for (const r of s.ruleAssertions) {
      if (s.weakRules.has(r)) {
        haveDisabled = true;
        continue;
      }
      if (s.isDisabled(r) || s.p[r] === 0 || s.w2[r] !== 0) continue;
      const v = s.p[r]!;
      if (s.isUndecided(v)) {
        decide(s, v, 1, r, reason.unit);
        continue;
      }
      if (s.isTrue(v)) continue;
      if (analyzeUnsolvableAssertion(s, r, disableRules) < 0) return 0;
      while (s.queue.length > start) {
        const u = s.queue.pop()!;
        s.why.pop();
        s.reasons.pop();
        s.decision[u > 0 ? u : -u] = 0;
      }
      s.propagateIndex = 0;
      continue restart;
    }
    if (!haveDisabled) return 1;
    // Weak ones last; those that contradict are dropped.
    for (const r of s.ruleAssertions) {
      if (!s.weakRules.has(r) || s.isDisabled(r) || s.p[r] === 0 || s.w2[r] !== 0) continue;
      const v = s.p[r]!;
      if (s.isUndecided(v)) {
        decide(s, v, 1, r, reason.unit);
        continue;
      }
      if (s.isTrue(v)) continue;
      s.disableRule(r);
    }
    return 1;
  }
}
