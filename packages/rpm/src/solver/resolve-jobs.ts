// The requests: every job rule that is still open gets its candidate.
import { selectAndInstall } from './choose.ts';
import { reason, type SolverState } from './state.ts';

/** Undecided positive literals of a rule that nothing fulfils yet; empty when it needs no choice. */
function openLiterals(s: SolverState, r: number): number[] {
  const out: number[] = [];
  const settled = s.someLiteral(r, (l) => {
    if (l < 0) return s.decision[-l]! <= 0;
    if (s.decision[l]! > 0) return true;
    if (s.decision[l] === 0) out.push(l);
    return false;
  });
  return settled ? [] : out;
}

/** Returns the level reached; lower than `start` after trouble. */
export function resolveJobs(s: SolverState, start: number, disableRules: boolean): number {
  let level = start;
  for (let r = s.job.start; r < s.job.end; r++) {
    if (s.isDisabled(r)) continue;
    let open = openLiterals(s, r);
    if (open.length === 0) continue;
    const job = s.jobs[s.ruleToJob[r - s.job.start]!]!;
    if (open.length > 1 && s.pool.installed !== undefined && !s.updateAll && !s.mayUpdate(job)) {
      // What is there is enough, unless it is to be updated.
      if (!open.some((p) => s.isInstalled(p) && s.updateSet.has(p))) {
        const kept = open.filter((p) => s.isInstalled(p));
        if (kept.length > 0) open = kept;
      }
    }
    const before = level;
    level = selectAndInstall(s, level, open, disableRules, r, reason.resolveJob);
    if (level > before) continue;
    if (level === before) {
      r--;
      continue;
    }
    if (level < start) return level;
    r = s.job.start - 1;
  }
  return level;
}
