// Update rather than add: where a requirement can be met by what is installed, or by updating it, that is preferred (weakly).
import { illegalChanges } from './candidates.ts';
import { filterCandidates } from './policy.ts';
import { field } from './pool-package.ts';
import type { SolverState } from './state.ts';

/** The installed package that `p` would replace, by name or else by obsoletes; 0 when it stands alone. */
function installedFor(s: SolverState, p: number): number {
  const { pool, providers } = s;
  if (pool.repoOf.data[p] === 0) return 0;
  if (s.isInstalled(p)) return p;
  const name = pool.names.data[p]!;
  for (const q of providers.list(name)) {
    if (!s.isInstalled(q)) continue;
    if (!pool.flags.implicitobsoleteusesprovides && pool.names.data[q] !== name) continue;
    if (pool.flags.implicitobsoleteusescolors && !pool.colorsMeet(p, q)) continue;
    return q;
  }
  for (const dep of pool.list(p, field.obsoletes))
    for (const q of providers.list(dep)) {
      if (!s.isInstalled(q)) continue;
      if (!pool.flags.obsoleteusesprovides && !pool.matchesNevr(q, dep)) continue;
      if (pool.flags.obsoleteusescolors && !pool.colorsMeet(p, q)) continue;
      return q;
    }
  return 0;
}

/** What installed `p` may become, by its update rule or else its feature rule. */
function updatersOf(s: SolverState, p: number): number[] {
  const update = s.update.start + p - s.installedStart;
  return s.literals(s.p[update] !== 0 ? update : s.feature.start + p - s.installedStart);
}

/** Tells whether the newest version of an installed package still meets a requirement; remembers the last one asked. */
class UpdateCheck {
  private readonly s: SolverState;
  private readonly best = new Map<number, readonly number[]>();

  constructor(s: SolverState) {
    this.s = s;
  }

  loses(old: number, meets: ReadonlySet<number>): boolean {
    const updaters = updatersOf(this.s, old);
    if (updaters.length === 0) return false;
    let list = this.best.get(old);
    if (list === undefined) {
      const open = updaters.filter((p) => p > 0);
      if (open.length > 1 && open.every((p) => meets.has(p))) return false;
      list = open.length > 1 ? filterCandidates(this.s, open, 'choose') : open;
      this.best.set(old, list);
    }
    return !list.some((p) => meets.has(p));
  }
}

/** Adds the rules; `choiceSource` tells which package rule each one narrows. */
export function addChoiceRules(s: SolverState): void {
  const { pool } = s;
  if (pool.installed === undefined) return;
  const banned = new Set<number>();
  for (const span of [s.infarch, s.dup])
    for (let r = span.start; r < span.end; r++) if (s.p[r]! < 0 && s.isAssertion(r)) banned.add(-s.p[r]!);
  const downgrades = s.flags.allowdowngrade || ((s.dupAll || s.hasDupInvolved) && s.flags.dupallowdowngrade);
  const check = new UpdateCheck(s);
  const installedOf = new Map<number, number>();
  const findInstalled = (p: number): number => {
    let old = installedOf.get(p);
    if (old === undefined) {
      old = installedFor(s, p);
      installedOf.set(p, old);
    }
    return old;
  };
  let lastP = 0;
  let last: readonly number[] = [];
  for (let r = 1; r < s.pkgRulesEnd; r++) {
    if (s.p[r]! >= 0 || (s.listOf(r) === 0 && s.w2[r]! <= 0)) continue;
    const literals = s.literals(r);
    // Pairs of an installed package and what would take its place.
    let pairs: (readonly [number, number])[] = [];
    let fresh = false;
    let settled = false;
    for (const p of literals) {
      if (p < 0) {
        if (s.isInstalled(-p) && !s.wantsUpdate(-p)) settled = true;
        continue;
      }
      if (pool.repoOf.data[p] === 0) continue;
      if (s.isInstalled(p)) {
        pairs.push([p, p]);
        continue;
      }
      const old = findInstalled(p);
      if (old === 0) fresh = true;
      else if (!banned.has(p) && illegalChanges(s, old, p) === 0) pairs.push([old, p]);
    }
    if (!fresh || pairs.length === 0) continue;
    const meets = new Set(literals.filter((p) => p > 0));
    if (!settled)
      pairs = pairs.filter(([old, p]) => {
        const down =
          downgrades &&
          pool.names.data[old] === pool.names.data[p] &&
          pool.compareEvrs(pool.evrs.data[old]!, pool.evrs.data[p]!) > 0;
        return !((down || s.wantsUpdate(old)) && check.loses(old, meets));
      });
    if (pairs.length === 0) continue;
    // When whatever the installed packages may become meets the requirement, nothing need be said.
    const open = pairs.some(([old]) => updatersOf(s, old).some((p) => !meets.has(p)));
    if (!open) continue;
    const rest = [...literals.filter((p) => p < 0 && p !== s.p[r]), ...pairs.map(([, p]) => p)];
    if (lastP === s.p[r] && last.length === rest.length && rest.every((l, i) => l === last[i])) continue;
    lastP = s.p[r]!;
    last = rest;
    s.markWeak(s.addRule(s.p[r]!, 0, rest.length > 0 ? s.providers.store(rest) : 0));
    s.choiceSource.push(r);
  }
}

/** Gives up one choice rule, and with it those whose requirement the packages it kept out would meet. */
export function disableChoice(s: SolverState, rule: number): void {
  s.disableRule(rule);
  const own = s.literals(rule);
  const freed = new Set<number>();
  for (const p of s.literals(s.choiceSource[rule - s.choice.start]!)) if (p > 0 && !own.includes(p)) freed.add(p);
  for (let r = s.choice.start; r < s.choice.end; r++) {
    if (s.isDisabled(r)) continue;
    if (s.someLiteral(s.choiceSource[r - s.choice.start]!, (p) => p > 0 && freed.has(p))) s.disableRule(r);
  }
}

/** Gives up choice rules whose requirement is met by something else anyhow; true when there were any. */
export function dropUnneededChoices(s: SolverState): boolean {
  let dropped = false;
  for (let r = s.choice.start; r < s.choice.end; r++) {
    if (s.isDisabled(r)) continue;
    const original = s.choiceSource[r - s.choice.start]!;
    if (s.isDisabled(original)) continue;
    const own = s.literals(r);
    if (!s.someLiteral(original, (p) => p > 0 && s.decision[p]! > 0 && !own.includes(p))) continue;
    disableChoice(s, r);
    dropped = true;
  }
  return dropped;
}
