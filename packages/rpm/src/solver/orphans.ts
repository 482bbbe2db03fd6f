// Installed packages that no repository has: what they need may be given up (breakorphans).
import type { SolverState } from './state.ts';

/** Switches off the requirements of orphans that are to stay. */
export function breakOrphans(s: SolverState): void {
  if (s.droporphanedAll) return;
  const kept = new Set(s.orphaned.filter((p) => s.isInstalled(p) && !s.droporphaned.has(p)));
  const broken: number[] = [];
  for (let r = 1; r < s.pkgRulesEnd; r++) {
    if (s.p[r]! >= 0 || (s.listOf(r) === 0 && s.w2[r]! < 0)) continue;
    if (!s.someLiteral(r, (l) => l < 0 && kept.has(-l))) continue;
    broken.push(r);
    s.disableRule(r);
  }
  if (broken.length > 0) s.brokenOrphanRules = broken;
}

/** New packages that would mend what was given up. */
export function orphanNeeds(s: SolverState): number[] {
  const out: number[] = [];
  for (const r of s.brokenOrphanRules ?? []) {
    const settled = s.someLiteral(r, (l) => (l < 0 ? s.decision[-l]! <= 0 : s.decision[l]! > 0 && !s.isInstalled(l)));
    if (settled) continue;
    for (const l of s.literals(r))
      if (l > 0 && s.decision[l] === 0 && !s.isInstalled(l) && !out.includes(l)) out.push(l);
  }
  return out;
}
