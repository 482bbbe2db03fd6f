// Mageia's order: kernel parts that fit a kernel, and locale packages that fit an installed locale, come first.
import { field } from './pool-package.ts';
import type { SolverState } from './state.ts';
import { isRel } from './strings.ts';

/** 4 when a provider is decided, 3 when one is installed, else `otherwise`. */
function presence(s: SolverState, name: string, otherwise: number): number {
  const id = s.pool.ids.lookup(name);
  if (id === 0) return otherwise;
  let score = otherwise;
  for (const p of s.providers.list(id)) {
    if (s.decision[p]! > 0) return 4;
    if (s.isInstalled(p)) score = 3;
  }
  return score;
}

/** The kernel that a `kernel-FLAVOR-devel-VERSION` or `X-kernel-VERSION-FLAVOR-RELEASE` package belongs to. */
function kernelOf(name: string): string | undefined {
  if (name.startsWith('kernel-')) {
    const at = name.indexOf('-devel-');
    return at < 0 ? undefined : name.slice(0, at) + name.slice(at + 6);
  }
  const module = /-kernel-([0-9]\.[^-]*)(-[^-]*-)(.*)$/.exec(name);
  return module === null ? undefined : `kernel${module[2]}${module[1]}-${module[3]}`;
}

function scoreOf(s: SolverState, p: number): number {
  const { pool } = s;
  const kernel = kernelOf(pool.ids.text(pool.names.data[p]!));
  const score = kernel === undefined ? 1 : presence(s, kernel, 1);
  if (score !== 1) return score;
  for (const dep of pool.list(p, field.requires)) {
    let id = dep;
    while (isRel(id)) id = pool.ids.relName(id);
    const text = pool.ids.text(id);
    const at = text.indexOf('locales-');
    if (at < 0) continue;
    if (text.startsWith('en', at + 8)) return 2;
    return presence(s, text, 0);
  }
  return 1;
}

/** Stable, best score first. */
export function urpmOrder(s: SolverState, list: readonly number[]): number[] {
  const scores = new Map(list.map((p) => [p, scoreOf(s, p)]));
  return [...list].sort((a, b) => scores.get(b)! - scores.get(a)!);
}
