// Which policy rules a job overrides: what it pins decides.
import { illegal, illegalChanges, obsoletedByAll } from './candidates.ts';
import type { Job } from './job.ts';
import { namedPackages } from './selection.ts';
import type { SolverState } from './state.ts';
import { isRel, rel } from './strings.ts';

/** Something to switch off: the update rules of a package, or rules of a class about a name or package. */
export interface Override {
  readonly kind: 'update' | 'infarch' | 'dup' | 'black' | 'strictRepo';
  /** Package for `update` and `black`, else name. */
  readonly id: number;
}

interface Pinned {
  evr: boolean;
  ev: boolean;
  arch: boolean;
  vendor: boolean;
  repo: boolean;
  name: boolean;
}

/** What a job pins: by its flags and, unless told not to, by what its selection says. `undefined` for nothing. */
function pinnedBy(s: SolverState, job: Job): Pinned | undefined {
  const f = job.flags ?? {};
  const set: Pinned = {
    evr: f.setevr === true,
    ev: f.setev === true,
    arch: f.setarch === true,
    vendor: f.setvendor === true,
    repo: f.setrepo === true,
    name: f.setname === true,
  };
  const { select } = job;
  const { ids } = s.pool;
  if (f.noautoset !== true) {
    if (select.kind === 'name') set.name = true;
    if (select.kind === 'solvable') Object.assign(set, { evr: true, arch: true, vendor: true, repo: true, name: true });
    else if ((select.kind === 'name' || select.kind === 'provides') && isRel(select.dep)) {
      let dep = select.dep;
      if (ids.relFlag(dep) === rel.eq && select.kind === 'name') {
        if (s.pool.kind === 'deb' || ids.text(ids.relEvr(dep)).includes('-')) set.evr = true;
        else set.ev = true;
      }
      if (ids.relFlag(dep) < 8 && isRel(ids.relName(dep))) dep = ids.relName(dep);
      if (ids.relFlag(dep) === rel.arch) set.arch = true;
    }
  }
  return Object.values(set).some((v) => v) ? set : undefined;
}

function installOverrides(s: SolverState, job: Job): Override[] {
  const { pool } = s;
  const set = pinnedBy(s, job);
  if (set === undefined) return [];
  const out: Override[] = [];
  const list = namedPackages(pool, job.select);
  const names = [...new Set(list.map((p) => pool.names.data[p]!))];
  if (set.arch && s.infarch.start !== s.infarch.end) {
    const inferior = new Set<number>();
    for (let r = s.infarch.start; r < s.infarch.end; r++) inferior.add(-s.p[r]!);
    for (const name of new Set(list.filter((p) => inferior.has(p)).map((p) => pool.names.data[p]!)))
      out.push({ kind: 'infarch', id: name });
  }
  if (set.repo && s.dup.start !== s.dup.end) for (const id of names) out.push({ kind: 'dup', id });
  if (set.repo && s.strictRepo.start !== s.strictRepo.end) for (const id of names) out.push({ kind: 'strictRepo', id });
  if (set.evr && s.black.start !== s.black.end) for (const id of list) out.push({ kind: 'black', id });
  if (s.installedEnd === s.installedStart) return out;
  const all = set.evr && set.arch && set.vendor;
  // Asking for one installed package to stay: no need to make it the best.
  if (job.select.kind === 'solvable' && s.isInstalled(job.select.solvable) && s.bestSource.length > 0 && all) {
    if (s.bestSource.includes(job.select.solvable, s.bestUpdates))
      out.push({ kind: 'update', id: job.select.solvable });
    return out;
  }
  if (list.some((p) => s.isInstalled(p) || (s.multiversion.has(p) && !s.flags.keepexplicitobsoletes))) return out;
  for (const old of obsoletedByAll(s, list)) {
    const fine =
      all ||
      list.every((p) => {
        const ignore =
          (set.evr ? illegal.downgrade : 0) |
          (set.name ? illegal.nameChange : 0) |
          (set.arch ? illegal.archChange : 0) |
          (set.vendor ? illegal.vendorChange : 0);
        const bits = illegalChanges(s, old, p, ignore);
        // With only epoch and version pinned, those must differ.
        if (bits === illegal.downgrade && set.ev)
          return pool.compareVersions(pool.evrs.data[old]!, pool.evrs.data[p]!) !== 0;
        return bits === 0;
      });
    if (fine) out.push({ kind: 'update', id: old });
  }
  return out;
}

/** Whether installed `p` goes in step with another installed one. */
function inLockStep(s: SolverState, p: number): boolean {
  for (let r = s.infarch.start; r < s.infarch.end; r++)
    if (s.p[r]! < 0 && s.isInstalled(-s.p[r]!) && s.someLiteral(r, (l) => l === p)) return true;
  return false;
}

function eraseOverrides(s: SolverState, job: Job): Override[] {
  const { pool } = s;
  if (pool.installed === undefined) return [];
  const { select } = job;
  const out: Override[] = [];
  const steps = pool.flags.implicitobsoleteusescolors && s.infarch.start !== s.infarch.end;
  const arch = steps && (job.flags?.setarch === true || (job.flags?.noautoset !== true && pinsArch(s, job)));
  if (select.kind === 'all' || (select.kind === 'repo' && pool.repos[select.repo] === pool.installed))
    for (const id of pool.installed.solvables) out.push({ kind: 'update', id });
  for (const p of namedPackages(pool, select)) {
    if (!s.isInstalled(p)) continue;
    out.push({ kind: 'update', id: p });
    if (arch && inLockStep(s, p)) out.push({ kind: 'infarch', id: pool.names.data[p]! });
  }
  return out;
}

function pinsArch(s: SolverState, { select }: Job): boolean {
  if (select.kind === 'solvable') return true;
  if ((select.kind !== 'name' && select.kind !== 'provides') || !isRel(select.dep)) return false;
  const { ids } = s.pool;
  const inner = ids.relFlag(select.dep) < 8 && isRel(ids.relName(select.dep)) ? ids.relName(select.dep) : select.dep;
  return ids.relFlag(inner) === rel.arch;
}

function lockOverrides(s: SolverState, job: Job): Override[] {
  const { pool } = s;
  if (pool.installed === undefined) return [];
  const { select } = job;
  const whole = select.kind === 'all' || (select.kind === 'repo' && pool.repos[select.repo] === pool.installed);
  const list = whole ? pool.installed.solvables : namedPackages(pool, select).filter((p) => s.isInstalled(p));
  return [...new Set(list.map((p) => pool.names.data[p]!))].map((id) => ({ kind: 'dup', id }));
}

/** Everything that `job` overrides. */
export function overridesOf(s: SolverState, job: Job): Override[] {
  if (job.action === 'install') return installOverrides(s, job);
  if (job.action === 'erase') return eraseOverrides(s, job);
  if (job.action === 'lock') return lockOverrides(s, job);
  return [];
}

/** What all jobs override that have a rule in force. */
export function enabledOverrides(s: SolverState): Override[] {
  const out: Override[] = [];
  let last = -1;
  for (let r = s.job.start; r < s.job.end; r++) {
    const job = s.ruleToJob[r - s.job.start]!;
    if (s.isDisabled(r) || job === last) continue;
    last = job;
    out.push(...overridesOf(s, s.jobs[job]!));
  }
  return out;
}
