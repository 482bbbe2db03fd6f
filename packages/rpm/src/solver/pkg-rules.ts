// Rules that come from the packages themselves: requires, conflicts, obsoletes, one version per name.
import { clausesOf, isComplex } from './complex.ts';
import type { BitSet } from './id-array.ts';
import { field, systemSolvable } from './pool.ts';
import { type RuleType, ruleType } from './rule-type.ts';
import type { SolverState } from './state.ts';

/** One ground for a rule: its kind, the package it comes from, the other package, the dependency. 0 where there is none. */
export interface RuleInfo {
  readonly type: RuleType;
  readonly from: number;
  readonly to: number;
  readonly dep: number;
}

/** Takes rules as they are found. `list` is an offset into the provider data, or 0. */
export type RuleSink = (p: number, p2: number, list: number, type: RuleType, dep: number) => void;

/** A sink that adds rules to the solver, dropping a repetition of the last one. */
export function addingSink(s: SolverState): RuleSink {
  return (p, p2, list) => {
    if (p2 !== 0 && p === p2) {
      add(s, p, 0, 0);
      return;
    }
    add(s, p, p2, list);
  };
}

function add(s: SolverState, p: number, p2: number, list: number): void {
  const r = s.addRule(p, p2, list);
  if (s.lastPkgRule !== 0 && s.sameRule(s.lastPkgRule, r)) s.ruleCount--;
  else s.lastPkgRule = r;
}

function complexRequires(s: SolverState, n: number, dep: number, dontfix: boolean, sink: RuleSink, type: RuleType) {
  const grow: number[] = [];
  const clauses = clausesOf(s.pool, s.providers, dep, false);
  if (clauses.some((clause) => clause.length === 0)) {
    if (!dontfix) sink(-n, 0, 0, ruleType.pkgNothingProvides, dep);
    return grow;
  }
  for (const clause of clauses) {
    if (clause.includes(n)) continue;
    if (dontfix && type === ruleType.pkgRequires) {
      // What is broken already stays broken.
      const positive = clause.filter((p) => p > 0);
      if (!positive.some((p) => s.isInstalled(p)) && !clause.some((p) => p < 0 && !s.isInstalled(-p))) continue;
    }
    for (const p of clause) if (p > 0) grow.push(p);
    const rest = clause.filter((p) => p !== -n);
    if (rest.length === 0) sink(-n, 0, 0, type, dep);
    else if (rest.length === 1) sink(-n, rest[0]!, 0, type, dep);
    else sink(-n, 0, s.providers.store(rest), type, dep);
  }
  return grow;
}

function requires(s: SolverState, n: number, dontfix: boolean, sink: RuleSink, grow: (p: number) => void): void {
  const { pool, providers } = s;
  const lists = pool.lists.data;
  for (let at = pool.listAt(n, field.requires); lists[at] !== 0; at++) {
    const dep = lists[at]!;
    if (isComplex(pool, dep)) {
      for (const p of complexRequires(s, n, dep, dontfix, sink, ruleType.pkgRequires)) grow(p);
      continue;
    }
    const start = providers.of(dep);
    const data = providers.data.data;
    if (data[start] === systemSolvable) continue;
    let self = false;
    let installed = false;
    for (let i = start; data[i] !== 0; i++) {
      if (data[i] === n) self = true;
      if (dontfix && s.isInstalled(data[i]!)) installed = true;
    }
    // A dependency that the installed system breaks already is not insisted on.
    if (dontfix && !installed) continue;
    if (data[start] === 0) {
      sink(-n, 0, 0, ruleType.pkgNothingProvides, dep);
      continue;
    }
    if (self) continue;
    sink(-n, 0, start, ruleType.pkgRequires, dep);
    for (let i = start; providers.data.data[i] !== 0; i++) grow(providers.data.data[i]!);
  }
}

function conflicts(s: SolverState, n: number, dontfix: boolean, sink: RuleSink): void {
  const { pool, providers } = s;
  for (const dep of pool.list(n, field.conflicts)) {
    if (isComplex(pool, dep)) {
      for (const clause of clausesOf(pool, providers, dep, true)) {
        if (clause.includes(n)) continue;
        const rest = clause.filter((p) => p !== -n);
        if (dontfix && rest.every((p) => (p < 0 ? s.isInstalled(-p) : !s.isInstalled(p)))) continue;
        if (rest.length < clause.length && rest.length === 0 && !pool.flags.forbidselfconflicts) continue;
        if (rest.length === 0) sink(-n, 0, 0, ruleType.pkgSelfConflict, dep);
        else if (rest.length === 1) sink(-n, rest[0]!, 0, ruleType.pkgConflicts, dep);
        else sink(-n, 0, providers.store(rest), ruleType.pkgConflicts, dep);
      }
      continue;
    }
    for (const p of providers.list(dep)) {
      if (p === n) {
        if (pool.flags.forbidselfconflicts) sink(-n, 0, 0, ruleType.pkgSelfConflict, dep);
        continue;
      }
      if (dontfix && s.isInstalled(p)) continue;
      sink(-n, p === systemSolvable ? 0 : -p, 0, ruleType.pkgConflicts, dep);
    }
  }
}

function obsoletes(s: SolverState, n: number, dontfix: boolean, sink: RuleSink): void {
  const { pool, providers } = s;
  const installed = s.isInstalled(n);
  if (installed && pool.flags.noinstalledobsoletes) return;
  const multi = s.multiversion.has(n);
  if (!multi || s.flags.keepexplicitobsoletes)
    for (const dep of pool.list(n, field.obsoletes))
      for (const p of providers.list(dep)) {
        if (p === n) continue;
        if (installed && dontfix && s.isInstalled(p)) continue;
        if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(p, dep)) continue;
        if (pool.flags.obsoleteusescolors && !pool.colorsMeet(n, p)) continue;
        sink(-n, -p, 0, installed ? ruleType.pkgInstalledObsoletes : ruleType.pkgObsoletes, dep);
      }
  sameName(s, n, installed, dontfix, multi, sink);
}

function sameName(
  s: SolverState,
  n: number,
  installed: boolean,
  dontfix: boolean,
  multi: boolean,
  sink: RuleSink,
): void {
  // Between installed packages only what is to be repaired; the rest is found from the other side.
  if (installed && dontfix) return;
  const { pool, providers } = s;
  const name = pool.names.data[n]!;
  const data = providers.data.data;
  for (let at = providers.of(name); data[at] !== 0; at++) {
    const p = data[at]!;
    if (p === n) continue;
    if (installed && !s.isInstalled(p)) continue;
    const same = pool.names.data[p] === name;
    const identical = same && pool.evrs.data[p] === pool.evrs.data[n] && pool.archs.data[p] === pool.archs.data[n];
    if (multi && !identical) continue;
    if (!same && !pool.flags.implicitobsoleteusesprovides) continue;
    if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(n, p)) continue;
    sink(-n, -p, 0, same ? ruleType.pkgSameName : ruleType.pkgImplicitObsoletes, same ? 0 : name);
  }
}

/** Finds every rule of one package. Packages it may pull in are handed to `grow`. */
export function rulesOfPackage(s: SolverState, n: number, sink: RuleSink, grow: (p: number) => void): void {
  const { pool, providers } = s;
  const dontfix = s.isInstalled(n) && !s.fixAll && !s.fixSet.has(n);
  if (!dontfix && !pool.isSource(n) && !pool.installable(n)) sink(-n, 0, 0, ruleType.pkgNotInstallable, 0);
  requires(s, n, dontfix, sink, grow);
  if (pool.isSource(n)) return;
  conflicts(s, n, dontfix, sink);
  obsoletes(s, n, dontfix, sink);
  for (const which of [field.recommends, field.suggests] as const) {
    const lists = pool.lists.data;
    for (let at = pool.listAt(n, which); lists[at] !== 0; at++) {
      const start = providers.of(lists[at]!);
      const data = providers.data.data;
      for (let i = start; data[i] !== 0; i++) grow(data[i]!);
    }
  }
}

/** Adds the rules of a package and of all it may pull in, skipping those in `done`. */
export function addPackageRules(s: SolverState, first: number, done: BitSet): void {
  const sink = addingSink(s);
  const work: number[] = [];
  const grow = (p: number): void => {
    if (p === systemSolvable || done.has(p)) return;
    done.add(p);
    work.push(p);
  };
  grow(first);
  for (let i = 0; i < work.length; i++) rulesOfPackage(s, work[i]!, sink, grow);
}

/** Sorts the package rules and drops the doubles (libsolv's order: first literal, then short rules, then literal by literal). */
export function unifyRules(s: SolverState): void {
  const data = s.providers.data.data;
  const order = new Uint32Array(s.ruleCount - 1);
  for (let i = 0; i < order.length; i++) order[i] = i + 1;
  const { p, d, w2 } = s;
  const compare = (a: number, b: number): number => {
    if (p[a] !== p[b]) return p[a]! - p[b]!;
    const da = d[a]!;
    const db = d[b]!;
    if (da === 0 && db === 0) return w2[a]! - w2[b]!;
    if (da === 0) return -1;
    if (db === 0) return 1;
    for (let i = 0; ; i++) {
      const x = data[da + i]!;
      const y = data[db + i]!;
      if (x === 0 || y === 0) return x === y ? 0 : x === 0 ? -1 : 1;
      if (x !== y) return x - y;
    }
  };
  order.sort(compare);
  const np = new Int32Array(order.length + 1);
  const nd = new Int32Array(order.length + 1);
  const nw = new Int32Array(order.length + 1);
  let n = 1;
  let previous = 0;
  for (const r of order) {
    if (previous !== 0 && compare(previous, r) === 0) continue;
    np[n] = p[r]!;
    nd[n] = d[r]!;
    nw[n] = w2[r]!;
    previous = r;
    n++;
  }
  for (let i = 1; i < n; i++) {
    p[i] = np[i]!;
    s.w1[i] = np[i]!;
    d[i] = nd[i]!;
    w2[i] = nd[i] === 0 ? nw[i]! : data[nd[i]!]!;
  }
  s.ruleCount = n;
}
