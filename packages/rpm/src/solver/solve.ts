// The solver's front door.
import { CoppiceError } from '@coppice/base';
import { defaultSolverFlags, type Job, type SolverFlags } from './job.ts';
import type { Pool } from './pool.ts';
import { runSearch } from './run.ts';
import { setUp } from './setup.ts';
import { SolverState } from './state.ts';
import { type Step, stepsOf } from './transaction.ts';

export interface Solution {
  /** Empty when there are problems that nobody allowed to work around; then it holds what remains possible. */
  readonly steps: readonly Step[];
  readonly problemCount: number;
  /** The state, for everything else that can be asked (problems, alternatives, reasons). */
  readonly state: SolverState;
}

const notBuilt = [
  'splitprovides',
  'onlyinstallrecommendedfromnew',
  'needupdateprovide',
  'breakorphans',
  'urpmreorder',
] as const satisfies readonly (keyof SolverFlags)[];

/**
 * Solves jobs over a pool. Unsolvable jobs are no error: see `problemCount` and `state.problems`. Throws `Unsupported` for a
 * switch that is not built.
 */
export function solve(pool: Pool, jobs: readonly Job[], flags: Partial<SolverFlags> = {}): Solution {
  for (const flag of notBuilt)
    if (flags[flag] === true) throw new CoppiceError('Unsupported', `not built yet: solver flag '${flag}'`);
  const state = new SolverState(pool, jobs, { ...defaultSolverFlags(), ...flags });
  setUp(state);
  runSearch(state, true, !state.flags.ignorerecommended);
  return { steps: stepsOf(state), problemCount: state.problems.length, state };
}
