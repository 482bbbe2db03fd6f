// Choosing one of several candidates, and remembering the others.
import { filterCandidates, preferFavored, updateWeakMaps } from './policy.ts';
import { field } from './pool-package.ts';
import { decideAndLearn } from './search.ts';
import type { SolverState } from './state.ts';
import { isEnhancing, isSupplementing } from './weak.ts';
import { pruneSplits } from './yumobs-rules.ts';

/** Whether `p` is installed or takes the place of something installed that is not about to go. */
export function replacesInstalled(s: SolverState, p: number): boolean {
  const { pool, providers } = s;
  if (s.isInstalled(p) && !s.noUpdate.has(p)) return true;
  const name = pool.names.data[p]!;
  for (const q of providers.list(name)) {
    if (!s.isInstalled(q) || pool.names.data[q] !== name || s.noUpdate.has(q)) continue;
    if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(p, q)) continue;
    return true;
  }
  for (const dep of pool.list(p, field.obsoletes))
    for (const q of providers.list(dep)) {
      if (!s.isInstalled(q) || s.noUpdate.has(q)) continue;
      if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
      if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
      return true;
    }
  return false;
}

/** While installed packages are still open: those that they would recommend or suggest, if they stay, come first. */
function orderForInstalled(s: SolverState, level: number, list: number[]): number[] {
  const { pool } = s;
  const before = s.queue.length;
  let any = false;
  for (const p of pool.installed?.solvables ?? []) {
    if (s.noUpdate.has(p) || s.decision[p] !== 0) continue;
    if (pool.listAt(p, field.recommends) !== 0 || pool.listAt(p, field.suggests) !== 0) s.queue.push(p);
    s.decision[p] = level + 1;
    any = true;
  }
  if (!any) return list;
  updateWeakMaps(s);
  const first = (all: number[], good: (p: number) => boolean): number[] => [
    ...all.filter(good),
    ...all.filter((p) => !good(p)),
  ];
  let out = first(list, (p) => s.isInstalled(p) || s.suggestsMap.has(p) || isEnhancing(s, p));
  out = first(out, (p) => s.isInstalled(p) || s.recommendsMap.has(p) || isSupplementing(s, p));
  for (const p of pool.installed?.solvables ?? []) if (s.decision[p] === level + 1) s.decision[p] = 0;
  if (s.queue.length !== before) {
    s.recommendsIndex = -1;
    s.queue.length = before;
  }
  return preferFavored(s, out);
}

/** Notes a choice; the first of `list` is about to be taken. */
export function openBranch(s: SolverState, level: number, list: readonly number[], from: number, data: number): void {
  s.branches.push({ level, packages: [-list[0]!, ...list.slice(1)], from, data });
}

/** Picks among candidates, decides, and notes the point as one with other ways. */
export function selectAndInstall(
  s: SolverState,
  level: number,
  candidates: readonly number[],
  disableRules: boolean,
  rule: number,
  because: number,
): number {
  let list = [...candidates];
  if (list.length > 1) list = filterCandidates(s, list, 'choose');
  if (list.length > 1 && s.extraReordering) {
    const related = list.filter((p) => replacesInstalled(s, p));
    if (related.length > 0) list = related;
    if (list.length > 1) list = orderForInstalled(s, level, list);
  }
  if (list.length > 1 && s.yumobs.end > s.yumobs.start) list = pruneSplits(s, list);
  if (list.length > 1) openBranch(s, level, list, 0, rule);
  return decideAndLearn(s, level, list[0]!, disableRules, rule, because);
}
