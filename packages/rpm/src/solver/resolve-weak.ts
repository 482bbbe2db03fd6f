// Recommended and supplementing packages: taken when they fit, left out when not.
import { filterCandidates } from './policy.ts';
import { field } from './pool.ts';
import { decideAndLearn } from './search.ts';
import { reason, type SolverState } from './state.ts';
import { isSupplementing } from './weak.ts';

interface Wanted {
  readonly recommended: number[];
  readonly supplemented: number[];
}

function collect(s: SolverState): Wanted {
  const { pool, providers } = s;
  const recommended: number[] = [];
  const seen = new Set<number>();
  let supplemented: number[] = [];
  const old = !s.flags.addalreadyrecommended;
  for (let p = 2; p < pool.count; p++) {
    const decision = s.decision[p]!;
    if (decision < 0 || pool.repoOf.data[p] === 0) continue;
    if (decision > 0) {
      if (old && s.isInstalled(p)) continue;
      const at = pool.listAt(p, field.recommends);
      const lists = pool.lists.data;
      for (let i = at; lists[i] !== 0; i++)
        for (const q of openProviders(s, lists[i]!))
          if (!seen.has(q)) {
            seen.add(q);
            recommended.push(q);
          }
      continue;
    }
    if (pool.listAt(p, field.supplements) === 0 || !pool.installable(p)) continue;
    if (s.hasExcludeFromWeak && s.excludeFromWeak.has(p)) continue;
    if (isSupplementing(s, p)) supplemented.push(p);
  }
  if (old && supplemented.length > 0) {
    // What the installed packages alone call for was declined before.
    const fresh = s.queue.filter((p) => p > 1 && !s.isInstalled(p));
    for (const p of fresh) s.decision[p] = -s.decision[p]!;
    supplemented = supplemented.filter((p) => !isSupplementing(s, p));
    for (const p of fresh) s.decision[p] = -s.decision[p]!;
  }
  void providers;
  return { recommended, supplemented };
}

/** Undecided providers of a dependency, none when it is met. */
function openProviders(s: SolverState, dep: number): number[] {
  const out: number[] = [];
  const data = s.providers.data.data;
  for (let at = s.providers.of(dep); data[at] !== 0; at++) {
    const p = data[at]!;
    const decision = s.decision[p]!;
    if (decision > 0 || p === 1) return [];
    if (decision === 0 && !(s.hasExcludeFromWeak && s.excludeFromWeak.has(p))) out.push(p);
  }
  return out;
}

/** One round; returns the level reached, the same as given when nothing was left to do. */
export function resolveWeak(s: SolverState, start: number, _disableRules: boolean): number {
  const { recommended, supplemented } = collect(s);
  const all = [...recommended];
  for (const p of supplemented) if (!all.includes(p)) all.push(p);
  if (all.length === 0) return start;
  let level = start;
  if (all.length === 1) return decideAndLearn(s, level, all[0]!, false, 0, reason.weakdep);
  const best = new Set(filterCandidates(s, all, 'recommend'));
  const decided = s.queue.length;
  for (const p of supplemented) {
    if (s.decision[p] !== 0 || !best.has(p)) continue;
    const before = level;
    level = decideAndLearn(s, level, p, false, 0, reason.weakdep);
    if (level <= before) return level;
  }
  if (s.queue.length < decided) return level;
  for (let i = 0; i < decided; i++) {
    const p = s.queue[i]!;
    if (p < 2 || (!s.flags.addalreadyrecommended && s.isInstalled(p))) continue;
    for (const dep of s.pool.list(p, field.recommends)) {
      let open = openProviders(s, dep).filter((q) => best.has(q));
      if (open.length === 0) continue;
      if (open.length > 1) {
        open = filterCandidates(s, open, 'choose');
        if (open.length > 1)
          s.branches.push({ level: level + 1, choices: open.slice(1), chosen: open[0]!, rule: 0, from: p, dep });
      }
      const before = level;
      level = decideAndLearn(s, level, open[0]!, false, 0, reason.weakdep);
      if (level <= before || s.queue.length < decided) return level;
    }
  }
  return level;
}
