// Dependencies as text, in the form problems print them.
import type { Pool } from './pool.ts';
import { isRel, rel } from './strings.ts';

const names: Readonly<Record<number, string>> = {
  [rel.and]: ' and ',
  [rel.or]: ' or ',
  [rel.with]: ' with ',
  [rel.without]: ' without ',
  [rel.if]: ' if ',
  [rel.unless]: ' unless ',
  [rel.else]: ' else ',
  [rel.arch]: '.',
  [rel.multiarch]: ':',
  [rel.compat]: ' compat >= ',
};

/** The text of comparison bits, with blanks around. */
function comparison(flags: number): string {
  return ` ${['!', '>', '=', '>=', '<', '<>', '<=', '<=>'][flags] ?? '???'} `;
}

/** `NAME`, `NAME OP EVR`, `(A op B)`; chains of one operator without inner parentheses. */
export function dependencyText(pool: Pool, dep: number, outer = 0): string {
  const { ids } = pool;
  if (!isRel(dep)) return dep === 0 ? '<NULL>' : ids.text(dep);
  const flags = ids.relFlag(dep);
  const left = ids.relName(dep);
  const right = ids.relEvr(dep);
  if (flags < 8) return `${dependencyText(pool, left, flags)}${comparison(flags)}${dependencyText(pool, right, flags)}`;
  if (flags === rel.namespace)
    return right === 0
      ? `${dependencyText(pool, left, flags)}()`
      : `${dependencyText(pool, left, flags)}(${dependencyText(pool, right)})`;
  const op = names[flags] ?? ' ??? ';
  if (flags === rel.arch || flags === rel.multiarch || flags === rel.compat)
    return `${dependencyText(pool, left, flags)}${op}${dependencyText(pool, right, flags)}`;
  const inner = `${dependencyText(pool, left, flags)}${op}${dependencyText(pool, right, flags)}`;
  const chained =
    (flags === outer && (flags === rel.and || flags === rel.or || flags === rel.with)) ||
    (flags === rel.else && (outer === rel.if || outer === rel.unless));
  return chained ? inner : `(${inner})`;
}
