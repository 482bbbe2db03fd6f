// Of packages that provide the same thing in several versions, those with older versions go behind.
import type { Pool } from './pool.ts';
import { field } from './pool-package.ts';
import { isRel, rel } from './strings.ts';

interface Entry {
  readonly index: number;
  readonly name: number;
  /** Negative: everything below that version. */
  readonly evr: number;
}

/** Long words of hexadecimal digits are checksums, not versions. */
function looksLikeHash(text: string): boolean {
  return text.length >= 4 && /^[a-f0-9]*$/.test(text);
}

function entriesOf(pool: Pool, p: number, index: number): Entry[] {
  const out: Entry[] = [];
  const { ids } = pool;
  for (const dep of pool.list(p, field.provides)) {
    if (!isRel(dep)) continue;
    const flags = ids.relFlag(dep);
    const evr = ids.relEvr(dep);
    if ((flags !== rel.eq && flags !== (rel.eq | rel.lt) && flags !== rel.lt) || isRel(evr)) continue;
    if (flags === rel.eq && looksLikeHash(ids.text(evr))) continue;
    out.push({ index, name: ids.relName(dep), evr: flags === rel.lt ? -evr : evr });
  }
  return out;
}

function compareEntries(pool: Pool, a: Entry, b: Entry): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  if (a.evr === b.evr) return 0;
  const order = pool.compareForMatch(Math.abs(b.evr), Math.abs(a.evr));
  if (order !== 0) return order;
  if (b.evr >= 0) return a.evr < 0 ? 1 : 0;
  return a.evr >= 0 ? -1 : 0;
}

/** Stable: packages that provide older versions of what others provide move back. Installed ones count as newest. */
export function orderByCommonProvides(pool: Pool, list: readonly number[]): number[] {
  const entries = list.flatMap((p, i) => entriesOf(pool, p, i));
  if (entries.length < 2) return [...list];
  entries.sort((a, b) => compareEntries(pool, a, b));
  const badness = list.map(() => 0);
  let bad = 0;
  let any = false;
  entries.forEach((entry, i) => {
    const previous = entries[i - 1];
    if (previous === undefined || previous.name !== entry.name) bad = 0;
    else if (previous.index !== entry.index && compareEntries(pool, previous, entry) === -1) {
      bad++;
      any = true;
    }
    badness[entry.index]! += bad;
  });
  if (!any) return [...list];
  const weight = (i: number): number => (pool.isInstalled(list[i]!) ? 0 : badness[i]!);
  return list
    .map((_, i) => i)
    .sort((a, b) => weight(a) - weight(b) || a - b)
    .map((i) => list[i]!);
}
