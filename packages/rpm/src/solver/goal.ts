// What rpm-ostree and dnf ask of a solver: requests by subject, a locked base, and one answer or one error text.
import { CoppiceError } from '@coppice/base';
import type { Job, JobFlags, SolverFlags } from './job.ts';
import type { Pool } from './pool.ts';
import { problemInfos } from './problems.ts';
import { infoText, type Namer } from './rule-info.ts';
import { solve } from './solve.ts';
import type { SolverState } from './state.ts';
import { matchSubject, type SubjectMatch } from './subject.ts';
import type { Step } from './transaction.ts';

/** Solver switches as libdnf sets them for rpm-ostree (but urpmreorder, which only reorders kernel and locale packages). */
export const goalFlags: Partial<SolverFlags> = {
  allowvendorchange: true,
  dupallowvendorchange: true,
  keeporphans: true,
  bestobeypolicy: true,
  yumobsoletes: true,
};

export interface GoalOptions {
  /** Install recommended and supplementing packages too; default true. */
  readonly recommends?: boolean;
  readonly flags?: Partial<SolverFlags>;
  /** Names or globs of packages that must not leave the system. */
  readonly protectedNames?: readonly string[];
}

/** The changes a goal leads to; solvable ids, each list ordered by name and then version. */
export interface GoalResult {
  readonly steps: readonly Step[];
  readonly install: readonly number[];
  readonly erase: readonly number[];
  readonly upgrade: readonly number[];
  readonly downgrade: readonly number[];
  readonly reinstall: readonly number[];
  /** Installed packages that go because a new one obsoletes them. */
  readonly obsoleted: readonly number[];
  readonly state: SolverState;
}

/** Collects requests and solves them. Excludes are set on the pool (`pool.disable`) before. */
export class Goal {
  readonly pool: Pool;
  private readonly options: GoalOptions;
  private readonly jobs: Job[] = [];
  private readonly labels: (string | undefined)[] = [];

  constructor(pool: Pool, options: GoalOptions = {}) {
    this.pool = pool;
    this.options = options;
  }

  private add(job: Job, label?: string): void {
    this.jobs.push(job);
    this.labels.push(label);
  }

  /** The job labels by index: the request as the user wrote it, where there is one. */
  get requests(): readonly (string | undefined)[] {
    return this.labels;
  }
  get jobList(): readonly Job[] {
    return this.jobs;
  }

  /** Asks for one package that fits `subject`. Throws `NotFound` when none does. */
  install(subject: string, flags: JobFlags = {}): SubjectMatch {
    const match = matchSubject(this.pool, subject);
    if (match === undefined)
      throw new CoppiceError('NotFound', `Packages not found: ${subject}`, { data: { subjects: [subject] } });
    this.add(
      {
        action: 'install',
        select: { kind: 'oneof', solvables: match.solvables },
        flags: { ...flags, ...setFlags(match) },
      },
      subject,
    );
    return match;
  }

  /** Asks for all of `subjects`; one `NotFound` error lists every one that no package fits. */
  installAll(subjects: readonly string[], flags: JobFlags = {}): void {
    const missing = subjects.filter((subject) => matchSubject(this.pool, subject) === undefined);
    if (missing.length > 0)
      throw new CoppiceError('NotFound', `Packages not found: ${missing.join(', ')}`, { data: { subjects: missing } });
    for (const subject of subjects) this.install(subject, flags);
  }

  /** Asks for exactly this package. */
  installPackage(solvable: number, flags: JobFlags = {}): void {
    this.pool.check(solvable);
    this.add({ action: 'install', select: { kind: 'solvable', solvable }, flags }, this.pool.text(solvable));
  }

  /** Removes the installed packages that fit `subject`. Throws `NotFound` when none does. */
  erase(subject: string, flags: JobFlags = {}): readonly number[] {
    const match = matchSubject(this.pool, subject);
    const installed = (match?.solvables ?? []).filter((p) => this.pool.isInstalled(p));
    if (installed.length === 0)
      throw new CoppiceError('NotFound', `Packages not found: ${subject}`, { data: { subjects: [subject] } });
    for (const p of installed) this.erasePackage(p, flags);
    return installed;
  }

  erasePackage(solvable: number, flags: JobFlags = {}): void {
    this.pool.check(solvable);
    this.add({ action: 'erase', select: { kind: 'solvable', solvable }, flags }, this.pool.text(solvable));
  }

  /** Updates what fits `subject`, or everything installed. */
  upgrade(subject?: string, flags: JobFlags = {}): void {
    if (subject === undefined) {
      this.add({ action: 'update', select: { kind: 'all' }, flags });
      return;
    }
    const match = matchSubject(this.pool, subject);
    if (match === undefined)
      throw new CoppiceError('NotFound', `Packages not found: ${subject}`, { data: { subjects: [subject] } });
    this.add(
      {
        action: 'update',
        select: { kind: 'oneof', solvables: match.solvables },
        flags: { ...flags, targeted: true, ...setFlags(match) },
      },
      subject,
    );
  }

  /** Keeps these packages as they are: installed ones stay, others stay out. */
  lock(solvables: Iterable<number>): void {
    for (const solvable of solvables) this.add({ action: 'lock', select: { kind: 'solvable', solvable } });
  }

  /** Locks everything installed but `except`. */
  lockInstalled(except: ReadonlySet<number> = new Set()): void {
    this.lock((this.pool.installed?.solvables ?? []).filter((p) => !except.has(p)));
  }

  /** Lets the solver remove these installed packages when a request needs it. */
  allowUninstall(solvables: Iterable<number>): void {
    for (const solvable of solvables) this.add({ action: 'allowuninstall', select: { kind: 'solvable', solvable } });
  }

  /** `allowUninstall` for all installed packages but the protected ones. */
  allowUninstallUnprotected(): void {
    const kept = new Set(this.options.protectedNames ?? []);
    this.allowUninstall(
      (this.pool.installed?.solvables ?? []).filter((p) => !kept.has(this.pool.ids.text(this.pool.names.data[p]!))),
    );
  }

  /** Bars these packages from coming in only by a weak dependency. */
  excludeFromWeak(solvables: Iterable<number>): void {
    for (const solvable of solvables) this.add({ action: 'excludefromweak', select: { kind: 'solvable', solvable } });
  }

  favor(solvables: Iterable<number>): void {
    for (const solvable of solvables) this.add({ action: 'favor', select: { kind: 'solvable', solvable } });
  }
  disfavor(solvables: Iterable<number>): void {
    for (const solvable of solvables) this.add({ action: 'disfavor', select: { kind: 'solvable', solvable } });
  }

  /** Any other job. */
  addJob(job: Job, label?: string): void {
    this.add(job, label);
  }

  /** Solves, and returns problems as values. */
  trySolve(): { result: GoalResult; problems: string[][] } {
    const flags: Partial<SolverFlags> = {
      ...goalFlags,
      ignorerecommended: this.options.recommends === false,
      ...this.options.flags,
    };
    const solution = solve(this.pool, this.jobs, flags);
    const { state } = solution;
    const problems = state.problems.map((_, i) => problemLines(state, i));
    return { result: resultOf(this.pool, solution.steps, state), problems };
  }

  /** Solves. Throws `Conflict` with the text of `depsolveError` when the requests cannot be met. */
  solve(): GoalResult {
    const { result, problems } = this.trySolve();
    if (problems.length > 0) throw new CoppiceError('Conflict', depsolveError(problems), { data: { problems } });
    const kept = new Set(this.options.protectedNames ?? []);
    const gone = [...result.erase, ...result.obsoleted]
      .map((p) => this.pool.ids.text(this.pool.names.data[p]!))
      .filter((name) => kept.has(name));
    if (gone.length > 0)
      throw new CoppiceError(
        'Conflict',
        depsolveError([
          [`The operation would result in removing the following protected packages: ${[...new Set(gone)].join(', ')}`],
        ]),
        { data: { protected: gone } },
      );
    return result;
  }
}

function setFlags(match: SubjectMatch): JobFlags {
  const { form } = match;
  if (form === 'NEVRA') return { setevr: true, setarch: true };
  if (form === 'NEVR') return { setevr: true };
  if (form === 'NEV') return { setev: true };
  if (form === 'NA') return { setarch: true };
  return {};
}

/** Packages as libdnf writes them in problems: `NEVRA from REPO`. */
export function nameWithRepo(pool: Pool): Namer {
  return (p) => {
    const repo = pool.repo(p);
    return repo === undefined ? pool.text(p) : `${pool.text(p)} from ${pool.isInstalled(p) ? '@System' : repo.name}`;
  };
}

/** The sentences of one problem, without repetition, in libdnf's order. */
export function problemLines(state: SolverState, problem: number): string[] {
  const out: string[] = [];
  const name = nameWithRepo(state.pool);
  for (const info of problemInfos(state, problem)) {
    const line = infoText(state.pool, info, name);
    if (!out.includes(line)) out.push(line);
  }
  return out;
}

/** libdnf's text for problems: `Could not depsolve transaction; N problem(s) detected:` and a block for each. */
export function depsolveError(problems: readonly (readonly string[])[]): string {
  const blocks = problems.map((lines, i) => {
    const head = problems.length === 1 ? ' Problem: ' : ` Problem ${i + 1}: `;
    return `${head}${lines[0] ?? ''}${lines
      .slice(1)
      .map((line) => `\n  - ${line}`)
      .join('')}`;
  });
  const count = `${problems.length} problem${problems.length === 1 ? '' : 's'} detected`;
  return `Could not depsolve transaction; ${count}:\n${blocks.join('\n')}`;
}

function resultOf(pool: Pool, steps: readonly Step[], state: SolverState): GoalResult {
  const order = (a: number, b: number): number => {
    const x = pool.ids.text(pool.names.data[a]!);
    const y = pool.ids.text(pool.names.data[b]!);
    if (x !== y) return x < y ? -1 : 1;
    return pool.compareEvrs(pool.evrs.data[a]!, pool.evrs.data[b]!) || a - b;
  };
  const of = (kind: Step['kind']): number[] =>
    steps
      .filter((step) => step.kind === kind)
      .map((step) => step.package)
      .sort(order);
  return {
    steps,
    install: of('install'),
    erase: of('erase'),
    upgrade: [...of('upgrade'), ...of('change')].sort(order),
    downgrade: of('downgrade'),
    reinstall: of('reinstall'),
    obsoleted: of('obsoleted'),
    state,
  };
}
