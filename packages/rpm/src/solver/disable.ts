// Switching rules off and on: by problem element, by job, and with the learnt rules that follow from them.
import { illegal, illegalChanges } from './candidates.ts';
import type { Job } from './job.ts';
import { field } from './pool.ts';
import { selected } from './selection.ts';
import type { SolverState, Span } from './state.ts';
import { isRel, rel } from './strings.ts';

/** Learnt rules stay in force only while every rule they came from does. */
export function enabledDisabledLearnt(s: SolverState): void {
  if (s.learntStart === 0) return;
  for (let i = 0; i < s.learntWhy.length; i++) {
    const r = s.learntStart + i;
    let fine = true;
    for (let at = s.learntWhy[i]!; s.learntPool[at] !== 0; at++)
      if (s.isDisabled(s.learntPool[at]!)) {
        fine = false;
        break;
      }
    if (fine) s.enableRule(r);
    else s.disableRule(r);
  }
}

function sameNameGroup(s: SolverState, element: number, span: Span): number[] {
  const out: number[] = [];
  const name = s.pool.names.data[Math.abs(s.p[element]!)];
  for (let r = element; r < span.end && s.pool.names.data[Math.abs(s.p[r]!)] === name; r++) out.push(r);
  return out;
}

/** The rules that a problem element stands for. */
export function rulesOfElement(s: SolverState, element: number): number[] {
  if (element < 0) {
    const out: number[] = [];
    for (let r = s.job.start; r < s.job.end; r++) if (s.ruleToJob[r - s.job.start] === -1 - element) out.push(r);
    for (let r = s.best.start; r < s.best.end; r++) if (s.bestSource[r - s.best.start] === element) out.push(r);
    return out;
  }
  if (s.inSpan(element, s.infarch)) return sameNameGroup(s, element, s.infarch);
  if (s.inSpan(element, s.dup)) return sameNameGroup(s, element, s.dup);
  if (s.inSpan(element, s.best)) {
    const source = s.bestSource[element - s.best.start];
    const out: number[] = [];
    for (let r = s.best.start; r < s.best.end; r++) if (s.bestSource[r - s.best.start] === source) out.push(r);
    return out;
  }
  if (s.inSpan(element, s.yumobs)) {
    const source = s.yumobsSource[element - s.yumobs.start];
    const out: number[] = [];
    for (let r = s.yumobs.start; r < s.yumobs.end; r++) if (s.yumobsSource[r - s.yumobs.start] === source) out.push(r);
    return out;
  }
  return [element];
}

export function disableProblem(s: SolverState, element: number): void {
  for (const r of rulesOfElement(s, element)) s.disableRule(r);
}

/** Undoes `disableProblem`. An update rule comes back only if policy had not switched it off. */
export function enableProblem(s: SolverState, element: number): void {
  if (element >= 0 && s.inSpan(element, s.feature)) {
    // The weaker rule gives way to the update rule if that one is on.
    const update = element - s.feature.start + s.update.start;
    if (!s.isDisabled(update) && s.p[update] !== 0) return;
  }
  for (const r of rulesOfElement(s, element)) s.enableRule(r);
  if (element >= 0 && s.inSpan(element, s.update)) {
    const feature = element - s.update.start + s.feature.start;
    if (s.p[feature] !== 0) s.disableRule(feature);
  }
}

/** What a job switches off besides its own rules. */
interface Disabled {
  readonly updates: number[];
  readonly infarchNames: number[];
  readonly dupNames: number[];
  readonly best: number[];
  readonly black: number[];
  readonly strictRepo: number[];
}

const nothing = (): Disabled => ({ updates: [], infarchNames: [], dupNames: [], best: [], black: [], strictRepo: [] });

interface SetFlags {
  ev: boolean;
  evr: boolean;
  arch: boolean;
  vendor: boolean;
  repo: boolean;
  name: boolean;
}

/** What the job pins: from its flags and, unless told not to, from what its selection says. */
export function setFlagsOf(s: SolverState, job: Job): SetFlags {
  const f = job.flags ?? {};
  const set: SetFlags = {
    ev: f.setev === true,
    evr: f.setevr === true,
    arch: f.setarch === true,
    vendor: f.setvendor === true,
    repo: f.setrepo === true,
    name: f.setname === true,
  };
  if (f.noautoset === true) return set;
  const { select } = job;
  const { ids } = s.pool;
  if (select.kind === 'solvable') {
    set.ev = true;
    set.evr = true;
    set.arch = true;
    set.vendor = true;
    set.repo = true;
    set.name = true;
  } else if (select.kind === 'name' || select.kind === 'provides') {
    if (select.kind === 'name') set.name = true;
    let dep = select.dep;
    if (isRel(dep)) {
      if (ids.relFlag(dep) === rel.eq && select.kind === 'name') {
        if (ids.text(ids.relEvr(dep)).includes('-')) set.evr = true;
        set.ev = true;
      }
      if (ids.relFlag(dep) < 8 && isRel(ids.relName(dep))) dep = ids.relName(dep);
      if (ids.relFlag(dep) === rel.arch) set.arch = true;
    }
  } else if (select.kind === 'repo') set.repo = true;
  if (set.evr) set.ev = true;
  return set;
}

/** Installed packages that every candidate of the job would replace, as far as what it pins covers the change. */
function replacedByAll(s: SolverState, candidates: readonly number[], set: SetFlags): number[] {
  const { pool, providers } = s;
  let common: Set<number> | undefined;
  for (const p of candidates) {
    const replaced = new Set<number>();
    const name = pool.names.data[p]!;
    for (const q of providers.list(name)) {
      if (!s.isInstalled(q)) continue;
      if (!pool.flags.implicitobsoleteusesprovides && pool.names.data[q] !== name) continue;
      if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(p, q)) continue;
      replaced.add(q);
    }
    for (const dep of pool.list(p, field.obsoletes))
      for (const q of providers.list(dep)) {
        if (!s.isInstalled(q)) continue;
        if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
        if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
        replaced.add(q);
      }
    if (common === undefined) common = replaced;
    else for (const q of common) if (!replaced.has(q)) common.delete(q);
    if (common.size === 0) return [];
  }
  const ignore =
    (set.ev ? illegal.downgrade : 0) |
    (set.arch ? illegal.archChange : 0) |
    (set.vendor ? illegal.vendorChange : 0) |
    (set.name ? illegal.nameChange : 0);
  return [...(common ?? [])].filter((q) => candidates.every((p) => illegalChanges(s, q, p, ignore) === 0));
}

/** What `job` switches off. */
function disabledBy(s: SolverState, job: Job): Disabled {
  const out = nothing();
  const { pool } = s;
  if (job.action === 'install') {
    const set = setFlagsOf(s, job);
    const candidates = selected(pool, job.select);
    if (set.arch && s.infarch.start !== s.infarch.end)
      for (const p of candidates) out.infarchNames.push(pool.names.data[p]!);
    if ((set.repo || set.ev) && s.dup.start !== s.dup.end)
      for (const p of candidates) out.dupNames.push(pool.names.data[p]!);
    if (set.ev && s.black.start !== s.black.end) out.black.push(...candidates);
    if ((set.repo || set.ev) && s.strictRepo.start !== s.strictRepo.end) out.strictRepo.push(...candidates);
    if (pool.installed === undefined || pool.installed.solvables.length === 0) return out;
    if (!(set.ev || set.arch || set.vendor || set.repo || set.name)) return out;
    if (candidates.some((p) => s.isInstalled(p) || s.multiversion.has(p))) return out;
    if (s.mayUpdate(job) || candidates.length === 0) return out;
    out.updates.push(...replacedByAll(s, candidates, set));
  } else if (job.action === 'erase') {
    for (const p of selected(pool, job.select)) if (s.isInstalled(p)) out.updates.push(p);
  } else if (job.action === 'lock') {
    for (const p of selected(pool, job.select)) if (s.isInstalled(p)) out.best.push(p);
  }
  return out;
}

function disableUpdate(s: SolverState, p: number): void {
  s.noUpdate.add(p);
  for (const span of [s.update, s.feature]) {
    const r = span.start + p - s.installedStart;
    if (s.p[r] !== 0) s.disableRule(r);
  }
  disableBest(s, p);
}

function disableBest(s: SolverState, p: number): void {
  for (let r = s.best.start; r < s.best.end; r++) if (s.bestSource[r - s.best.start] === p) s.disableRule(r);
}

function disableNames(s: SolverState, names: readonly number[], span: Span): void {
  for (let r = span.start; r < span.end; r++)
    if (names.includes(s.pool.names.data[Math.abs(s.p[r]!)]!)) s.disableRule(r);
}

function apply(s: SolverState, off: Disabled): void {
  for (const p of off.updates) disableUpdate(s, p);
  disableNames(s, off.infarchNames, s.infarch);
  disableNames(s, off.dupNames, s.dup);
  for (const p of off.best) disableBest(s, p);
  for (let r = s.black.start; r < s.black.end; r++) if (off.black.includes(-s.p[r]!)) s.disableRule(r);
  for (let r = s.strictRepo.start; r < s.strictRepo.end; r++) if (off.strictRepo.includes(-s.p[r]!)) s.disableRule(r);
}

function jobEnabled(s: SolverState, job: number): boolean {
  let any = false;
  for (let r = s.job.start; r < s.job.end; r++)
    if (s.ruleToJob[r - s.job.start] === job) {
      any = true;
      if (!s.isDisabled(r)) return true;
    }
  return !any && s.jobs[job]!.action === 'lock';
}

/** Switches off the rules about updates, architectures and repositories that the enabled jobs override. */
export function disablePolicyRules(s: SolverState): void {
  s.jobs.forEach((job, i) => {
    if (job.action !== 'install' && job.action !== 'erase' && job.action !== 'lock') return;
    if (jobEnabled(s, i)) apply(s, disabledBy(s, job));
  });
}

/** Switches the rules that only `job` overrode back on, after the job itself was switched off. */
export function reenablePolicyRules(s: SolverState, jobIndex: number): void {
  const job = s.jobs[jobIndex]!;
  const off = disabledBy(s, job);
  const others = s.jobs
    .filter((_, i) => i !== jobIndex && jobEnabled(s, i))
    .map((other) => disabledBy(s, other))
    .reduce<Disabled>((all, one) => {
      for (const key of ['updates', 'infarchNames', 'dupNames', 'best', 'black', 'strictRepo'] as const)
        all[key].push(...one[key]);
      return all;
    }, nothing());
  for (const p of off.updates) {
    if (others.updates.includes(p)) continue;
    s.noUpdate.delete(p);
    const update = s.update.start + p - s.installedStart;
    const feature = s.feature.start + p - s.installedStart;
    if (s.p[update] !== 0) s.enableRule(update);
    else if (s.p[feature] !== 0) s.enableRule(feature);
    for (let r = s.best.start; r < s.best.end; r++) if (s.bestSource[r - s.best.start] === p) s.enableRule(r);
  }
  const enableNames = (names: readonly number[], keep: readonly number[], span: Span): void => {
    for (let r = span.start; r < span.end; r++) {
      const name = s.pool.names.data[Math.abs(s.p[r]!)]!;
      if (names.includes(name) && !keep.includes(name)) s.enableRule(r);
    }
  };
  enableNames(off.infarchNames, others.infarchNames, s.infarch);
  enableNames(off.dupNames, others.dupNames, s.dup);
  for (const p of off.best)
    if (!others.best.includes(p))
      for (let r = s.best.start; r < s.best.end; r++) if (s.bestSource[r - s.best.start] === p) s.enableRule(r);
  for (const [span, key] of [
    [s.black, 'black'],
    [s.strictRepo, 'strictRepo'],
  ] as const)
    for (let r = span.start; r < span.end; r++) {
      const p = -s.p[r]!;
      if (off[key].includes(p) && !others[key].includes(p)) s.enableRule(r);
    }
}
