// Rules that insist on the best candidate (forcebest).
import { filterCandidates } from './policy.ts';
import type { SolverState } from './state.ts';

const pushNew = (list: number[], more: readonly number[]): void => {
  for (const p of more) if (!list.includes(p)) list.push(p);
};

/** Excluded packages that are only visible are no candidates. */
function usable(s: SolverState, list: readonly number[]): number[] {
  const { pool } = s;
  if (!pool.flags.whatprovideswithdisabled) return [...list];
  return list.filter((p) => pool.repoOf.data[p] === 0 || s.isInstalled(p) || !pool.disabled.has(p));
}

const best = (s: SolverState, list: readonly number[]): number[] => filterCandidates(s, list, 'recommend');

function bestUpdate(s: SolverState, p: number, list: readonly number[]): number[] {
  let out = [...list];
  const targets = s.updateTargets.get(p);
  if (targets !== undefined) out = out.filter((q) => targets.includes(q));
  if (s.hasDupInvolved && s.dupInvolved.has(p)) out = out.filter((q) => s.dupSet.has(q));
  return best(s, out);
}

/** Packages that a lock job names. */
function lockedPackages(s: SolverState): Set<number> {
  const locked = new Set<number>();
  for (let r = s.job.start; r < s.job.end; r++)
    if (s.w2[r] === 0 && s.jobs[s.ruleToJob[r - s.job.start]!]!.action === 'lock') locked.add(Math.abs(s.p[r]!));
  return locked;
}

/** For every install job that wants the best: only candidates that policy would not drop. */
function jobRules(s: SolverState, locked: ReadonlySet<number>): void {
  s.jobs.forEach((job, i) => {
    if (job.action !== 'install' || job.flags?.forcebest !== true) return;
    for (let r = s.job.start; r < s.job.end; r++) {
      if (s.ruleToJob[r - s.job.start] !== i) continue;
      const literals = s.literals(r);
      const negative = literals.filter((l) => l < 0);
      const all = literals.filter((l) => l > 0);
      const open = usable(s, all);
      if (open.length === 0) continue;
      let list = best(s, open);
      if (list.length === open.length) continue;
      if (locked.size > 0) {
        list = [...negative, ...list];
        const free: number[] = [];
        for (const p of all) {
          if (locked.has(p)) {
            if (!s.isInstalled(p)) continue;
            pushNew(list, [p]);
          }
          free.push(p);
        }
        pushNew(list, best(s, usable(s, free)));
      } else list = [...negative, ...list];
      const rule = s.addListRule(list[0]!, list.slice(1));
      if (job.flags.weak === true) s.markWeak(rule);
      s.bestSource.push(-r);
    }
  });
}

/** The candidates of an installed package among which the best is looked for. */
function updateList(s: SolverState, p: number): number[] {
  const update = s.update.start + p - s.installedStart;
  const feature = s.feature.start + p - s.installedStart;
  const rule = s.flags.bestobeypolicy || s.p[feature] === 0 ? update : feature;
  const special = s.specialUpdaters.get(p);
  if (special === undefined || rule !== update) return s.literals(rule).filter((q) => q > 0);
  const out = s.p[rule] === p ? [p] : [];
  const data = s.providers.data.data;
  for (let at = special; data[at] !== 0; at++) out.push(data[at]!);
  return out;
}

function updateRule(s: SolverState, p: number, locked: ReadonlySet<number>): void {
  const all = updateList(s, p);
  const list = bestUpdate(s, p, all);
  if (list.length === 0) return;
  if (locked.size > 0) {
    // What is installed and locked is always fine; what is locked out is no candidate.
    const more = [...all];
    if (locked.has(p)) pushNew(more, [p]);
    pushNew(
      list,
      more.filter((q) => s.isInstalled(q) && locked.has(q)),
    );
    pushNew(
      list,
      bestUpdate(
        s,
        p,
        more.filter((q) => s.isInstalled(q) || !locked.has(q)),
      ),
    );
  }
  const feature = s.feature.start + p - s.installedStart;
  if (s.flags.bestobeypolicy && s.p[feature] !== 0) {
    const any = s.literals(feature).filter((q) => q > 0);
    pushNew(list, bestUpdate(s, p, any));
    if (locked.size > 0)
      pushNew(
        list,
        bestUpdate(
          s,
          p,
          any.filter((q) => s.isInstalled(q) || !locked.has(q)),
        ),
      );
  }
  if (!s.mayUninstall(p)) {
    s.addListRule(list[0]!, list.slice(1));
    s.bestSource.push(p);
    return;
  }
  // It may go altogether, but nothing but the best may take its place.
  const others = s.literals(s.p[feature] !== 0 ? feature : s.update.start + p - s.installedStart);
  for (const q of others) {
    if (list.includes(q)) continue;
    s.addListRule(-q, list);
    s.bestSource.push(p);
  }
}

/** Adds the rules of jobs, then those of installed packages. */
export function addBestRules(s: SolverState, forJobs: boolean, locks: boolean): void {
  const locked = locks ? lockedPackages(s) : new Set<number>();
  if (forJobs) jobRules(s, locked);
  s.bestUpdates = s.bestSource.length;
  if (!s.bestUpdateAll && !s.hasBestUpdate) return;
  for (const p of s.pool.installed?.solvables ?? [])
    if (s.wantsUpdate(p) && (s.bestUpdateAll || s.bestUpdateSet.has(p))) updateRule(s, p, locked);
}
