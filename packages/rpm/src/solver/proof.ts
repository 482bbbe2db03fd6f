// Why a problem cannot be solved: the rules of its proof in an order in which each one leaves a single way.
import { ruleInfo } from './rule-info.ts';
import { ruleType } from './rule-type.ts';
import type { SolverState } from './state.ts';

export interface ProofStep {
  /** The literal that follows, 0 for the contradiction at the end. */
  readonly literal: number;
  /** The rule it follows from, 0 for a premise. */
  readonly rule: number;
}

/** Steps from the rules that stand at `why`, each forced by those before it. */
function stepsAt(s: SolverState, why: number): ProofStep[] {
  const negative = new Map<number, boolean>();
  const out: ProofStep[] = [];
  for (let i = why; s.learntPool[i] !== 0; i++) {
    const rule = s.learntPool[i]!;
    let literal = 0;
    for (const l of s.literals(rule)) {
      const p = Math.abs(l);
      const before = negative.get(p);
      if (before === undefined) negative.set(p, l < 0);
      else if (before === l > 0) literal = l;
    }
    out.push({ literal, rule });
  }
  out.reverse();
  // A clash of two packages of one name reads better the other way round: the second one is what cannot come.
  const end = out[out.length - 1];
  const last = out[out.length - 2];
  if (end !== undefined && last !== undefined && last.literal > 0) {
    const r = end.rule;
    if (
      ruleInfo(s, r).type === ruleType.pkgSameName &&
      s.listOf(r) === 0 &&
      s.w2[r]! < 0 &&
      (last.literal === -s.p[r]! || last.literal === -s.w2[r]!)
    )
      out.splice(-2, 2, { literal: -last.literal, rule: r }, { literal: 0, rule: last.rule });
  }
  return out;
}

/** The proof of problem number `problem`. */
export function problemProof(s: SolverState, problem: number): ProofStep[] {
  return stepsAt(s, s.problems[problem]![0]!);
}

/** The proof of a learnt rule: supposing that none of its literals holds leads to a contradiction. */
export function learntProof(s: SolverState, rule: number): ProofStep[] {
  const premises = s.literals(rule).map((l) => ({ literal: -l, rule: 0 }));
  return [...premises, ...stepsAt(s, s.learntWhy[rule - s.learntStart]!)];
}
