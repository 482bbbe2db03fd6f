// libsolv's test case files (`.t`): repositories, jobs and expected results, one command per line.
import { CoppiceError, isCoppiceError, prefixError } from '@coppice/base';
import { cleandepsResult } from '../cleandeps.ts';
import { defaultSolverFlags, type Job, type JobFlags, type SolverFlags } from '../job.ts';
import { Pool, systemSolvable } from '../pool.ts';
import type { PoolFlags } from '../pool-flags.ts';
import { selected } from '../selection.ts';
import { SolvableNames, solvableName } from '../solvable-name.ts';
import { solve } from '../solve.ts';
import type { SolverState } from '../state.ts';
import { rel } from '../strings.ts';
import type { Step } from '../transaction.ts';
import { autoInstalledNames, userInstalled } from '../user-installed.ts';
import { parseTestDependency } from './dep-syntax.ts';
import { genidCommand, genidLines } from './genid.ts';
import { readHelix } from './helix.ts';
import { formatJob, parseAction, parseJob, takeJobFlags } from './job-text.ts';
import {
  type AlternativeStyle,
  alternativeLines,
  orderEdgeLines,
  orderLines,
  problemResultLines,
  proofLines,
  reasonLines,
  recommendedLines,
  ruleLines,
  transactionLines,
  unneededLines,
} from './results.ts';
import { narrow, type SelectionPart, selectByDependency, selectByText, selectionMode } from './selection-text.ts';
import { readTesttags } from './testtags.ts';

/** One `result` command after solving: what was expected (nothing given: `undefined`) and what came out. Both sorted. */
export interface CaseResult {
  readonly line: number;
  readonly kinds: readonly string[];
  readonly expected: readonly string[] | undefined;
  readonly actual: readonly string[];
}

export interface CaseOptions {
  /** Reads a file named in the case (relative to it). */
  readonly readFile?: (name: string) => string;
  /** Which libsolv's wording of alternatives to use. */
  readonly alternatives?: AlternativeStyle;
  /** The solver's switches before the case sets any. */
  readonly flags?: Partial<SolverFlags>;
  /** Called after each solving. */
  readonly onSolved?: (state: SolverState, steps: readonly Step[]) => void;
}

interface Command {
  readonly line: number;
  readonly words: readonly string[];
  readonly rest: string;
  readonly inline: string | undefined;
}

function commands(text: string): Command[] {
  const out: Command[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i]!.trim();
    if (line === '' || line.startsWith('#')) continue;
    const number = i + 1;
    let inline: string | undefined;
    if (line.endsWith('<inline>')) {
      line = line.slice(0, -'<inline>'.length).trimEnd();
      const data: string[] = [];
      while (i + 1 < lines.length && lines[i + 1]!.startsWith('#>')) data.push(lines[++i]!.slice(2));
      inline = data.join('\n');
    }
    const words = line.split(/\s+/);
    out.push({ line: number, words, rest: line.slice(words[0]!.length).trim(), inline });
  }
  return out;
}

function unsupported(what: string): never {
  throw new CoppiceError('Unsupported', `not built yet: ${what}`);
}

/** Features of libsolv that a case may ask for and that are here. */
const features = ['complex_deps', 'multi_semantics', 'testcase_helixrepo'];

/**
 * Runs a test case; of several `result` commands before a `nextjob` the last one counts. Throws `Invalid` for a file that
 * makes no sense and `Unsupported` for what is not built.
 */
export function runTestCase(text: string, options: CaseOptions = {}): CaseResult[] {
  const run = new CaseRun(options);
  for (const command of commands(text)) {
    try {
      run.command(command);
    } catch (error) {
      throw isCoppiceError(error) ? prefixError(error, `line ${command.line}`) : error;
    }
  }
  run.finish();
  return run.results;
}

class CaseRun {
  readonly results: CaseResult[] = [];
  private readonly options: CaseOptions;
  private readonly pool = new Pool();
  private names: SolvableNames | undefined;
  private jobs: Job[] = [];
  private flags: SolverFlags;
  private state: SolverState | undefined;
  private previous: SolverState | undefined;
  private wanted: { kinds: readonly string[]; expected: string[] | undefined; line: number } | undefined;
  private readonly autoInstalled: string[] = [];
  private readonly genids: number[] = [];
  private readonly vendorClasses: string[][] = [];

  constructor(options: CaseOptions) {
    this.options = options;
    this.flags = this.freshFlags();
  }

  private freshFlags(): SolverFlags {
    return { ...defaultSolverFlags(), ...this.options.flags };
  }

  private solvables(): SolvableNames {
    this.names ??= new SolvableNames(this.pool);
    return this.names;
  }

  /** Solves and compares what was asked of the jobs so far. */
  finish(): void {
    this.genidDone();
    const { wanted } = this;
    this.wanted = undefined;
    this.addUserInstalledJobs();
    if (wanted !== undefined) this.result(wanted.kinds, wanted.expected, wanted.line);
    else if (this.jobs.length > 0) this.result(['transaction', 'problems'], undefined, 0);
  }

  private nextJob(reuse: boolean): void {
    this.finish();
    this.previous = reuse ? this.state : undefined;
    this.jobs = [];
    this.autoInstalled.length = 0;
    this.state = undefined;
    if (!reuse) this.flags = this.freshFlags();
  }

  /** `autoinst name X`: every installed package of another name was asked for by the user. */
  private addUserInstalledJobs(): void {
    if (this.autoInstalled.length === 0) return;
    const { pool } = this;
    const names = new Set((pool.installed?.solvables ?? []).map((p) => pool.ids.text(pool.names.data[p]!)));
    for (const name of this.autoInstalled) names.delete(name);
    for (const name of [...names].sort(compareBytes))
      this.jobs.push({ action: 'userinstalled', select: { kind: 'name', dep: pool.ids.string(name) } });
    this.autoInstalled.length = 0;
    this.state = undefined;
  }

  private solved(): SolverState {
    if (this.state === undefined) {
      const solution = solve(this.pool, this.jobs, this.flags, this.previous);
      this.state = solution.state;
      this.options.onSolved?.(solution.state, solution.steps);
    }
    return this.state;
  }

  command(c: Command): void {
    const [verb, ...args] = c.words;
    switch (verb) {
      case 'genid':
        genidCommand(this.pool, this.genids, args[0], c.rest.slice(args[0]?.length ?? 0).trim());
        break;
      case 'repo':
        this.repo(args, c.inline);
        break;
      case 'system':
        this.system(args);
        break;
      case 'job':
        if (args[1]?.startsWith('selection') === true) this.selection(c.rest);
        else this.jobs.push(this.job(c.rest));
        this.state = undefined;
        break;
      case 'solverflags':
        for (const word of args) for (const flag of word.split(',')) this.solverFlag(flag);
        break;
      case 'poolflags':
        for (const word of args) for (const flag of word.split(',')) this.poolFlag(flag);
        break;
      case 'namespace':
        this.namespace(c.rest);
        break;
      case 'disable':
        this.disable(args, c.rest);
        break;
      case 'vendorclass':
        this.vendorClasses.push(args);
        this.pool.setVendorClasses(this.vendorClasses);
        break;
      case 'feature':
        for (const feature of args) if (!features.includes(feature)) unsupported(`feature '${feature}'`);
        break;
      case 'autoinst':
        if (args[0] !== 'name' || args[1] === undefined) throw new CoppiceError('Invalid', 'autoinst: illegal mode');
        this.autoInstalled.push(args[1]);
        break;
      case 'nextjob':
        this.nextJob(args[0] === 'reusesolver');
        break;
      case 'result':
        if (args[0] === undefined) throw new CoppiceError('Invalid', 'result: what is to be shown?');
        this.wanted = { kinds: args[0].split(','), expected: this.expectation(c, args), line: c.line };
        break;
      case 'evrcmp':
        this.evrcmp(args);
        break;
      default:
        throw new CoppiceError('Invalid', `unknown command '${verb}'`);
    }
  }

  private expectation(c: Command, args: readonly string[]): string[] | undefined {
    if (c.inline !== undefined) return sortedLines(c.inline);
    if (args[1] === undefined) return undefined;
    return sortedLines(this.read(args[1]));
  }

  private read(name: string): string {
    if (this.options.readFile === undefined) throw new CoppiceError('NotFound', `no file ${name} here`);
    return this.options.readFile(name);
  }

  private repo(args: readonly string[], inline: string | undefined): void {
    this.forgetNamespaces();
    const [name, priorities, kind, file] = args;
    const [priority, subpriority] = (priorities ?? '0').split('.');
    const repo = this.pool.addRepo(name!, {
      priority: Number(priority),
      subpriority: subpriority === undefined ? 0 : Number(subpriority),
    });
    this.names = undefined;
    if (kind === 'empty' || (file === undefined && inline === undefined)) return;
    if (kind === 'helix') readHelix(this.pool, repo, inline ?? this.read(file!));
    else if (kind === 'testtags' || kind === 'susetags') readTesttags(this.pool, repo, inline ?? this.read(file!));
    else unsupported(`repositories of the kind '${kind}'`);
  }

  private system(args: readonly string[]): void {
    this.forgetNamespaces();
    const [arch, kinds = '*', installed] = args;
    if (kinds !== '*') {
      const kind = kinds.split(',').find((word) => word === 'rpm' || word === 'deb' || word === 'arch');
      if (kind === undefined) unsupported(`the package kind '${kinds}'`);
      this.pool.setKind(kind as 'rpm');
    }
    if (arch === undefined || arch === 'unset' || arch === '-') this.pool.unsetArch();
    else if (arch.startsWith(':')) this.pool.setArchPolicy(arch.slice(1));
    else this.pool.setArch(arch);
    if (installed !== undefined) {
      const repo = this.pool.repos.find((r) => r.name === installed);
      if (repo === undefined) throw new CoppiceError('Invalid', `system: unknown repo '${installed}'`);
      this.pool.installed = repo;
      this.pool.changed();
    }
  }

  private job(text: string): Job {
    return parseJob(this.pool, this.solvables(), text);
  }

  /** `job ACTION selection TEXT FLAGS [JOBFLAGS]` and its relatives, which look at dependencies. */
  private selection(text: string): void {
    const { rest: line, flags: jobFlags } = takeJobFlags(text);
    const [word, kind, ...rest] = line.split(/\s+/);
    const flags = rest.pop();
    if (flags === undefined || rest.length === 0) throw new CoppiceError('Invalid', `bad selection '${text}'`);
    const action = parseAction(word!);
    const { pool } = this;
    const found =
      kind === 'selection'
        ? selectByText(pool, rest.join(' '), flags)
        : selectByDependency(pool, this.solvables(), kind!, rest[0] ?? '', rest.slice(1).join(' '), flags);
    const mode = selectionMode(flags);
    let parts: readonly SelectionPart[] = found;
    if (mode !== undefined) {
      // The jobs so far become a selection, which the new one is put to; all of it is done with the new action.
      const before = this.jobs.map(({ select, flags: old = {} }) => ({ select, flags: settingsOf(old) }));
      this.jobs = [];
      if (mode === 'add') parts = [...before, ...found];
      else if (mode === 'filter' && before.length === 1 && before[0]!.select.kind === 'all') parts = found;
      else {
        const chosen = new Set(found.flatMap((part) => selected(pool, part.select)));
        const { noautoset: _, ...more } = found.length === 1 ? found[0]!.flags : {};
        const settings = settingsOf(more);
        if (mode === 'filter') parts = narrow(pool, before, (p) => chosen.has(p), settings);
        else parts = found.length === 0 ? before : narrow(pool, before, (p) => !chosen.has(p), settings);
      }
    }
    for (const part of parts) this.jobs.push({ action, select: part.select, flags: { ...part.flags, ...jobFlags } });
  }

  private solverFlag(word: string): void {
    const value = !word.startsWith('!');
    const name = value ? word : word.slice(1);
    if (name === '') return;
    if (!Object.hasOwn(this.flags, name)) unsupported(`solver flag '${name}'`);
    this.flags[name as keyof SolverFlags] = value;
  }

  private poolFlag(word: string): void {
    const value = !word.startsWith('!');
    const name = value ? word : word.slice(1);
    if (name === '' || name === 'keepidhashes' || name === 'nowhatprovidesshrink') return;
    if (!Object.hasOwn(this.pool.flags, name)) unsupported(`pool flag '${name}'`);
    this.pool.flags[name as keyof PoolFlags] = value;
    this.pool.changed();
  }

  private namespace(rest: string): void {
    const m = /^(\S+\([^)]*\))\s*(.*)$/.exec(rest);
    if (m === null) throw new CoppiceError('Invalid', `bad namespace '${rest}'`);
    const dep = parseTestDependency(this.pool, m[1]!);
    const list = m[2]!
      .split(/\s+/)
      .filter((w) => w !== '')
      .map((w) => (w === '@SYSTEM' ? systemSolvable : (this.solvables().find(w) ?? 0)));
    this.pool.namespaces.set(dep, list);
    this.pool.changed();
  }

  /** What provides what is worked out anew in libsolv: what was said of namespaces before is gone. */
  private forgetNamespaces(): void {
    this.pool.namespaces.clear();
  }

  private disable(args: readonly string[], rest: string): void {
    this.forgetNamespaces();
    const kind = args[0]!;
    if (kind === 'pkg') {
      const p = this.solvables().find(args[1]!);
      if (p !== undefined) this.pool.disable(p);
      return;
    }
    const job = this.job(`noop ${rest}`);
    for (const p of selected(this.pool, job.select)) this.pool.disable(p);
  }

  /** The comparison becomes a job that asks for `A < B`, `A = B` or `A > B`. */
  private evrcmp(args: readonly string[]): void {
    const [a, b] = args;
    if (a === undefined || b === undefined) throw new CoppiceError('Invalid', 'evrcmp: two versions are needed');
    const { ids } = this.pool;
    const order = this.pool.compareEvrs(ids.string(a), ids.string(b));
    const flags = order < 0 ? rel.lt : order > 0 ? rel.gt : rel.eq;
    this.asked(ids.relation(ids.string(a), flags, ids.string(b)));
  }

  private asked(dep: number): void {
    this.jobs.push({ action: 'noop', select: { kind: 'provides', dep } });
    this.state = undefined;
  }

  private genidDone(): void {
    for (const dep of this.genids.splice(0).reverse()) this.asked(dep);
  }

  private result(kinds: readonly string[], expected: string[] | undefined, line: number): void {
    const state = this.solved();
    const lines = kinds.flatMap((kind) => this.resultLines(kind, state));
    this.results.push({ line, kinds, expected, actual: lines.sort(compareBytes) });
  }

  private resultLines(kind: string, state: SolverState): string[] {
    const { pool } = this;
    const named = (word: string, list: readonly number[]): string[] =>
      list.map((p) => `${word} ${solvableName(pool, p)}`);
    switch (kind) {
      case 'jobs':
        return this.jobs.map((job) => `job ${formatJob(pool, job)}`);
      case 'genid':
        return this.jobs.flatMap(({ action, select }) =>
          action === 'noop' && select.kind === 'provides' ? genidLines(pool, select.dep) : [],
        );
      case 'transaction':
        return transactionLines(state);
      case 'problems':
        return problemResultLines(state);
      case 'proof':
        return proofLines(state);
      case 'rules':
        return ruleLines(state);
      case 'alternatives':
        return alternativeLines(state, this.options.alternatives ?? 'phrase');
      case 'recommended':
        return recommendedLines(state);
      case 'reason':
        return reasonLines(state);
      case 'cleandeps':
        return named('cleandeps', cleandepsResult(state));
      case 'orphaned':
        return named('orphaned', state.orphaned);
      case 'order':
        return orderLines(state);
      case 'orderedges':
        return orderEdgeLines(state);
      case 'unneeded':
        return unneededLines(state);
      case 'userinstalled':
        return [
          ...named('userinstalled pkg', userInstalled(state)),
          ...autoInstalledNames(state).map((name) => `autoinst name ${name}`),
        ];
      default:
        return unsupported(`result '${kind}'`);
    }
  }
}

/** Flags that belong to a selection, not to what is done with it. */
function settingsOf({ setev, setevr, setarch, setvendor, setrepo, noautoset }: JobFlags): JobFlags {
  const all = { setev, setevr, setarch, setvendor, setrepo, noautoset };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value === true));
}

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sortedLines(text: string): string[] {
  return text
    .split('\n')
    .map((l) => l.trimEnd())
    .filter((l) => l !== '')
    .sort(compareBytes);
}
