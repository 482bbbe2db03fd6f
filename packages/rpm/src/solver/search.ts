// The search itself: unit propagation over two watched literals, learning from conflicts, going back.

import { enabledDisabledLearnt } from './disable.ts';
import { systemSolvable } from './pool.ts';
import type { SolverState } from './state.ts';
import { analyzeUnsolvable, analyzeUnsolvableAssertion, giveUp } from './unsolvable.ts';

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

function decide(s: SolverState, literal: number, level: number, why: number): void {
  if (literal > 0) s.decision[literal] = level;
  else s.decision[-literal] = -level;
  s.queue.push(literal);
  s.why.push(why);
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
      decide(s, other, level, r);
      previous = r;
      previousFirst = first;
      r = next;
    }
  }
  return 0;
}

/** Undoes every decision above `level`; branches at or above it are gone. */
export function revert(s: SolverState, level: number): void {
  while (s.queue.length > 0) {
    const v = s.queue[s.queue.length - 1]!;
    const at = v > 0 ? v : -v;
    if (Math.abs(s.decision[at]!) <= level) break;
    s.decision[at] = 0;
    s.queue.pop();
    s.why.pop();
    s.propagateIndex = s.queue.length;
  }
  while (s.branches.length > 0 && s.branches[s.branches.length - 1]!.level >= level) s.branches.pop();
  if (s.recommendsIndex > s.queue.length) s.recommendsIndex = -1;
  s.levelReasons.length = level + 1;
}

interface Learnt {
  readonly level: number;
  readonly first: number;
  readonly rest: number[];
  readonly why: number;
}

/** Finds the first unique implication point of a conflict: the rule to learn and the level to go back to. */
function analyze(s: SolverState, level: number, conflict: number): Learnt {
  const proof = s.learntPool;
  const why = proof.length;
  const seen = new Uint8Array(s.pool.count);
  const rest: number[] = [];
  let backLevel = 1;
  let atLevel = 0;
  let atLevelOne = 0;
  let first = 0;
  let index = s.queue.length;
  const note = (v: number): boolean => {
    if (s.isTrue(v)) return false;
    const at = v > 0 ? v : -v;
    if (seen[at]) return false;
    seen[at] = 1;
    const l = Math.abs(s.decision[at]!);
    if (l === 1) atLevelOne++;
    else if (l === level) atLevel++;
    else {
      rest.push(v);
      if (l > backLevel) backLevel = l;
    }
    return false;
  };
  for (let rule = conflict; ; ) {
    proof.push(rule);
    s.someLiteral(rule, note);
    rule = 0;
    while (rule <= 0) {
      // Once the point is found, only what was decided at the first level is followed, for the proof.
      if (atLevel === 0 && --atLevelOne === 0) break;
      let v = 0;
      do v = s.queue[--index]!;
      while (seen[v > 0 ? v : -v] === 0);
      seen[v > 0 ? v : -v] = 0;
      if (atLevel > 0 && --atLevel === 0) {
        first = -v;
        if (atLevelOne === 0) break;
        for (const l of rest) seen[l > 0 ? l : -l] = 0;
        atLevelOne++;
        continue;
      }
      rule = s.why[index]!;
    }
    if (rule <= 0) break;
  }
  proof.push(0);
  return { level: backLevel, first, rest, why };
}

/** Sets the second watch of a learnt rule on its literal of the highest level; the first one is about to be decided. */
function watchHighest(s: SolverState, r: number): void {
  const d = s.d[r]!;
  if (d === 0) return;
  const data = s.providers.data.data;
  let highest = 0;
  for (let at = d; data[at] !== 0; at++) {
    const v = data[at]!;
    const l = Math.abs(s.decision[v > 0 ? v : -v]!);
    if (l > highest) {
      s.w2[r] = v;
      highest = l;
    }
  }
}

/**
 * Decides a literal one level up, draws the conclusions and learns from conflicts until there is none. Returns the level
 * reached; 0 when rules were disabled and the search must start over, -1 when there is no solution.
 */
export function decideAndLearn(
  s: SolverState,
  startLevel: number,
  literal: number,
  disableRules: boolean,
  rule: number,
  because: number,
): number {
  let level = startLevel + 1;
  decide(s, literal, level, -rule);
  s.levelReasons.push(because);
  for (;;) {
    const conflict = propagate(s, level);
    if (conflict === 0) return level;
    if (level === 1) return analyzeUnsolvable(s, conflict, disableRules);
    const learnt = analyze(s, level, conflict);
    level = learnt.level;
    revert(s, level);
    const r = s.addListRule(learnt.first, learnt.rest);
    s.learntWhy.push(learnt.why);
    if (s.w2[r] !== 0) {
      watchHighest(s, r);
      watchRule(s, r);
    } else s.ruleAssertions.push(r);
    decide(s, learnt.first, level, r);
  }
}

/** Makes the decisions that the single-literal rules of one kind force; calls `clash` for one that cannot be, which tells whether to go on. */
function assertAll(s: SolverState, weak: boolean, clash: (r: number) => boolean): boolean {
  let adapt = s.learntAdapt;
  for (let i = 0; i < s.ruleAssertions.length; i++) {
    const r = s.ruleAssertions[i]!;
    const learnt = r >= s.learntStart;
    if (!weak && adapt && learnt) {
      enabledDisabledLearnt(s);
      adapt = false;
      s.learntAdapt = false;
    }
    if (s.isDisabled(r) || s.p[r] === 0 || s.w2[r] !== 0) continue;
    if ((!learnt && s.weakRules.has(r)) !== weak) continue;
    const v = s.p[r]!;
    if (s.isUndecided(v)) decide(s, v, 1, r);
    else if (!s.isTrue(v)) {
      if (!weak && learnt) s.disableRule(r);
      else if (!clash(r)) return false;
    }
  }
  return true;
}

/**
 * Makes the decisions that single-literal rules force. Contradictions become problems; the rules to blame are disabled.
 * Returns the level (1), or -1 when there is a problem and nothing may be disabled.
 */
export function decideAssertions(s: SolverState, disableRules: boolean): 1 | -1 {
  decide(s, systemSolvable, 1, 0);
  s.levelReasons.push(0, 0);
  s.learntAdapt = false;
  for (;;) {
    while (s.queue.length > 1) {
      const v = s.queue.pop()!;
      s.why.pop();
      s.decision[v > 0 ? v : -v] = 0;
    }
    let hopeless = false;
    const strong = assertAll(s, false, (r) => {
      hopeless = analyzeUnsolvableAssertion(s, r, disableRules) < 0;
      s.learntAdapt = true;
      return false;
    });
    if (hopeless) return -1;
    if (!strong) continue;
    if (!s.hasWeakRules) return 1;
    const soft = assertAll(s, true, (r) => {
      giveUp(s, r);
      s.learntAdapt = true;
      return false;
    });
    if (soft) return 1;
  }
}
