// Rules that come from the packages themselves: requires, conflicts, obsoletes, one version per name.
import { inverted, isComplex, mentionedPackages, normalForm } from './complex.ts';
import type { BitSet } from './id-array.ts';
import { systemSolvable } from './pool.ts';
import { field } from './pool-package.ts';
import { type RuleType, ruleType } from './rule-type.ts';
import type { SolverState } from './state.ts';
import { isRel, rel } from './strings.ts';

/** One ground for a rule: its kind, the package it comes from, the other package, the dependency. 0 where there is none. */
export interface RuleInfo {
  readonly type: RuleType;
  readonly from: number;
  readonly to: number;
  readonly dep: number;
}

/** Takes rules as they are found. `list` is an offset into the provider data, or 0; `owner` the package that has the dependency. */
export type RuleSink = (p: number, p2: number, list: number, type: RuleType, dep: number, owner: number) => void;

/** What a walk over packages needs: where rules go, which packages are known, where new ones are noted. */
interface Walk {
  readonly s: SolverState;
  readonly sink: RuleSink;
  /** Packages whose rules exist already; `undefined` when only the rules of one package are asked for. */
  readonly done: BitSet | undefined;
  readonly work: number[];
}

function grow(w: Walk, p: number): void {
  if (w.done !== undefined && !w.done.has(p)) w.work.push(p);
}

function isOtherProviders(s: SolverState, dep: number): boolean {
  const { ids } = s.pool;
  return isRel(dep) && ids.relFlag(dep) === rel.namespace && ids.text(ids.relName(dep)) === 'namespace:otherproviders';
}

/** Rules of a rich dependency of `n`, one for each group of its normal form. */
function complexRules(w: Walk, n: number, dep: number, type: RuleType, dontfix: boolean): void {
  const { s, sink } = w;
  const { pool, providers } = s;
  const conflict = type === ruleType.pkgConflicts;
  const plain = normalForm(pool, providers, dep, { dnf: conflict });
  const form = conflict ? inverted(plain) : plain;
  if (form === 'always') return;
  if (form === 'never') {
    if (!dontfix) sink(-n, 0, 0, type === ruleType.pkgRequires ? ruleType.pkgNothingProvides : type, dep, n);
    return;
  }
  for (const { literals, at } of form) {
    // What is broken already stays broken.
    if (dontfix && !literals.some((l) => (l > 0 ? s.isInstalled(l) : !s.isInstalled(-l)))) continue;
    if (at !== 0) {
      if (literals.includes(n)) continue;
      sink(-n, 0, at, type, dep, n);
      for (const p of literals) grow(w, p);
    } else if (literals.length === 1) {
      const other = literals[0]!;
      if (other === -n) {
        if (!conflict) sink(-n, 0, 0, type, dep, n);
        else if (pool.flags.forbidselfconflicts && !isOtherProviders(s, dep))
          sink(-n, 0, 0, ruleType.pkgSelfConflict, dep, n);
        continue;
      }
      if (other === n) continue;
      sink(-n, other, 0, type, dep, n);
      if (other > 0) grow(w, other);
    } else {
      const all = literals.includes(-n) ? literals : [...literals, -n].sort((a, b) => a - b);
      if (all.includes(n)) continue;
      sink(all[0]!, 0, providers.store(all.slice(1)), type, dep, n);
      for (const p of all) if (p > 0) grow(w, p);
    }
  }
}

function requires(w: Walk, n: number, dontfix: boolean): void {
  const { s, sink } = w;
  const { pool, providers } = s;
  const lists = pool.lists;
  for (let at = pool.listAt(n, field.requires); lists.data[at] !== 0; at++) {
    const dep = lists.data[at]!;
    if (isComplex(pool, dep)) {
      complexRules(w, n, dep, ruleType.pkgRequires, dontfix);
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
      sink(-n, 0, 0, ruleType.pkgNothingProvides, dep, n);
      continue;
    }
    if (self) continue;
    sink(-n, 0, start, ruleType.pkgRequires, dep, n);
    for (let i = start; providers.data.data[i] !== 0; i++) grow(w, providers.data.data[i]!);
  }
}

/** Strong recommendations are rules too; they are remembered as weak. */
function recommendations(w: Walk, n: number, dontfix: boolean): void {
  const { s, sink } = w;
  const { pool, providers } = s;
  const begin = s.ruleCount;
  if (w.done !== undefined) s.lastPkgRule = 0;
  for (const dep of pool.list(n, field.recommends)) {
    if (isComplex(pool, dep)) {
      complexRules(w, n, dep, ruleType.pkgRecommends, dontfix);
      continue;
    }
    const list = providers.list(dep);
    if (list.length === 0 || list[0] === systemSolvable || list.includes(n)) continue;
    sink(-n, 0, providers.of(dep), ruleType.pkgRecommends, dep, n);
    for (const p of list) grow(w, p);
  }
  if (w.done === undefined || begin === s.ruleCount) return;
  for (let r = begin; r < s.ruleCount; r++) s.recommendRules.push(r);
  s.lastPkgRule = 0;
}

/** Other versions of a package that may stand beside it and that a conflict does not mean. */
function versionsBeside(s: SolverState, n: number, dep: number): number[] {
  const { names, archs } = s.pool;
  return s.providers
    .list(names.data[n]!)
    .filter(
      (p) =>
        names.data[p] === names.data[n] &&
        archs.data[p] === archs.data[n] &&
        s.multiversion.has(p) &&
        !s.pool.matchesNevr(p, dep),
    );
}

function conflicts(w: Walk, n: number, dontfix: boolean): void {
  const { s, sink } = w;
  const { pool, providers } = s;
  // A patch is for packages of that very name, and content with another version beside the one it is against.
  const patch = pool.ids.text(pool.names.data[n]!).startsWith('patch:');
  for (const dep of pool.list(n, field.conflicts)) {
    if (!patch && isComplex(pool, dep)) {
      complexRules(w, n, dep, ruleType.pkgConflicts, dontfix);
      continue;
    }
    for (const p of providers.list(dep)) {
      if (patch && !pool.matchesNevr(p, dep)) continue;
      if (dontfix && s.isInstalled(p)) continue;
      if (p === n) {
        if (pool.flags.forbidselfconflicts && !isOtherProviders(s, dep))
          sink(-n, 0, 0, ruleType.pkgSelfConflict, dep, n);
        continue;
      }
      const beside = patch && isRel(dep) && s.multiversion.has(p) ? versionsBeside(s, p, dep) : [];
      if (beside.length > 0) sink(-n, 0, providers.store([-p, ...beside]), ruleType.pkgConflicts, dep, n);
      else sink(-n, p === systemSolvable ? 0 : -p, 0, ruleType.pkgConflicts, dep, n);
    }
  }
}

function obsoletes(w: Walk, n: number, dontfix: boolean): void {
  const { s, sink } = w;
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
        const other = p === systemSolvable ? 0 : -p;
        sink(-n, other, 0, installed ? ruleType.pkgInstalledObsoletes : ruleType.pkgObsoletes, dep, n);
      }
  // Between installed packages only what is to be repaired; the rest is found from the other side.
  if (!installed || !dontfix) sameName(w, n, installed, multi);
}

function sameName(w: Walk, n: number, installed: boolean, multi: boolean): void {
  const { s, sink, done } = w;
  const { pool, providers } = s;
  const name = pool.names.data[n]!;
  const data = providers.data.data;
  for (let at = providers.of(name); data[at] !== 0; at++) {
    const p = data[at]!;
    const there = s.isInstalled(p);
    if (p === n || (installed && !there)) continue;
    const same = pool.names.data[p] === name;
    if (multi) {
      const identical = same && pool.evrs.data[p] === pool.evrs.data[n] && pool.archs.data[p] === pool.archs.data[n];
      if (!identical && (installed || !there || s.multiversion.has(p))) continue;
    }
    if (!same && !pool.flags.implicitobsoleteusesprovides) continue;
    if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(n, p)) continue;
    if (!same) {
      sink(-n, p === systemSolvable ? 0 : -p, 0, ruleType.pkgImplicitObsoletes, name, n);
      continue;
    }
    // The other package gave this rule already.
    if (done?.has(p) === true && !there && !pool.isSource(p) && !s.multiversion.has(p)) continue;
    sink(-n, -p, 0, ruleType.pkgSameName, 0, n);
  }
}

/** Copies of a better architecture at the same version belong to the picture too. */
function lockStep(w: Walk, n: number): void {
  const { pool, providers } = w.s;
  const score = pool.archScore(pool.archs.data[n]!);
  if (score <= 1) return;
  const name = pool.names.data[n]!;
  for (const p of providers.list(name)) {
    if (pool.names.data[p] !== name || pool.evrs.data[p] !== pool.evrs.data[n]) continue;
    const other = pool.archScore(pool.archs.data[p]!);
    if (other > 1 && other < score) grow(w, p);
  }
}

function packageRules(w: Walk, n: number): void {
  const { s, sink } = w;
  const { pool, providers } = s;
  const dontfix = s.isInstalled(n) && !s.fixAll && !s.fixSet.has(n);
  const source = pool.isSource(n);
  if (!dontfix && (source ? pool.disabled.has(n) : !pool.installable(n)))
    sink(-n, 0, 0, ruleType.pkgNotInstallable, 0, n);
  requires(w, n, dontfix);
  if (s.flags.strongrecommends) recommendations(w, n, dontfix);
  if (source) return;
  conflicts(w, n, dontfix);
  obsoletes(w, n, dontfix);
  if (w.done === undefined) return;
  if (pool.flags.implicitobsoleteusescolors) lockStep(w, n);
  for (const which of [field.recommends, field.suggests] as const) {
    const lists = pool.lists;
    for (let at = pool.listAt(n, which); lists.data[at] !== 0; at++) {
      const dep = lists.data[at]!;
      if (isComplex(pool, dep)) {
        mentionedPackages(pool, providers, dep, (p) => grow(w, p));
        continue;
      }
      const start = providers.of(dep);
      for (let i = start; providers.data.data[i] !== 0; i++) grow(w, providers.data.data[i]!);
    }
  }
}

/** Finds every rule of one package. */
export function rulesOfPackage(s: SolverState, n: number, sink: RuleSink): void {
  packageRules({ s, sink, done: undefined, work: [] }, n);
}

/** Adds the rules of a package and of all it may pull in, skipping those in `done`. */
export function addPackageRules(s: SolverState, first: number, done: BitSet): void {
  const sink: RuleSink = (p, p2, list) => {
    s.addRule(p, p2, list);
  };
  const work: number[] = [first];
  const w: Walk = { s, sink, done, work };
  for (let i = 0; i < work.length; i++) {
    const n = work[i]!;
    if (done.has(n)) continue;
    done.add(n);
    packageRules(w, n);
  }
}
