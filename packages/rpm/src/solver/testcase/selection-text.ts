// Selections by text (`selection A.i686>1 name,dotarch,rel`): what libsolv's selection calls make of a person's words.
import { CoppiceError } from '@coppice/base';
import type { JobFlags, Selection } from '../job.ts';
import type { Pool } from '../pool.ts';
import { field } from '../pool-package.ts';
import { selected } from '../selection.ts';
import type { SolvableNames } from '../solvable-name.ts';
import { isRel, rel } from '../strings.ts';
import { globMatcher } from '../subject.ts';
import { formatTestDependency, parseOperator, parseTestDependency } from './dep-syntax.ts';
import { dependencyListOf } from './genid.ts';

/** One part of a selection. */
export interface SelectionPart {
  readonly select: Selection;
  readonly flags: JobFlags;
}

const known = new Set(
  (
    'name provides filelist canon dotarch rel glob flat nocase depstr installedonly sourceonly ' +
    'withsource withdisabled withbadarch skipkind add subtract filter'
  ).split(' '),
);

class Options {
  private readonly words: ReadonlySet<string>;
  constructor(text: string) {
    this.words = new Set(text.split(',').filter((word) => word !== ''));
    for (const word of this.words)
      if (!known.has(word)) throw new CoppiceError('Invalid', `unknown selection flag '${word}'`);
  }
  has(word: string): boolean {
    return this.words.has(word);
  }
}

/** Solvables as a selection: one package, or one of several. */
export function partOf(list: readonly number[], flags: JobFlags = {}): SelectionPart[] {
  if (list.length === 0) return [];
  if (list.length === 1)
    return [{ select: { kind: 'solvable', solvable: list[0]! }, flags: { ...flags, noautoset: true } }];
  return [{ select: { kind: 'oneof', solvables: list }, flags }];
}

function runsHere(pool: Pool, p: number): boolean {
  return !pool.hasArch || pool.isSource(p) || pool.archScore(pool.archs.data[p]!) !== 0;
}

/** Packages that may be selected at all. */
function eligible(pool: Pool, o: Options): number[] {
  const out: number[] = [];
  for (let p = 2; p < pool.count; p++) {
    if (pool.repoOf.data[p] === 0) continue;
    if (o.has('installedonly') && !pool.isInstalled(p)) continue;
    const source = pool.isSource(p);
    if (o.has('sourceonly') ? !source : source && !o.has('withsource')) continue;
    if (!o.has('withdisabled') && pool.disabled.has(p)) continue;
    if (!o.has('withbadarch') && !runsHere(pool, p)) continue;
    out.push(p);
  }
  return out;
}

function matcher(text: string, o: Options): (name: string) => boolean {
  const fold = (s: string): string => (o.has('nocase') ? s.toLowerCase() : s);
  if (o.has('glob') && /[*?[]/.test(text)) {
    const match = globMatcher(fold(text));
    return (name) => match(fold(name));
  }
  return (name) => fold(name) === fold(text);
}

interface Relation {
  readonly name: string;
  readonly flags: number;
  readonly evr: string;
}

function relationOf(text: string, o: Options): Relation {
  const m = o.has('rel') ? /^(.*?)\s*([<=>]+)\s*(\S+)$/.exec(text) : null;
  return m === null ? { name: text, flags: 0, evr: '' } : { name: m[1]!, flags: parseOperator(m[2]!), evr: m[3]! };
}

function evrFlags(r: Relation): JobFlags {
  if (r.flags !== rel.eq) return {};
  return r.evr.includes('-') ? { setevr: true } : { setev: true };
}

function architecture(pool: Pool, word: string): boolean {
  const id = pool.ids.lookup(word);
  return id !== 0 && (id === pool.src || id === pool.nosrc || (pool.hasArch && pool.archScore(id) !== 0));
}

/** Packages whose names, or with `provides` capabilities, match; in groups by the name that matched. */
function groups(pool: Pool, kind: 'name' | 'provides', text: string, o: Options): Map<number, number[]> {
  const match = matcher(text, o);
  const out = new Map<number, number[]>();
  for (const p of eligible(pool, o)) {
    const names = new Set<number>();
    if (kind === 'name' || pool.isSource(p)) names.add(pool.names.data[p]!);
    else
      for (const dep of pool.list(p, field.provides)) {
        let name = dep;
        while (isRel(name)) name = pool.ids.relName(name);
        names.add(name);
      }
    for (const name of names) {
      if (!match(pool.ids.text(name))) continue;
      const list = out.get(name);
      if (list === undefined) out.set(name, [p]);
      else list.push(p);
    }
  }
  return out;
}

function named(pool: Pool, kind: 'name' | 'provides', text: string, o: Options): SelectionPart[] {
  const r = relationOf(text, o);
  let found = groups(pool, kind, r.name, o);
  let arch = 0;
  const dot = r.name.lastIndexOf('.');
  if (found.size === 0 && o.has('dotarch') && dot > 0 && architecture(pool, r.name.slice(dot + 1))) {
    arch = pool.ids.lookup(r.name.slice(dot + 1));
    found = groups(pool, kind, r.name.slice(0, dot), o);
  }
  const flags: JobFlags = { ...evrFlags(r), ...(arch === 0 ? {} : { setarch: true }) };
  const out: SelectionPart[] = [];
  const all = new Set<number>();
  for (const [name, list] of [...found].sort(([a], [b]) => a - b)) {
    let dep = arch === 0 ? name : pool.ids.relation(name, rel.arch, arch);
    const evr = r.flags === 0 ? 0 : pool.ids.string(r.evr);
    if (r.flags !== 0) dep = pool.ids.relation(dep, r.flags, evr);
    const meets = (p: number): boolean => {
      if (kind === 'name' || pool.isSource(p)) return pool.matchesNevr(p, dep);
      if (arch !== 0 && pool.archs.data[p] !== arch) return false;
      return pool
        .list(p, field.provides)
        .some((d) =>
          isRel(d)
            ? pool.ids.relName(d) === name &&
              (r.flags === 0 || pool.rangesMeet(pool.ids.relFlag(d), pool.ids.relEvr(d), r.flags, evr))
            : d === name,
        );
    };
    const matching = list.filter(meets);
    if (matching.length === 0) continue;
    for (const p of matching) all.add(p);
    // Packages a dependency does not reach have to be named one by one.
    const hidden = matching.some(
      (p) => !runsHere(pool, p) || pool.disabled.has(p) || (pool.isSource(p) && !o.has('sourceonly')),
    );
    if (hidden) out.push(...partOf(matching, flags));
    else if (o.has('sourceonly'))
      out.push({ select: { kind: 'name', dep: pool.ids.relation(name, rel.arch, pool.src) }, flags });
    else out.push({ select: { kind, dep }, flags });
  }
  return o.has('flat') ? partOf([...all].sort((a, b) => a - b)) : out;
}

/** Debian's NAME_VERSION[_ARCH]. */
function canonicalDeb(pool: Pool, text: string, o: Options): SelectionPart[] {
  const [, name, rest] = /^([^_]*)_(.*)$/.exec(text) ?? [];
  if (name === undefined) return [];
  const under = rest!.lastIndexOf('_');
  const arch = under >= 0 && architecture(pool, rest!.slice(under + 1)) ? rest!.slice(under + 1) : undefined;
  const version = pool.ids.string(arch === undefined ? rest! : rest!.slice(0, under));
  const flags: JobFlags = { setevr: true, ...(arch === undefined ? {} : { setarch: true }) };
  const out: SelectionPart[] = [];
  for (const [id, list] of [...groups(pool, 'name', name, o)].sort(([a], [b]) => a - b)) {
    const whole = arch === undefined ? id : pool.ids.relation(id, rel.arch, pool.ids.string(arch));
    const dep = pool.ids.relation(whole, rel.eq, version);
    if (list.some((p) => pool.matchesNevr(p, dep))) out.push({ select: { kind: 'name', dep }, flags });
  }
  return out;
}

/** NAME-VERSION[-RELEASE][.ARCH]; without an epoch the one there is, or the packages themselves when several differ. */
function canonical(pool: Pool, text: string, o: Options): SelectionPart[] {
  if (pool.kind === 'deb') return canonicalDeb(pool, text, o);
  const dot = text.lastIndexOf('.');
  const readings: [string, number][] = [[text, 0]];
  if (dot > 0 && architecture(pool, text.slice(dot + 1)))
    readings.unshift([text.slice(0, dot), pool.ids.lookup(text.slice(dot + 1))]);
  for (const [nevr, arch] of readings)
    for (const m of [/^(.+)-([^-]+-[^-]+)$/.exec(nevr), /^(.+)-([^-]+)$/.exec(nevr)]) {
      if (m === null) continue;
      const matchName = matcher(m[1]!, o);
      const wanted = m[2]!;
      const full = wanted.includes('-');
      const epochs = new Map<string, number[]>();
      for (const p of eligible(pool, o)) {
        if ((arch !== 0 && pool.archs.data[p] !== arch) || !matchName(pool.ids.text(pool.names.data[p]!))) continue;
        const evr = pool.ids.text(pool.evrs.data[p]!);
        const [, epoch = '', rest] = /^(?:(\d+):)?(.*)$/.exec(evr)!;
        const [, asked, plain] = /^(?:(\d+):)?(.*)$/.exec(wanted)!;
        if (asked !== undefined && Number(asked) !== Number(epoch)) continue;
        if ((full ? rest : rest!.replace(/-[^-]*$/, '')) !== plain) continue;
        epochs.set(epoch, [...(epochs.get(epoch) ?? []), p]);
      }
      if (epochs.size === 0) continue;
      const list = [...epochs.values()].flat().sort((a, b) => a - b);
      const [epoch] = epochs.keys();
      const flags: JobFlags = {
        ...(full ? { setevr: true } : { setev: true }),
        ...(arch === 0 ? {} : { setarch: true }),
      };
      if (epochs.size > 1 || o.has('flat')) return partOf(list);
      if (list.some((p) => !runsHere(pool, p) || pool.disabled.has(p) || pool.isSource(p))) return partOf(list, flags);
      const evr = epoch === '' || wanted.includes(':') ? wanted : `${epoch}:${wanted}`;
      const name = pool.names.data[list[0]!]!;
      const dep = arch === 0 ? name : pool.ids.relation(name, rel.arch, arch);
      return [{ select: { kind: 'name', dep: pool.ids.relation(dep, rel.eq, pool.ids.string(evr)) }, flags }];
    }
  return [];
}

function byFiles(pool: Pool, text: string, o: Options): SelectionPart[] {
  const match = matcher(text, o);
  const list = eligible(pool, o).filter((p) => pool.list(p, field.files).some((id) => match(pool.ids.text(id))));
  if (o.has('flat')) return partOf(list);
  const names = [...new Set(list.map((p) => pool.names.data[p]!))];
  return names.flatMap((name) => partOf(list.filter((p) => pool.names.data[p] === name)));
}

/**
 * What of a selection satisfies `keep`: parts that do as a whole stay as they are, of others the packages are named. `flags`
 * are added.
 */
export function narrow(
  pool: Pool,
  parts: readonly SelectionPart[],
  keep: (p: number) => boolean,
  flags: JobFlags = {},
): SelectionPart[] {
  return parts.flatMap((part) => {
    const all = selected(pool, part.select);
    const kept = all.filter(keep);
    if (kept.length === 0) return [];
    if (kept.length === all.length) return [{ select: part.select, flags: { ...part.flags, ...flags } }];
    return partOf(kept, { ...part.flags, ...flags });
  });
}

/** `selection TEXT FLAGS`. Throws `Invalid`. */
export function selectByText(pool: Pool, text: string, flags: string): SelectionPart[] {
  const o = new Options(flags);
  const found = everyMatch(pool, text, o);
  if (!o.has('installedonly')) return found;
  // A flat selection of several packages has no settings.
  const plain = o.has('flat') && found.some(({ select }) => select.kind !== 'solvable');
  return narrow(pool, found, (p) => pool.isInstalled(p), plain ? {} : { setrepo: true });
}

function everyMatch(pool: Pool, text: string, o: Options): SelectionPart[] {
  if (o.has('filelist') && text.startsWith('/')) {
    const out = byFiles(pool, text, o);
    if (out.length > 0) return out;
  }
  for (const kind of ['name', 'provides'] as const) {
    if (!o.has(kind)) continue;
    const out = named(pool, kind, text, o);
    if (out.length > 0) return out;
  }
  return o.has('canon') ? canonical(pool, text, o) : [];
}

/** Whether a capability meets a dependency, both taken apart. */
function meets(pool: Pool, have: number, want: number): boolean {
  const { ids } = pool;
  if (isRel(have) && ids.relFlag(have) > 7) {
    const flags = ids.relFlag(have);
    const left = meets(pool, ids.relName(have), want);
    if (flags === rel.with) return left && meets(pool, ids.relEvr(have), want);
    if (flags === rel.and || flags === rel.or) return left || meets(pool, ids.relEvr(have), want);
    return left;
  }
  if (isRel(want) && ids.relFlag(want) > 7) return meets(pool, want, have);
  const name = (id: number): number => (isRel(id) ? ids.relName(id) : id);
  if (name(have) !== name(want)) return false;
  if (!isRel(have) || !isRel(want)) return true;
  return pool.rangesMeet(ids.relFlag(have), ids.relEvr(have), ids.relFlag(want), ids.relEvr(want));
}

/** `selection_matchdeps`, `selection_matchdepid` and `selection_matchsolvable`: packages by what they ask for. Throws `Invalid`. */
export function selectByDependency(
  pool: Pool,
  names: SolvableNames,
  kind: string,
  key: string,
  text: string,
  flags: string,
): SelectionPart[] {
  const o = new Options(flags);
  let match: (dep: number) => boolean;
  if (kind === 'selection_matchsolvable') {
    const p = names.find(text);
    if (p === undefined) throw new CoppiceError('Invalid', `unknown package '${text}'`);
    const provides = pool.list(p, field.provides);
    match = (dep) => provides.some((have) => meets(pool, dep, have));
  } else if (kind === 'selection_matchdepid') {
    const want = parseTestDependency(pool, text);
    match = o.has('depstr') ? (dep) => dep === want : (dep) => meets(pool, dep, want);
  } else if (o.has('depstr')) {
    const same = matcher(text, o);
    match = (dep) => same(formatTestDependency(pool, dep));
  } else {
    const r = relationOf(text, o);
    const same = matcher(r.name, o);
    match = (dep) => {
      const name = isRel(dep) ? pool.ids.relName(dep) : dep;
      if (isRel(name) || !same(pool.ids.text(name))) return false;
      return r.flags === 0 || meets(pool, dep, pool.ids.relation(name, r.flags, pool.ids.string(r.evr)));
    };
  }
  return partOf(eligible(pool, o).filter((p) => dependencyListOf(pool, key, p).some(match)));
}

/** How a selection changes the jobs before it, undefined when it leaves them alone. */
export function selectionMode(flags: string): 'add' | 'subtract' | 'filter' | undefined {
  return (['filter', 'subtract', 'add'] as const).find((mode) => flags.split(',').includes(mode));
}
