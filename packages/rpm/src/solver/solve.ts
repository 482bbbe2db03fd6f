// The solver's front door.
import { defaultSolverFlags, type Job, type SolverFlags } from './job.ts';
import type { Pool } from './pool.ts';
import { runSearch } from './run.ts';
import { reusePackageRules, setUp } from './setup.ts';
import { SolverState } from './state.ts';
import { type Step, stepsOf } from './transaction.ts';

export interface Solution {
  /** Empty when there are problems that nobody allowed to work around; then it holds what remains possible. */
  readonly steps: readonly Step[];
  readonly problemCount: number;
  /** The state, for everything else that can be asked (problems, alternatives, reasons). */
  readonly state: SolverState;
}

/**
 * Solves jobs over a pool. Unsolvable jobs are no error: see `problemCount` and `state.problems`. `previous`
 * lends its package rules: what it took in is taken in again.
 */
export function solve(
  pool: Pool,
  jobs: readonly Job[],
  flags: Partial<SolverFlags> = {},
  previous?: SolverState,
): Solution {
  const state = new SolverState(pool, jobs, { ...defaultSolverFlags(), ...flags });
  if (previous !== undefined) reusePackageRules(state, previous);
  setUp(state);
  runSearch(state, true, !state.flags.ignorerecommended);
  return { steps: stepsOf(state), problemCount: state.problems.length, state };
}
