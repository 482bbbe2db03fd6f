// Rules for what is asked: install one of these, keep those out, leave these alone.
import { inverted, isComplex, normalForm } from './complex.ts';
import type { BitSet } from './id-array.ts';
import type { Job } from './job.ts';
import { systemSolvable } from './pool.ts';
import { namedPackages } from './selection.ts';
import type { SolverState } from './state.ts';
import { isRel, rel } from './strings.ts';

function complexDependency(s: SolverState, job: Job): number {
  const { select } = job;
  return (select.kind === 'name' || select.kind === 'provides') && isComplex(s.pool, select.dep) ? select.dep : 0;
}

/** Packages of a whole repository or of all of them. */
function wholesale(s: SolverState, job: Job): number[] {
  const { pool } = s;
  if (job.select.kind === 'repo') return [...(pool.repos[job.select.repo]?.solvables ?? [])];
  if (job.select.kind !== 'all') return [];
  const out: number[] = [];
  for (let p = 2; p < pool.count; p++) if (pool.repoOf.data[p] !== 0) out.push(p);
  return out;
}

/** Adds the job rules; tells whether there are locks and installs of the best. */
export function addJobRules(s: SolverState, candidates: BitSet): { bestInstall: boolean; locks: boolean } {
  const { pool, providers } = s;
  const found = { bestInstall: false, locks: false };
  let current = 0;
  const add = (p: number, list: readonly number[] = []): void => {
    const r = s.addListRule(p, list);
    s.ruleToJob.push(current);
    if (s.jobs[current]!.flags?.weak === true) s.markWeak(r);
  };
  const addForm = (dep: number, erase: boolean): boolean => {
    const byName = s.jobs[current]!.select.kind === 'name';
    const plain = normalForm(pool, providers, dep, { dnf: erase, byName });
    const form = erase ? inverted(plain) : plain;
    if (form === 'never') add(-systemSolvable);
    if (form === 'never' || form === 'always') return false;
    for (const { literals } of form) add(literals[0]!, literals.slice(1));
    return true;
  };
  const install = (job: Job): void => {
    if (job.flags?.cleandeps === true && pool.installed !== undefined) s.cleandeps ??= s.emptySet();
    const dep = complexDependency(s, job);
    if (dep !== 0) {
      if (addForm(dep, false) && job.flags?.forcebest === true) found.bestInstall = true;
      return;
    }
    const list = namedPackages(pool, job.select);
    if (list.length === 0 && job.select.kind === 'oneof') return;
    let first = list[0] ?? -systemSolvable;
    const rest = list.slice(1);
    // A namespace asked for outright: whatever supplements it is to come in.
    if (job.select.kind === 'provides' && rest.length === 0 && Math.abs(first) === systemSolvable) {
      const what = job.select.dep;
      if (isRel(what) && pool.ids.relFlag(what) === rel.namespace) {
        first = systemSolvable;
        s.installSupplements.add(pool.ids.relEvr(what) === 0 ? pool.ids.relName(what) : what);
      }
    }
    add(first, rest);
    if (job.flags?.forcebest === true) found.bestInstall = true;
  };
  const erase = (job: Job): void => {
    if (job.flags?.cleandeps === true && pool.installed !== undefined) s.cleandeps ??= s.emptySet();
    const begin = s.ruleCount;
    for (const p of wholesale(s, job)) add(-p);
    const dep = complexDependency(s, job);
    if (dep !== 0) {
      addForm(dep, true);
      return;
    }
    const { select } = job;
    const specific = select.kind === 'solvable' || (select.kind === 'name' && isRel(select.dep));
    const installed: number[] = [];
    for (const p of namedPackages(pool, select)) {
      if (s.isInstalled(p)) installed.push(p);
      add(-p);
    }
    // Erasing one specific installed package must not bring in another of its name.
    if (!specific || installed.length !== 1) return;
    const old = installed[0]!;
    const name = pool.names.data[old]!;
    const end = s.ruleCount;
    for (const p of providers.list(name)) {
      if (pool.names.data[p] !== name || s.isInstalled(p) || candidates.has(p)) continue;
      if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(old, p)) continue;
      let there = false;
      for (let r = begin; r < end; r++) if (s.p[r] === -p) there = true;
      if (!there) add(-p);
    }
  };
  s.job.start = s.ruleCount;
  s.jobs.forEach((job, i) => {
    current = i;
    if (job.action === 'install') install(job);
    else if (job.action === 'erase') erase(job);
    else if (job.action === 'lock')
      for (const p of [...wholesale(s, job), ...namedPackages(pool, job.select)]) {
        add(s.isInstalled(p) ? p : -p);
        found.locks = true;
      }
    else if (job.action === 'weakendeps' && job.select.kind === 'solvable') weaken(s, job.select.solvable);
  });
  s.job.end = s.ruleCount;
  return found;
}

/** What a package requires becomes weak; its conflicts stay. */
function weaken(s: SolverState, p: number): void {
  for (let r = 1; r < s.pkgRulesEnd; r++) if (s.p[r] === -p && !(s.listOf(r) === 0 && s.w2[r]! < 0)) s.markWeak(r);
}
