// Of packages that bundle a shared library and those named after it, the latter are the natural providers.
import type { Pool } from './pool.ts';
import { field } from './pool-package.ts';
import { isRel } from './strings.ts';

/** `libz.so.1()(64bit)`, `libfoo.so`, `libfoo-1.so`. */
function isSoname(name: string): boolean {
  return /^lib[^/ ]*\.so(?:$|[.(])/.test(name);
}

/** Names of what a package provides, without the package's own. */
function providedNames(pool: Pool, p: number): Set<number> {
  const out = new Set<number>();
  for (const dep of pool.list(p, field.provides)) {
    let name = dep;
    while (isRel(name)) name = pool.ids.relName(name);
    if (name !== pool.names.data[p]) out.add(name);
  }
  return out;
}

/**
 * Drops candidates that are not named `lib...` when all that they have in common are sonames: then the question was for a
 * library. Anything else they share hints that it was for that.
 */
export function pruneToLibraries(pool: Pool, list: readonly number[]): readonly number[] {
  const named = list.filter((p) => pool.ids.text(pool.names.data[p]!).startsWith('lib'));
  if (named.length === 0 || named.length === list.length) return list;
  const [first, ...others] = list.map((p) => providedNames(pool, p));
  const shared = [...first!].filter((name) => others.every((own) => own.has(name)));
  if (shared.length === 0 || !shared.every((name) => isSoname(pool.ids.text(name)))) return list;
  return named;
}
