// The main loop: jobs, installed packages, open requirements, then weak dependencies.
import { filterCandidates } from './policy.ts';
import { resolveWeak } from './resolve-weak.ts';
import { decideAndLearn, decideAssertions, makeWatches, propagate, revert } from './search.ts';
import { reason, type SolverState } from './state.ts';
import { analyzeUnsolvable, resetSearch } from './unsolvable.ts';

/** Picks among candidates, decides, and notes the point as one with other ways. */
export function selectAndInstall(
  s: SolverState,
  level: number,
  list: readonly number[],
  disableRules: boolean,
  rule: number,
  because: number,
): number {
  let choices = [...list];
  if (choices.length > 1) choices = filterCandidates(s, choices, 'choose');
  const chosen = choices[0]!;
  if (choices.length > 1)
    s.branches.push({ level: level + 1, choices: choices.slice(1), chosen, rule, from: 0, dep: 0 });
  return decideAndLearn(s, level, chosen, disableRules, rule, because);
}

/** Undecided positive literals of a rule that nothing fulfils yet, or `undefined` when it needs no choice. */
function openLiterals(s: SolverState, r: number): number[] | undefined {
  const out: number[] = [];
  for (const l of s.literals(r)) {
    if (l < 0) {
      if (s.decision[-l]! <= 0) return undefined;
    } else {
      const d = s.decision[l]!;
      if (d > 0) return undefined;
      if (d === 0) out.push(l);
    }
  }
  return out.length === 0 ? undefined : out;
}

function resolveJobs(s: SolverState, start: number, disableRules: boolean): number {
  let level = start;
  for (let r = s.job.start; r < s.job.end; r++) {
    if (s.isDisabled(r)) continue;
    let open = openLiterals(s, r);
    if (open === undefined) continue;
    const job = s.jobs[s.ruleToJob[r - s.job.start]!]!;
    if (open.length > 1 && s.pool.installed !== undefined && !s.updateAll && !s.mayUpdate(job)) {
      const kept = open.filter((p) => s.isInstalled(p) && !s.updateSet.has(p));
      if (kept.length > 0) open = kept;
    }
    const before = level;
    level = selectAndInstall(s, level, open, disableRules, r, reason.resolveJob);
    if (level <= before) {
      if (level === before) {
        r--;
        continue;
      }
      return level;
    }
  }
  return level;
}

/** Replacements to choose from for an installed package that is to be updated or cannot stay; none when one is decided. */
function replacementsFor(s: SolverState, i: number, rule: number): number[] {
  const literals = s.multiversionUpdaters.get(i) ?? s.literals(rule);
  const out: number[] = [];
  for (const p of literals) {
    if (s.decision[p]! > 0) return [];
    if (s.decision[p] === 0) out.push(p);
  }
  // A distribution upgrade goes to what its repositories have, even where the old package could stay.
  if (s.hasDupJob && s.dupInvolved.has(i)) return out.filter((p) => s.dupSet.has(p));
  const targets = s.specialUpdaters.get(i);
  return targets === undefined ? out : out.filter((p) => targets.includes(p));
}

function resolveInstalled(s: SolverState, start: number, disableRules: boolean): number {
  const { installedStart, installedEnd } = s;
  let level = start;
  // First what a job wants updated, then all the rest.
  for (let pass = 0; pass < 2; pass++) {
    const passLevel = level;
    let i = s.installedPosition || installedStart;
    for (let n = installedStart; n < installedEnd; n++, i++) {
      if (i >= installedEnd) i = installedStart;
      if (!s.isInstalled(i)) continue;
      if (pass === 0 && !s.updateSet.has(i)) continue;
      // Where the update rule is off, the weaker rule says what may come instead.
      const update = s.update.start + i - installedStart;
      const feature = s.feature.start + i - installedStart;
      const rule = (s.p[update] === 0 || s.isDisabled(update)) && s.p[feature] !== 0 ? feature : update;
      const clean = s.hasCleandeps && s.cleandepsSet.has(i);
      if (s.p[rule] === 0 && !clean && !s.multiversionUpdaters.has(i)) continue;
      if (!clean && !s.noUpdate.has(i) && (s.decision[i]! < 0 || s.wantsUpdate(i))) {
        const open = replacementsFor(s, i, rule);
        if (open.length > 0) {
          const before = level;
          level = selectAndInstall(s, level, open, disableRules, rule, reason.updateInstalled);
          if (level <= before) {
            if (level < passLevel) {
              s.installedPosition = i;
              return level;
            }
            n = installedStart - 1;
            i--;
            continue;
          }
        }
      }
      if (s.decision[i] !== 0) continue;
      const before = level;
      level = clean
        ? decideAndLearn(s, level, -i, disableRules, 0, reason.cleandeps)
        : decideAndLearn(s, level, i, disableRules, rule, reason.keepInstalled);
      if (level <= before) {
        if (level < passLevel) {
          s.installedPosition = i;
          return level;
        }
        n = installedStart - 1;
        i--;
      }
    }
    s.installedPosition = installedStart;
  }
  return level;
}

/** Needs of what has been decided so far, before the installed packages are looked at (focusbest, focusnew). */
function resolveFocus(s: SolverState, start: number, disableRules: boolean): number {
  let level = start;
  for (let i = 0; i < s.queue.length; i++) {
    const p = s.queue[i]!;
    if (p <= 1 || (s.flags.focusnew && !s.flags.focusbest && s.isInstalled(p))) continue;
    // Package rules are sorted by their first literal.
    let low = 1;
    let high = s.pkgRulesEnd;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (s.p[middle]! < -p) low = middle + 1;
      else high = middle;
    }
    for (let r = low; r < s.pkgRulesEnd && s.p[r] === -p; r++) {
      if (s.isDisabled(r) || s.d[r] === 0) continue;
      const open = openLiterals(s, r);
      if (open === undefined) continue;
      level = selectAndInstall(s, level, open, disableRules, r, reason.resolve);
      if (level <= 0 || level < start) return level;
      i = -1;
      break;
    }
  }
  return level;
}

/** Rules that can leave a choice open: not those of one literal, nor those of two with a negative first. Learnt ones are extra. */
function choosingRules(s: SolverState): Int32Array {
  const out = new Int32Array(s.learntStart);
  let n = 0;
  for (let r = 1; r < s.learntStart; r++) {
    if (s.p[r] === 0 || (s.listOf(r) === 0 && (s.p[r]! < 0 || s.w2[r]! <= 0))) continue;
    out[n++] = r;
  }
  return out.subarray(0, n);
}

/** Requirements that more than one package could meet, the clear ones first. */
function resolveRequirements(s: SolverState, start: number, disableRules: boolean, rules: Int32Array): number {
  let level = start;
  let postponed = -1;
  let last = false;
  let at = 0;
  for (let n = 0; ; at++, n++) {
    const count = rules.length + s.ruleCount - s.learntStart;
    if (n >= count) {
      if (postponed < 0 || last) return level;
      at = postponed;
      last = true;
      n = 0;
    }
    if (at >= count) at = 0;
    const r = at < rules.length ? rules[at]! : s.learntStart + at - rules.length;
    // Quick refusals, without making a list.
    if (s.d[r]! < 0) continue;
    const first = s.p[r]!;
    if (first < 0 ? s.decision[-first]! <= 0 : s.decision[first]! > 0) continue;
    if (s.d[r] === 0 && (first < 0 || s.w2[r]! <= 0 || s.decision[first] !== 0 || s.decision[s.w2[r]!] !== 0)) continue;
    const open = openLiterals(s, r);
    if (open === undefined) continue;
    let choices = open;
    if (choices.length > 1 && !last) {
      choices = filterCandidates(s, choices, 'prune');
      if (choices.length > 1) {
        if (postponed < 0) postponed = at;
        continue;
      }
    }
    level = selectAndInstall(s, level, choices, disableRules, r, reason.resolve);
    if (level <= 0 || level < start) return level;
    // Something changed: look at all rules again, from the first if the search had to go all the way back.
    if (level === 1) at = -1;
    n = -1;
    if (last) {
      last = false;
      postponed = -1;
    }
  }
}

/** Runs the search to its end. With `disableRules`, contradictory rules are switched off and noted as problems; else the first problem ends it. */
export function runSearch(s: SolverState, disableRules: boolean, weak: boolean): void {
  let level = 1;
  let systemLevel = 0;
  makeWatches(s);
  const rules = choosingRules(s);
  restart: for (;;) {
    if (s.queue.length === 0) {
      level = decideAssertions(s, disableRules);
      if (level === 0) return;
      s.propagateIndex = 0;
    }
    const conflict = propagate(s, 1);
    if (conflict !== 0) {
      if (analyzeUnsolvable(s, conflict, disableRules) < 0) return;
      continue;
    }
    level = 1;
    systemLevel = 0;
    for (;;) {
      if (systemLevel === 0 || level < systemLevel) {
        const keep = (from: number): number =>
          s.pool.installed === undefined ? from : resolveInstalled(s, from, disableRules);
        const phases: ((from: number) => number)[] = [(from) => resolveJobs(s, from, disableRules)];
        if (s.flags.focusbest || s.flags.focusnew) phases.push((from) => resolveFocus(s, from, disableRules));
        if (s.flags.focusinstalled) phases.unshift(keep);
        else phases.push(keep);
        let back = false;
        for (const phase of phases) {
          const reached = phase(level);
          if (reached < 0) return;
          if (reached === 0 || s.queue.length === 0) continue restart;
          back = reached < level;
          level = reached;
          if (back) break;
        }
        if (back) continue;
        systemLevel = level;
      }
      const required = resolveRequirements(s, level, disableRules, rules);
      if (required < 0) return;
      if (required === 0 || s.queue.length === 0) continue restart;
      level = required;
      if (level < systemLevel) {
        systemLevel = 0;
        continue;
      }
      if (weak) {
        const weakLevel = resolveWeak(s, level, disableRules);
        if (weakLevel < 0) return;
        if (weakLevel === 0 || s.queue.length === 0) continue restart;
        if (weakLevel !== level) {
          level = weakLevel;
          if (level < systemLevel) systemLevel = 0;
          continue;
        }
      }
      if (s.orphaned.length > 0) {
        const orphanLevel = resolveOrphans(s, level);
        if (orphanLevel < 0) return;
        if (orphanLevel === 0 || s.queue.length === 0) continue restart;
        if (orphanLevel !== level) {
          level = orphanLevel;
          if (level < systemLevel) systemLevel = 0;
          continue;
        }
      }
      const minimal = minimize(s, disableRules);
      if (minimal < 0) return;
      if (minimal === 0 || s.queue.length === 0) continue restart;
      if (minimal !== nothingToMinimize) {
        level = minimal;
        if (level < systemLevel) systemLevel = 0;
        continue;
      }
      if (dropUnneededChoices(s)) {
        resetSearch(s);
        continue restart;
      }
      return;
    }
  }
}

const nothingToMinimize = Number.MAX_SAFE_INTEGER;
/** Each step solves again; past this many rules looked at in all, a solution is taken as it is. */
const minimizeBudget = 3_000_000;

/**
 * Where another candidate of a choice came in later anyhow, the chosen one may be needless: goes back and takes that other
 * one in its place. Returns the level reached, or `nothingToMinimize`.
 */
function minimize(s: SolverState, disableRules: boolean): number {
  if (s.minimizeWork > minimizeBudget) return nothingToMinimize;
  for (const [i, branch] of s.branches.entries())
    for (const p of branch.choices) {
      if (branch.minimized?.has(p) === true || s.decision[p]! < branch.level) continue;
      const earlier = s.branches.slice(0, i);
      s.minimizeWork += s.ruleCount;
      const at = s.queue.indexOf(branch.chosen);
      const because = at >= 0 ? s.reasons[at]! : reason.resolve;
      revert(s, branch.level - 1);
      s.branches = [...earlier, { ...branch, minimized: new Set([...(branch.minimized ?? []), p]) }];
      return decideAndLearn(s, branch.level - 1, p, disableRules, branch.rule, because);
    }
  return nothingToMinimize;
}

/** Installed packages that nothing replaces stay if they can. */
function resolveOrphans(s: SolverState, start: number): number {
  let level = start;
  for (const p of s.orphaned) {
    if (s.droporphanedAll || s.droporphaned.has(p) || s.decision[p] !== 0) continue;
    const before = level;
    level = decideAndLearn(s, level, p, false, 0, reason.resolveOrphan);
    if (level < before) return level;
  }
  return level;
}

/** Switches off choice rules whose requirement is met by something else anyhow; true when there were any. */
function dropUnneededChoices(s: SolverState): boolean {
  let dropped = false;
  for (let r = s.choice.start; r < s.choice.end; r++) {
    if (s.isDisabled(r)) continue;
    const original = s.choiceSource[r - s.choice.start]!;
    if (s.isDisabled(original)) continue;
    const own = s.literals(r);
    if (!s.literals(original).some((p) => p > 0 && s.decision[p]! > 0 && !own.includes(p))) continue;
    s.disableRule(r);
    dropped = true;
  }
  return dropped;
}
