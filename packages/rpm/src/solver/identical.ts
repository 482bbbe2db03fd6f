// Whether two packages look like the same build.
import type { Pool } from './pool.ts';
import { field } from './pool-package.ts';

/** A missing vendor is the empty one. Two build times decide; without them what is required does. */
export function identical(pool: Pool, a: number, b: number): boolean {
  if (pool.names.data[a] !== pool.names.data[b]) return false;
  if (pool.archs.data[a] !== pool.archs.data[b] || pool.evrs.data[a] !== pool.evrs.data[b]) return false;
  const name = pool.ids.text(pool.names.data[a]!);
  if ((pool.vendors.data[a]! || 1) !== (pool.vendors.data[b]! || 1)) return name.startsWith('product:');
  const x = pool.buildTimes.get(a) ?? 0;
  const y = pool.buildTimes.get(b) ?? 0;
  if (x !== 0 && y !== 0) return x === y;
  if (name.startsWith('product:') || name.startsWith('application:')) return true;
  const needsA = new Set(pool.list(a, field.requires));
  const needsB = new Set(pool.list(b, field.requires));
  return needsA.size === needsB.size && [...needsA].every((dep) => needsB.has(dep));
}
