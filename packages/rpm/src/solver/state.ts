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

/** A point where another choice was possible. */
export interface Branch {
  /** The level before the choice; what was chosen stands one higher. */
  level: number;
  /** All candidates in order of preference; those that were tried have a minus. */
  readonly packages: number[];
  /** For weak dependencies the package that asked, else 0. */
  readonly from: number;
  /** For weak dependencies the dependency, else the rule. */
  readonly data: number;
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
  /** Package rules are being made; the last one added is kept in mind. */
  addingPackages = false;
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
  /** Package rules of recommendations (strong recommendations only), ascending. */
  recommendRules: number[] = [];
  readonly strictRepo = emptySpan();
  /** Rules from here on are learnt; 0 while the others are made. */
  learntStart = 0;
  readonly ruleToJob: number[] = [];
  /** For every best rule: installed package (positive) or minus the job rule. Those of jobs come first. */
  readonly bestSource: number[] = [];
  bestUpdates = 0;
  /** For every choice rule: the package rule it narrows. */
  readonly choiceSource: number[] = [];
  /** For every yum-style split: the obsoletes. */
  readonly yumobsSource: number[] = [];
  /** For every rule of the "recommends" class: the package rule it narrows. */
  readonly recommendsSource: number[] = [];
  readonly weakRules = new BitSet();
  hasWeakRules = false;
  readonly ruleAssertions: number[] = [];
  /** For every learnt rule: where the rules it came from start in `learntPool`. */
  readonly learntWhy: number[] = [];
  readonly learntPool: number[] = [0];

  decision: Int32Array;
  readonly queue: number[] = [];
  /** For every decision: the rule that forced it, or minus the rule that left a choice (0: none). */
  readonly why: number[] = [];
  /** For every level: why its first decision was made. */
  levelReasons: number[] = [];
  propagateIndex = 0;
  /** Rules were switched off: the learnt ones must be looked through before they are used. */
  learntAdapt = false;
  minimizations = 0;
  branches: Branch[] = [];
  /** Problems, each `[proof offset, element..., 0]`. Elements: rule, or -1 - job. */
  problems: number[][] = [];
  /** Ways out of problems found already, by problem number. */
  readonly solutions = new Map<number, unknown>();

  // Installed packages are numbered from `installedStart`; maps over them use `p - installedStart`.
  installedStart = 0;
  installedEnd = 0;
  updateAll = false;
  readonly updateSet = new BitSet();
  hasUpdateSet = false;
  fixAll = false;
  readonly fixSet = new BitSet();
  bestUpdateAll = false;
  readonly bestUpdateSet = new BitSet();
  hasBestUpdate = false;
  readonly noUpdate = new BitSet();
  readonly multiversion = new BitSet();
  hasMultiversion = false;
  allowUninstallAll = false;
  hasAllowUninstall = false;
  readonly allowUninstall = new BitSet();
  droporphanedAll = false;
  readonly droporphaned = new BitSet();
  /** A distribution upgrade of everything: orphans need a decision. */
  processOrphans = false;
  hasDupJob = false;
  dupAll = false;
  /** Packages that are good to install or keep; only while rules are made. */
  dupSet = new BitSet();
  readonly dupInvolved = new BitSet();
  hasDupInvolved = false;
  /** Job number (from 1) that favours a package, negative when it disfavours. */
  favor: Int32Array | undefined;
  hasDisfavored = false;
  readonly excludeFromWeak = new BitSet();
  hasExcludeFromWeak = false;
  /** Installed packages that nothing needs any more; `undefined` when nobody asked. */
  cleandeps: BitSet | undefined;
  /** Installed packages to be updated whose former needs are looked through too. */
  cleandepsUpdates: number[] | undefined;
  cleandepsMistakes: number[] = [];
  readonly orphaned: number[] = [];
  brokenOrphanRules: number[] | undefined;
  /** Namespaces (or dependencies on them) that a job asks to bring in. */
  readonly installSupplements = new Set<number>();
  readonly installedObsoleters = new Map<number, number[]>();
  /** Update targets chosen by targeted jobs: installed package to candidates, ascending. */
  readonly updateTargets = new Map<number, number[]>();
  /** Updaters that stay beside an installed package: where their list starts in the provider data. */
  readonly specialUpdaters = new Map<number, number>();
  readonly addedMap: BitSet;
  recommendsMap = new BitSet();
  suggestsMap = new BitSet();
  /** How much of the queue the two sets above cover; negative: start over. */
  recommendsIndex = 0;
  /** Rich recommendations and suggestions that hang on a package not decided yet: package, dependency. */
  recommendsWaiting: (readonly [number, number])[] = [];
  suggestsWaiting: (readonly [number, number])[] = [];
  installedPosition = 0;
  /** Rules that can leave a choice open, without the learnt ones; found once. */
  choosing = new Int32Array(0);
  /** Jobs are being resolved while the installed packages are still open. */
  extraReordering = false;

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

  emptySet(): BitSet {
    return new BitSet(this.pool.count);
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

  /**
   * Appends a rule `p`, `p | p2`, or `p | list at d` and returns its number. While package rules are made, two literals are
   * put in ascending order, and rules that repeat the last one or are always true are dropped.
   */
  addRule(p: number, second: number, list: number): number {
    const data = this.providers.data.data;
    let first = p;
    let p2 = second;
    let d = list;
    if (d !== 0) {
      if (data[d] === 0) d = 0;
      else if (data[d + 1] === 0) {
        p2 = data[d]!;
        d = 0;
      }
    }
    if (this.addingPackages) {
      if (d !== 0) {
        if (this.repeatsLast(first, d)) return this.lastPkgRule;
        for (let at = d; data[at] !== 0; at++) if (data[at] === -first) return 0;
      } else {
        if (p2 !== 0 && first > p2) {
          const t = first;
          first = p2;
          p2 = t;
        }
        const last = this.lastPkgRule;
        if (last !== 0 && this.p[last] === first && this.d[last] === 0 && this.w2[last] === p2) return last;
        if (p2 !== 0 && first === -p2) return 0;
      }
      this.lastPkgRule = this.ruleCount;
    }
    if (this.ruleCount === this.p.length) this.growRules();
    const r = this.ruleCount++;
    this.p[r] = first;
    this.d[r] = d;
    this.w1[r] = first;
    this.w2[r] = d !== 0 ? data[d]! : p2;
    this.n1[r] = 0;
    this.n2[r] = 0;
    return r;
  }

  private repeatsLast(p: number, d: number): boolean {
    const last = this.lastPkgRule;
    if (last === 0 || this.p[last] !== p) return false;
    const own = this.d[last]!;
    if (own === d) return true;
    if (own === 0) return false;
    const data = this.providers.data.data;
    for (let i = 0; ; i++) {
      if (data[own + i] !== data[d + i]) return false;
      if (data[d + i] === 0) return true;
    }
  }

  /** `p` or one of `list`. */
  addListRule(p: number, list: readonly number[]): number {
    if (list.length < 2) return this.addRule(p, list[0] ?? 0, 0);
    return this.addRule(p, 0, this.providers.store(list));
  }

  markWeak(r: number): void {
    this.weakRules.add(r);
    this.hasWeakRules = true;
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

  /** Calls `each` with every literal until that returns true; tells whether it did. */
  someLiteral(r: number, each: (literal: number) => boolean): boolean {
    if (this.p[r] === 0) return false;
    if (each(this.p[r]!)) return true;
    const d = this.listOf(r);
    if (d === 0) return this.w2[r] !== 0 && each(this.w2[r]!);
    const data = this.providers.data;
    for (let at = d; data.data[at] !== 0; at++) if (each(data.data[at]!)) return true;
    return false;
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
  get anyUninstall(): boolean {
    return this.flags.allowuninstall || this.allowUninstallAll || this.hasAllowUninstall;
  }
  mayUninstall(p: number): boolean {
    return this.flags.allowuninstall || this.allowUninstallAll || this.allowUninstall.has(p);
  }
  /** Orphans that go unless something needs them. */
  dropsOrphan(p: number): boolean {
    return this.droporphanedAll || this.droporphaned.has(p);
  }
  /** An install that may also update. */
  mayUpdate(job: Job): boolean {
    return job.flags?.orupdate === true || this.flags.installalsoupdates;
  }
  isDup(p: number): boolean {
    return this.dupAll || this.dupInvolved.has(p);
  }
}
