// Requirements that more than one package could meet: first those where policy leaves one, then the others.
import { selectAndInstall } from './choose.ts';
import { filterCandidates } from './policy.ts';
import { reason, type SolverState } from './state.ts';

/** Only what new packages ask for, for new packages (focusnew), or also for what is there (focusbest). */
function outOfFocus(s: SolverState, r: number): boolean {
  if (s.d[r] === 0 || s.pool.installed === undefined) return false;
  const first = s.p[r]!;
  const data = s.providers.data.data;
  const rest: number[] = [];
  for (let at = s.d[r]!; data[at] !== 0; at++) rest.push(data[at]!);
  if (!(first < 0 && !s.isInstalled(-first)))
    if (!rest.some((p) => p < 0 && s.decision[-p]! > 0 && !s.isInstalled(-p))) return true;
  if (s.flags.focusbest) return false;
  return (first > 1 && s.isInstalled(first)) || rest.some((p) => p > 1 && s.isInstalled(p));
}

/** Undecided literals of a rule that is not fulfilled and not unit; empty when there is nothing to choose. */
function choices(s: SolverState, r: number): number[] {
  const first = s.p[r]!;
  const list = s.d[r]!;
  const { decision } = s;
  if (list === 0) {
    const second = s.w2[r]!;
    return second <= 0 || decision[first] !== 0 || decision[second] !== 0 ? [] : [first, second];
  }
  const out: number[] = [];
  if (first >= 0) {
    if (decision[first]! > 0) return [];
    if (decision[first] === 0) out.push(first);
  }
  const data = s.providers.data.data;
  for (let at = list; data[at] !== 0; at++) {
    const p = data[at]!;
    if (p < 0) {
      if (decision[-p]! <= 0) return [];
    } else if (decision[p]! > 0) return [];
    else if (decision[p] === 0) out.push(p);
  }
  return out;
}

/** An unneeded package that meets the requirement stays; one that is to be updated goes to what its updaters are. */
function preferUnneeded(s: SolverState, list: number[]): number[] {
  const unneeded = s.cleandeps;
  if (unneeded === undefined || s.pool.installed === undefined) return list;
  const ours = list.filter((p) => s.isInstalled(p) && unneeded.has(p));
  const kept = ours.find((p) => !s.wantsUpdate(p));
  if (kept !== undefined) return [kept];
  if (ours.length === 0) return list;
  const good = new Set(ours);
  for (const p of ours) {
    const special = s.specialUpdaters.get(p);
    let updaters: number[] = [];
    if (special !== undefined) {
      const data = s.providers.data.data;
      for (let at = special; data[at] !== 0; at++) updaters.push(data[at]!);
    } else updaters = s.literals(s.update.start + p - s.installedStart);
    const targets = s.updateTargets.get(p);
    for (const q of updaters) if (s.decision[q]! >= 0 && (targets === undefined || targets.includes(q))) good.add(q);
  }
  return list.filter((p) => good.has(p));
}

/** Rules that can leave a choice open: not those of one literal, nor those of two with a negative first. */
function choosingRules(s: SolverState): Int32Array {
  if (s.choosing.length > 0) return s.choosing;
  const out = new Int32Array(s.learntStart);
  let n = 0;
  for (let r = 1; r < s.learntStart; r++) if (s.listOf(r) !== 0 || (s.p[r]! > 0 && s.w2[r]! > 0)) out[n++] = r;
  s.choosing = out.subarray(0, n);
  return s.choosing;
}

/** Returns the level reached; lower than `start` after trouble. */
export function resolveRequirements(s: SolverState, start: number, disableRules: boolean): number {
  const rules = choosingRules(s);
  const focus = (s.flags.focusnew || s.flags.focusbest) && s.extraReordering;
  let level = start;
  let postponed = -1;
  let last = false;
  for (let at = 0, n = 0; ; at++, n++) {
    const count = rules.length + s.ruleCount - s.learntStart;
    if (n >= count) {
      if (postponed < 0 || last) return level;
      at = postponed;
      last = true;
      n = 0;
    }
    if (at >= count) at = 0;
    const r = at < rules.length ? rules[at]! : s.learntStart + at - rules.length;
    if (focus && r >= s.feature.start) continue;
    if (s.d[r]! < 0) continue;
    const first = s.p[r]!;
    if (first < 0 && (s.d[r] === 0 || s.decision[-first]! <= 0)) continue;
    if (focus && outOfFocus(s, r)) continue;
    let open = choices(s, r);
    if (open.length === 0) continue;
    open = preferUnneeded(s, open);
    if (open.length > 1 && !last) {
      open = filterCandidates(s, open, 'prune');
      if (open.length > 1) {
        if (postponed < 0) postponed = at;
        continue;
      }
    }
    level = selectAndInstall(s, level, open, disableRules, r, reason.resolve);
    if (level < start) return level;
    // Something changed: look at all rules again.
    n = -1;
  }
}
