import { CoppiceError } from '@coppice/base';
import fc from 'fast-check';
import { archiveTargets } from './archives.ts';
import { deltaTargets } from './deltas.ts';
import { objectTargets } from './objects.ts';
import type { FuzzTarget } from './target.ts';
import { textTargets } from './texts.ts';

const slowestAllowed = 5000;

export interface Tally {
  readonly cases: number;
  taken: number;
  refused: number;
  /** Of one case, in milliseconds. */
  slowest: number;
}

/** Every kind of input; their repositories are made below `base`. */
export async function fuzzTargets(base: string): Promise<FuzzTarget<never>[]> {
  return [...objectTargets(base), ...textTargets(base), ...archiveTargets(base), ...(await deltaTargets(base))];
}

/** Runs the cases of one kind. Throws for an error that does not blame the input, for what takes long or reaches outside. */
export function carryOut(target: FuzzTarget<never>, numRuns: number, seed: number): Tally {
  const tally: Tally = { cases: numRuns, taken: 0, refused: 0, slowest: 0 };
  for (const right of target.seeds ?? []) target.run(right);
  fc.assert(
    fc.property(target.input, (value) => {
      const begun = performance.now();
      try {
        target.run(value);
        tally.taken++;
      } catch (error) {
        if (!(error instanceof CoppiceError) || error.kind === 'bug') throw error;
        tally.refused++;
      }
      const took = performance.now() - begun;
      if (took > slowestAllowed) throw new Error(`took ${took.toFixed(0)} ms`);
      tally.slowest = Math.max(tally.slowest, took);
    }),
    { numRuns, seed },
  );
  const touched = target.check?.();
  if (touched !== undefined) throw new Error(touched);
  return tally;
}
