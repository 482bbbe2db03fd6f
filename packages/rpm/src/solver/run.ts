// The main loop: jobs, installed packages, open requirements, then weak dependencies, then fewer packages where there is a way.
import { dropUnneededChoices } from './choice-rules.ts';
import { replacesInstalled } from './choose.ts';
import { checkCleandepsMistakes } from './cleandeps.ts';
import { orphanNeeds } from './orphans.ts';
import { filterCandidates, updateWeakMaps } from './policy.ts';
import { resolveInstalled } from './resolve-installed.ts';
import { resolveJobs } from './resolve-jobs.ts';
import { resolveRequirements } from './resolve-requirements.ts';
import { resolveWeak } from './resolve-weak.ts';
import { decideAndLearn, decideAssertions, propagate, revert } from './search.ts';
import { type Branch, reason, type SolverState } from './state.ts';
import { analyzeUnsolvable, resetSearch } from './unsolvable.ts';
import { isSupplementing } from './weak.ts';

/** What a phase leads to: the level, and whether the loop must begin anew. */
interface Phase {
  readonly level: number;
  readonly again: boolean;
}

/** Unneeded packages go; those that cannot are found later. */
function resolveCleandeps(s: SolverState, start: number): Phase {
  let level = start;
  for (let p = s.installedStart; p < s.installedEnd; p++) {
    if (!s.isInstalled(p) || s.decision[p] !== 0 || !s.cleandeps!.has(p)) continue;
    const before = level;
    level = decideAndLearn(s, level, -p, false, 0, reason.cleandeps);
    if (level < before) return { level, again: true };
  }
  return { level, again: false };
}

/** Installed packages that nothing replaces stay if they can. */
function resolveOrphans(s: SolverState, start: number): Phase {
  let level = start;
  let any = false;
  for (const p of s.orphaned) {
    if (s.decision[p] !== 0 || s.dropsOrphan(p)) continue;
    const before = level;
    level = decideAndLearn(s, level, p, false, 0, reason.resolveOrphan);
    any = true;
    if (level < before) break;
  }
  if (any) return { level, again: true };
  for (const p of s.orphaned) {
    if (s.decision[p] !== 0) continue;
    const before = level;
    level = decideAndLearn(s, level, -p, false, 0, reason.resolveOrphan);
    if (level < before) return { level, again: true };
  }
  if (s.brokenOrphanRules === undefined) return { level, again: false };
  const open = orphanNeeds(s);
  if (open.length === 0) return { level, again: false };
  for (const p of filterCandidates(s, open, 'choose')) {
    const before = level;
    level = decideAndLearn(s, level, p, false, 0, reason.resolveOrphan);
    if (level < before) break;
  }
  return { level, again: true };
}

/** Whatever installed package is still open is not wanted by anyone. */
function dropUndecided(s: SolverState, start: number): Phase {
  let level = start;
  for (let p = s.installedStart; p < s.installedEnd; p++) {
    if (s.decision[p] !== 0 || !s.isInstalled(p)) continue;
    const before = level;
    level = decideAndLearn(s, level, -p, false, 0, reason.cleandeps);
    if (level < before) return { level, again: true };
  }
  return { level, again: false };
}

/** Goes back to a branch and takes another one of its candidates. */
function takeBranch(s: SolverState, branch: Branch, position: number, disableRules: boolean): number {
  const { level } = branch;
  const p = branch.packages[position]!;
  branch.packages[position] = -p;
  const at = s.queue.findIndex((v) => Math.abs(s.decision[v > 0 ? v : -v]!) === level + 1);
  const rule = -s.why[at]!;
  const because = s.levelReasons[level + 1]!;
  // The branch itself stays.
  const kept = s.branches.slice(0, s.branches.indexOf(branch) + 1);
  revert(s, level);
  s.branches = kept;
  return decideAndLearn(s, level, p, disableRules, rule, because);
}

/**
 * A choice that turned out needless: another candidate came in later anyhow, or is recommended while the chosen one is not.
 * The earliest such branch counts.
 */
function needlessChoice(s: SolverState): { branch: Branch; position: number } | undefined {
  let found: { branch: Branch; position: number } | undefined;
  updateWeakMaps(s);
  const wanted = (p: number): boolean => s.recommendsMap.has(p) || isSupplementing(s, p);
  for (let b = s.branches.length - 1; b >= 0; b--) {
    const branch = s.branches[b]!;
    const { packages, level } = branch;
    let recommended = -1;
    for (const [i, p] of packages.entries()) {
      if (p <= 0) continue;
      if (s.decision[p]! > level) {
        found = { branch, position: i };
        recommended = -1;
        break;
      }
      if (s.favor !== undefined && s.favor[p]! < 0) continue;
      if (recommended < 0 && wanted(p)) recommended = i;
    }
    if (recommended < 0) continue;
    const other = packages[recommended]!;
    const replaceable = packages.some((tried) => {
      const p = -tried;
      if (p <= 0 || s.decision[p] !== level + 1) return false;
      if (s.favor !== undefined && s.favor[p]! > s.favor[other]!) return false;
      return !replacesInstalled(s, p) && !wanted(p);
    });
    if (replaceable) found = { branch, position: recommended };
  }
  return found;
}

/** Past this many steps of making the solution smaller it is taken as it is. */
const mostMinimizations = 20_000;

/** Runs the search to its end. With `disableRules`, contradictory rules are switched off and noted as problems; else the first problem ends it. */
export function runSearch(s: SolverState, disableRules: boolean, weak: boolean): void {
  const haveInstalled = s.installedEnd > s.installedStart;
  let level = 0;
  let systemLevel = 1;
  s.installedPosition = 0;
  s.extraReordering = false;
  const reordering = (run: () => number): number => {
    s.extraReordering = haveInstalled;
    const reached = run();
    s.extraReordering = false;
    return reached;
  };
  for (;;) {
    if (level < 0) return;
    if (level === 0) {
      level = decideAssertions(s, disableRules);
      if (level < 0) return;
      const conflict = propagate(s, level);
      if (conflict !== 0) {
        level = analyzeUnsolvable(s, conflict, disableRules);
        continue;
      }
      systemLevel = level + 1;
    }
    const phases: (() => number)[] = [];
    if (!s.flags.focusinstalled) {
      phases.push(() => reordering(() => resolveJobs(s, level, disableRules)));
      if ((s.flags.focusnew || s.flags.focusbest) && haveInstalled)
        phases.push(() => reordering(() => resolveRequirements(s, level, disableRules)));
    }
    if (haveInstalled) phases.push(() => resolveInstalled(s, level, disableRules));
    if (s.flags.focusinstalled) phases.push(() => resolveJobs(s, level, disableRules));
    let back = false;
    for (const phase of phases) {
      if (level >= systemLevel) break;
      const before = level;
      level = phase();
      if (level < before) {
        back = true;
        break;
      }
      systemLevel = level + 1;
    }
    if (back) continue;
    if (level < systemLevel) systemLevel = level;
    const before = level;
    level = resolveRequirements(s, level, disableRules);
    if (level < before) continue;
    const steps: (() => Phase)[] = [];
    if (s.cleandeps !== undefined && haveInstalled) steps.push(() => resolveCleandeps(s, level));
    if (weak) steps.push(() => resolveWeak(s, level));
    if (haveInstalled && (s.orphaned.length > 0 || s.brokenOrphanRules !== undefined))
      steps.push(() => resolveOrphans(s, level));
    if (haveInstalled) steps.push(() => dropUndecided(s, level));
    let again = false;
    for (const step of steps) {
      const result = step();
      level = result.level;
      again = result.again;
      if (again) break;
    }
    if (again) continue;
    if (
      (s.cleandeps !== undefined && haveInstalled && checkCleandepsMistakes(s)) ||
      (s.choice.start !== s.choice.end && dropUnneededChoices(s))
    ) {
      resetSearch(s);
      level = 0;
      continue;
    }
    const needless = s.branches.length > 0 ? needlessChoice(s) : undefined;
    if (needless === undefined || s.minimizations++ > mostMinimizations) return;
    level = takeBranch(s, needless.branch, needless.position, disableRules);
  }
}
