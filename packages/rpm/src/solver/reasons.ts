// Why a package is in or out.
import { field } from './pool-package.ts';
import { reason, type SolverState } from './state.ts';
import { dependencyTrue } from './weak.ts';

export interface DecisionReason {
  /** A value of `reason`. */
  readonly why: number;
  /** The rule behind it, or 0. */
  readonly rule: number;
}

/** Why a decision was made; `undefined` for a package nothing was decided about. */
export function decisionReason(s: SolverState, p: number): DecisionReason | undefined {
  const level = s.decision[p]!;
  if (level === 0) return undefined;
  const at = s.queue.indexOf(level < 0 ? -p : p);
  if (at < 0) return undefined;
  const why = s.why[at]!;
  if (why > 0) return { why: reason.unit, rule: why };
  return { why: s.levelReasons[Math.abs(level)] ?? reason.unrelated, rule: -why };
}

/** A weak dependency that called for a package: the package that has or meets it (0: several), and the dependency. */
export interface WeakCall {
  readonly kind: 'recommended' | 'supplemented';
  readonly package: number;
  readonly dep: number;
}

/** What called for `p`, which came in by a weak dependency. */
export function weakCalls(s: SolverState, p: number): WeakCall[] {
  const { pool, providers } = s;
  const level = s.decision[p]!;
  const at = s.queue.indexOf(p);
  if (level < 0 || at < 0 || s.levelReasons[level] !== reason.weakdep) return [];
  const out: WeakCall[] = [];
  const before = (q: number): boolean => s.decision[q]! > 0 && s.decision[q]! < level;
  for (let q = 1; q < pool.count; q++) {
    if (!before(q) || (!s.flags.addalreadyrecommended && s.isInstalled(q))) continue;
    for (const dep of pool.list(q, field.recommends)) {
      const list = providers.list(dep);
      if (list.includes(p) && !list.some((other) => other !== p && before(other)))
        out.push({ kind: 'recommended', package: q, dep });
    }
  }
  // Supplements are judged by what was there before this level.
  const later = s.queue.slice(at).filter((q) => q > 0);
  for (const q of later) s.decision[q] = -s.decision[q]!;
  for (const dep of pool.list(p, field.supplements)) {
    if (!dependencyTrue(s, dep)) continue;
    const by = providers.list(dep).filter((q) => !(!s.flags.addalreadyrecommended && s.isInstalled(q)) && before(q));
    for (const q of by.length > 0 ? by : [0]) out.push({ kind: 'supplemented', package: q, dep });
  }
  for (const q of later) s.decision[q] = -s.decision[q]!;
  return out;
}
