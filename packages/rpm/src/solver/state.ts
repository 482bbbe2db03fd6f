// The solver's working state: rules (clauses over solvables), decisions, and the sets that steer them.
// A literal is a solvable id, negative for "not installed".
import { BitSet } from './id-array.ts';
import type { Job, SolverFlags } from './job.ts';
import type { Pool } from './pool.ts';
import type { Providers } from './whatprovides.ts';

/** Why a decision was made. */
export const reason = {
  unrelated: 0,
  unit: 1,
  keepInstalled: 2,
  resolveJob: 3,
  updateInstalled: 4,
  cleandeps: 5,
  resolve: 6,
  weakdep: 7,
  resolveOrphan: 8,
  recommended: 16,
  supplemented: 17,
} as const;

/** A span of rule numbers, `start` included, `end` not. */
export interface Span {
  start: number;
  end: number;
}

const emptySpan = (): Span => ({ start: 0, end: 0 });

/** A point where another choice was possible: what was chosen among what, at which level and for which rule. */
export interface Branch {
  readonly level: number;
  /** The other candidates. */
  readonly choices: number[];
  /** Those that were taken in place of the chosen one, because they came in anyhow. */
  readonly minimized?: ReadonlySet<number>;
  readonly chosen: number;
  /** Rule that asked, or 0. */
  readonly rule: number;
  /** For weak dependencies: package and dependency. */
  readonly from: number;
  readonly dep: number;
}

export class SolverState {
  readonly pool: Pool;
  readonly providers: Providers;
  readonly jobs: readonly Job[];
  readonly flags: SolverFlags;

  // Rules, as a structure of arrays. `p` first literal; `d` 0 with `w2` as second literal (0: assertion), or where the
  // other literals start in the provider data. A disabled rule has `-1 - d` there.
  ruleCount = 1;
  p = new Int32Array(1024);
  d = new Int32Array(1024);
  w1 = new Int32Array(1024);
  w2 = new Int32Array(1024);
  n1 = new Int32Array(1024);
  n2 = new Int32Array(1024);
  watches = new Int32Array(0);
  pkgRulesEnd = 1;
  /** The last package rule added, to drop an immediate repetition. */
  lastPkgRule = 0;
  readonly feature = emptySpan();
  readonly update = emptySpan();
  readonly job = emptySpan();
  readonly infarch = emptySpan();
  readonly dup = emptySpan();
  readonly best = emptySpan();
  readonly yumobs = emptySpan();
  readonly black = emptySpan();
  readonly choice = emptySpan();
  readonly recommends = emptySpan();
  readonly strictRepo = emptySpan();
  learntStart = 0;
  readonly ruleToJob: number[] = [];
  /** For every best rule: installed package (positive) or job (-1 - index). */
  readonly bestSource: number[] = [];
  /** For every best rule made for a job: the candidate packages it also concerns. */
  readonly choiceSource: number[] = [];
  readonly yumobsSource: number[] = [];
  /** For every rule of a strong recommendation: the dependency. */
  readonly recommendsSource: number[] = [];
  readonly weakRules = new Set<number>();
  readonly ruleAssertions: number[] = [];
  /** For every learnt rule: where the rules it came from start in `learntPool`. */
  readonly learntWhy: number[] = [];
  readonly learntPool: number[] = [0];

  decision: Int32Array;
  readonly queue: number[] = [];
  readonly why: number[] = [];
  readonly reasons: number[] = [];
  propagateIndex = 0;
  minimizeWork = 0;
  branches: Branch[] = [];
  /** Problems, each `[proof offset, element..., 0]`. Elements: rule, or -1 - job. */
  problems: number[][] = [];

  // Installed packages are numbered from `installedStart`; maps over them use `p - installedStart`.
  installedStart = 0;
  installedEnd = 0;
  updateAll = false;
  readonly updateSet = new BitSet();
  fixAll = false;
  readonly fixSet = new BitSet();
  bestUpdateAll = false;
  readonly bestUpdateSet = new BitSet();
  readonly noUpdate = new BitSet();
  readonly multiversion = new BitSet();
  hasMultiversion = false;
  allowUninstallAll = false;
  readonly allowUninstall = new BitSet();
  droporphanedAll = false;
  readonly droporphaned = new BitSet();
  hasDupJob = false;
  dupAll = false;
  readonly dupSet = new BitSet();
  readonly dupInvolved = new BitSet();
  readonly favored = new Map<number, number>();
  readonly excludeFromWeak = new BitSet();
  hasExcludeFromWeak = false;
  readonly blacklisted = new BitSet();
  hasBlacklist = false;
  hasCleandeps = false;
  cleandepsSet = new BitSet();
  readonly orphaned: number[] = [];
  readonly installedObsoleters = new Map<number, number[]>();
  /** Update targets chosen by targeted jobs: installed package to candidates. */
  readonly specialUpdaters = new Map<number, number[]>();
  readonly multiversionUpdaters = new Map<number, number[]>();
  readonly addedMap: BitSet;
  recommendsMap = new BitSet();
  suggestsMap = new BitSet();
  recommendsIndex = 0;
  installedPosition = 0;

  constructor(pool: Pool, jobs: readonly Job[], flags: SolverFlags) {
    this.pool = pool;
    this.providers = pool.providers;
    this.jobs = jobs;
    this.flags = flags;
    this.decision = new Int32Array(pool.count);
    this.addedMap = new BitSet(pool.count);
    if (pool.installed !== undefined && pool.installed.solvables.length > 0) {
      const { solvables } = pool.installed;
      this.installedStart = solvables[0]!;
      this.installedEnd = solvables[solvables.length - 1]! + 1;
    }
  }

  private growRules(): void {
    const size = this.p.length * 2;
    const grow = (a: Int32Array): Int32Array<ArrayBuffer> => {
      const b = new Int32Array(size);
      b.set(a);
      return b;
    };
    this.p = grow(this.p);
    this.d = grow(this.d);
    this.w1 = grow(this.w1);
    this.w2 = grow(this.w2);
    this.n1 = grow(this.n1);
    this.n2 = grow(this.n2);
  }

  /** Appends a rule `p`, `p | p2`, or `p | list at d` and returns its number. Two literals are put in ascending order. */
  addRule(first: number, second: number, list: number): number {
    const data = this.providers.data.data;
    let p = first;
    let p2 = second;
    let d = list;
    if (d !== 0) {
      if (data[d] === 0) d = 0;
      else if (data[d + 1] === 0) {
        p2 = data[d]!;
        d = 0;
      }
    }
    if (p2 !== 0 && d === 0 && p > p2) {
      const t = p;
      p = p2;
      p2 = t;
    }
    if (this.ruleCount === this.p.length) this.growRules();
    const r = this.ruleCount++;
    this.p[r] = p;
    this.d[r] = d;
    this.w1[r] = p;
    this.w2[r] = d !== 0 ? data[d]! : p2;
    this.n1[r] = 0;
    this.n2[r] = 0;
    return r;
  }

  /** An empty place, so that rules of installed packages can be found by number. */
  addEmptyRule(): number {
    const r = this.addRule(0, 0, 0);
    return r;
  }

  clearRule(r: number): void {
    this.p[r] = 0;
    this.d[r] = 0;
    this.w1[r] = 0;
    this.w2[r] = 0;
  }

  isDisabled(r: number): boolean {
    return this.d[r]! < 0;
  }
  disableRule(r: number): void {
    if (this.d[r]! >= 0) this.d[r] = -1 - this.d[r]!;
  }
  enableRule(r: number): void {
    if (this.d[r]! < 0) this.d[r] = -1 - this.d[r]!;
  }
  /** `d` whether or not the rule is disabled. */
  listOf(r: number): number {
    const d = this.d[r]!;
    return d < 0 ? -1 - d : d;
  }
  isAssertion(r: number): boolean {
    return this.listOf(r) === 0 && this.w2[r] === 0;
  }

  /** All literals of a rule, first one first. */
  literals(r: number): number[] {
    const out: number[] = [];
    if (this.p[r] !== 0) out.push(this.p[r]!);
    const d = this.listOf(r);
    if (d === 0) {
      // The watches of a binary rule never move, so the second one is its second literal.
      if (this.w2[r] !== 0) out.push(this.w2[r]!);
      return out;
    }
    const data = this.providers.data.data;
    for (let at = d; data[at] !== 0; at++) out.push(data[at]!);
    return out;
  }

  sameRule(a: number, b: number): boolean {
    if (this.p[a] !== this.p[b]) return false;
    const da = this.listOf(a);
    const db = this.listOf(b);
    if (da === 0 || db === 0) return da === 0 && db === 0 && this.w2[a] === this.w2[b];
    if (da === db) return true;
    const data = this.providers.data.data;
    for (let i = 0; ; i++) {
      if (data[da + i] !== data[db + i]) return false;
      if (data[da + i] === 0) return true;
    }
  }

  isTrue(literal: number): boolean {
    return literal > 0 ? this.decision[literal]! > 0 : this.decision[-literal]! < 0;
  }
  isFalse(literal: number): boolean {
    return literal > 0 ? this.decision[literal]! < 0 : this.decision[-literal]! > 0;
  }
  isUndecided(literal: number): boolean {
    return this.decision[literal > 0 ? literal : -literal] === 0;
  }

  inSpan(r: number, span: Span): boolean {
    return r >= span.start && r < span.end;
  }

  isInstalled(p: number): boolean {
    return p >= this.installedStart && p < this.installedEnd && this.pool.isInstalled(p);
  }

  wantsUpdate(p: number): boolean {
    return this.updateAll || this.updateSet.has(p);
  }
  mayUninstall(p: number): boolean {
    return this.flags.allowuninstall || this.allowUninstallAll || this.allowUninstall.has(p);
  }
  /** An install that may also update. */
  mayUpdate(job: Job): boolean {
    return job.flags?.orupdate === true || this.flags.installalsoupdates;
  }
  isDup(p: number): boolean {
    return this.dupAll || this.dupInvolved.has(p);
  }
}
