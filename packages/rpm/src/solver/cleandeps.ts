// Installed packages that nothing needs any more once the jobs marked `cleandeps` are done.
import { updateCandidates } from './candidates.ts';
import { clausesOf, isComplex } from './complex.ts';
import { filterCandidates } from './policy.ts';
import { field } from './pool.ts';
import { selected } from './selection.ts';
import type { SolverState } from './state.ts';

/** Installed packages that a package's requirements and recommendations lead to. */
function* needs(s: SolverState, p: number): Generator<number> {
  const { pool, providers } = s;
  for (const which of [field.requires, field.recommends])
    for (const dep of pool.list(p, which)) {
      const list = isComplex(pool, dep)
        ? clausesOf(pool, providers, dep, false).flatMap((clause) => clause.filter((l) => l > 0))
        : providers.list(dep);
      for (const q of list) if (s.isInstalled(q)) yield q;
    }
}

interface Plan {
  /** Installed packages that go or change, whose needs are looked through. */
  readonly seeds: Set<number>;
  /** New packages that come in their place. */
  readonly coming: Set<number>;
}

function plan(s: SolverState): Plan {
  const { pool } = s;
  const out: Plan = { seeds: new Set(), coming: new Set() };
  const replace = (old: number, candidates: readonly number[]): void => {
    const best = filterCandidates(s, candidates, 'recommend');
    if (best.includes(old) || best.length === 0) return;
    out.seeds.add(old);
    for (const p of best) out.coming.add(p);
  };
  for (const job of s.jobs) {
    if (job.flags?.cleandeps !== true) continue;
    const list = selected(pool, job.select);
    if (job.action === 'erase') {
      for (const p of list) if (s.isInstalled(p)) out.seeds.add(p);
    } else if (job.action === 'update' || job.action === 'distupgrade') {
      for (const p of pool.installed?.solvables ?? []) {
        const target = s.specialUpdaters.get(p);
        if (target !== undefined) replace(p, target);
        else if (job.action === 'distupgrade' && s.dupInvolved.has(p)) {
          const candidates = updateCandidates(s, p, 'distupgrade').filter((q) => s.dupSet.has(q));
          if (list.some((q) => q === p || candidates.includes(q))) replace(p, candidates);
        } else if (list.includes(p)) replace(p, [p, ...updateCandidates(s, p, 'update')]);
      }
    } else if (job.action === 'install' && list.some((p) => s.isInstalled(p))) {
      if (s.mayUpdate(job))
        for (const p of list) if (s.isInstalled(p)) replace(p, [p, ...updateCandidates(s, p, 'update')]);
    } else if (job.action === 'install') {
      const best = filterCandidates(s, list, 'recommend');
      for (const p of best)
        for (const old of s.providers.list(pool.names.data[p]!))
          if (s.isInstalled(old) && pool.names.data[old] === pool.names.data[p]) replace(old, best);
    }
  }
  return out;
}

/** Fills `cleandepsSet`. */
export function createCleandeps(s: SolverState): void {
  if (!s.jobs.some((job) => job.flags?.cleandeps === true) || s.pool.installed === undefined) return;
  const { seeds, coming } = plan(s);
  if (seeds.size === 0) return;
  s.hasCleandeps = true;
  // What the user asked for, or locked, stays in any case.
  const kept = new Set<number>();
  for (const job of s.jobs)
    if (job.action === 'userinstalled' || job.action === 'lock' || job.action === 'install')
      for (const p of selected(s.pool, job.select)) if (s.isInstalled(p)) kept.add(p);
  const candidates = new Set<number>();
  const work = [...seeds];
  for (let p = work.pop(); p !== undefined; p = work.pop())
    for (const q of needs(s, p)) {
      if (seeds.has(q) || candidates.has(q) || kept.has(q)) continue;
      candidates.add(q);
      work.push(q);
    }
  // What the rest, or the new packages, still need comes back.
  const back = (p: number): void => {
    for (const q of needs(s, p)) if (candidates.delete(q)) back(q);
  };
  for (const p of s.pool.installed.solvables) if (!candidates.has(p) && !seeds.has(p)) back(p);
  for (const p of coming) back(p);
  for (const p of candidates) s.cleandepsSet.add(p);
}
