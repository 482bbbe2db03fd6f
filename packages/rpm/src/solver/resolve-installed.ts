// What is installed: first what the user wants updated, then all that can stay, then what must become something else.
import { selectAndInstall } from './choose.ts';
import { identical } from './identical.ts';
import { filterCandidates } from './policy.ts';
import { decideAndLearn } from './search.ts';
import { reason, type SolverState } from './state.ts';

/** The best of the updaters that stay beside installed `p`, if it is a new one that is still open. */
function specialUpdater(s: SolverState, p: number, special: number): number {
  const updaters: number[] = [];
  const data = s.providers.data.data;
  for (let at = special; data[at] !== 0; at++) updaters.push(data[at]!);
  let list = [p, ...updaters].filter((q) => s.decision[q]! >= 0);
  // Twins of what is installed stand in for its repository.
  for (const old of [...list])
    if (s.isInstalled(old))
      for (const q of updaters) if (s.decision[q]! < 0 && !s.isInstalled(q) && identical(s.pool, q, old)) list.push(q);
  const targets = s.updateTargets.get(p);
  if (targets !== undefined) list = list.filter((q) => targets.includes(q));
  if (list.length === 0) return 0;
  const best = filterCandidates(s, list, 'choose')[0]!;
  return best !== p && s.decision[best] === 0 ? best : 0;
}

/** Undecided literals of an update rule; none when one of them is there. */
function openUpdates(s: SolverState, p: number, rule: number): number[] {
  let out: number[] = [];
  const met = s.someLiteral(rule, (q) => {
    if (s.decision[q]! > 0) return true;
    if (s.decision[q] === 0) out.push(q);
    return false;
  });
  if (met) return [];
  const targets = s.updateTargets.get(p);
  if (targets !== undefined) out = out.filter((q) => targets.includes(q));
  return out;
}

/** One step for installed `p` in one pass: `level` unchanged when there was nothing to do. */
type Step = { readonly level: number; readonly acted: boolean; readonly later: boolean };

function step(s: SolverState, p: number, level: number, pass: number, disableRules: boolean): Step {
  const nothing: Step = { level, acted: false, later: false };
  const special = s.specialUpdaters.get(p);
  if (s.decision[p]! > 0 && special === undefined) return nothing;
  if (pass === 0 && s.hasUpdateSet && !s.updateSet.has(p)) return nothing;
  const update = s.update.start + p - s.installedStart;
  const feature = s.feature.start + p - s.installedStart;
  // Where the update rule is off, the weaker rule says what may come instead.
  const rule = (s.p[update] === 0 || s.isDisabled(update)) && s.p[feature] !== 0 ? feature : update;
  if (s.p[rule] === 0) return nothing;
  if (!s.noUpdate.has(p) && (s.decision[p]! < 0 || s.wantsUpdate(p))) {
    if (pass === 1) return { level, acted: false, later: true };
    if (special !== undefined) {
      const best = specialUpdater(s, p, special);
      if (best !== 0) {
        const why = s.p[feature] !== 0 ? feature : update;
        return {
          level: selectAndInstall(s, level, [best], disableRules, why, reason.updateInstalled),
          acted: true,
          later: false,
        };
      }
    }
    const open = openUpdates(s, p, rule);
    if (open.length > 0)
      return {
        level: selectAndInstall(s, level, open, disableRules, rule, reason.updateInstalled),
        acted: true,
        later: false,
      };
  }
  if (s.decision[p] !== 0 || s.cleandeps?.has(p) === true) return nothing;
  return {
    level: decideAndLearn(s, level, p, disableRules, update, reason.keepInstalled),
    acted: true,
    later: false,
  };
}

/** Returns the level reached; lower than `start` after trouble. */
export function resolveInstalled(s: SolverState, start: number, disableRules: boolean): number {
  const { installedStart, installedEnd } = s;
  let level = start;
  let position = s.installedPosition || installedStart;
  // Where all is updated, what jobs name is not set apart.
  const firstPass = s.updateAll ? 2 : s.hasUpdateSet ? 0 : 1;
  for (let pass = firstPass; pass < 3; ) {
    let later = false;
    const passLevel = level;
    let i = position;
    let n = installedStart;
    for (; n < installedEnd; i++, n++) {
      if (i === installedEnd) i = installedStart;
      if (!s.isInstalled(i)) continue;
      // After an update the old package itself is looked at again.
      for (;;) {
        const before = level;
        const result = step(s, i, level, pass, disableRules);
        level = result.level;
        if (result.later) later = true;
        if (!result.acted) break;
        if (level > before) {
          if (s.decision[i]! > 0 && !s.specialUpdaters.has(i)) break;
          continue;
        }
        if (level < passLevel) break;
        if (level < before) n = installedStart;
      }
      if (level < passLevel) break;
    }
    if (n < installedEnd) {
      // Next time the package that gave trouble comes first.
      position = i;
      if (level < start) break;
      pass = firstPass;
      continue;
    }
    position = installedStart;
    pass++;
    if (pass === 2 && !later) break;
  }
  s.installedPosition = position;
  return level;
}
