// Capabilities with a meaning of their own in SUSE repositories: `locale(de)`, `modalias(a:b)`, `packageand(a:b)`, `name:/path`.
import type { Pool } from '../pool.ts';
import { type Field, field } from '../pool-package.ts';
import { isRel, rel } from '../strings.ts';

/** Which list of a package a capability stands in. */
export type SuseDependencyKind = 'provides' | 'supplements' | 'conflicts';

function namespace(pool: Pool, name: string, of: number): number {
  return pool.ids.relation(pool.ids.string(`namespace:${name}`), rel.namespace, of);
}

function joined(pool: Pool, list: readonly number[], flags: number): number {
  return list.reduce((left, right) => pool.ids.relation(left, flags, right));
}

/** What stands between `NAME(` and the last bracket. */
function inside(text: string, name: string): string | undefined {
  if (!text.startsWith(`${name}(`) || !text.endsWith(')')) return undefined;
  const inner = text.slice(name.length + 1, -1);
  return inner === '' ? undefined : inner;
}

function languages(pool: Pool, list: string): number {
  const ids = list.split(';').filter((word) => word !== '');
  return joined(
    pool,
    (ids.length === 0 ? [list] : ids).map((word) => namespace(pool, 'language', pool.ids.string(word))),
    rel.or,
  );
}

function provide(pool: Pool, text: string): number | undefined {
  const path = text.indexOf(':/');
  if (path > 0) {
    const both = pool.ids.relation(pool.nameId(text.slice(0, path)), rel.with, pool.nameId(text.slice(path + 1)));
    return namespace(pool, 'splitprovides', both);
  }
  const locale = inside(text, 'locale');
  if (locale === undefined) return undefined;
  const colon = locale.indexOf(':');
  if (colon < 0) return languages(pool, locale);
  return pool.ids.relation(pool.nameId(locale.slice(0, colon)), rel.and, languages(pool, locale.slice(colon + 1)));
}

function supplement(pool: Pool, text: string): number | undefined {
  const alias = inside(text.startsWith('system:') ? text.slice(7) : text, 'modalias');
  if (alias !== undefined) {
    const colon = alias.indexOf(':');
    if (colon <= 0 || !alias.includes(':', colon + 1)) return namespace(pool, 'modalias', pool.ids.string(alias));
    const what = namespace(pool, 'modalias', pool.ids.string(alias.slice(colon + 1)));
    return pool.ids.relation(pool.nameId(alias.slice(0, colon)), rel.and, what);
  }
  const filesystem = inside(text, 'filesystem');
  if (filesystem !== undefined) return namespace(pool, 'filesystem', pool.ids.string(filesystem));
  const language = inside(text, 'language');
  if (language !== undefined) return languages(pool, language);
  const all = inside(text, 'packageand');
  if (all === undefined) return undefined;
  // `pattern:NAME` is one word.
  const words = all.match(/pattern:[^:]*|[^:]+/g) ?? [];
  const ids = words.map((word) => pool.nameId(word));
  return ids.length === 0 ? undefined : joined(pool, ids, rel.and);
}

/**
 * The dependency a capability stands for, `undefined` when it has no such meaning. A provide gives a supplement to be added;
 * the others are to be replaced.
 */
export function suseDependency(pool: Pool, dep: number, kind: SuseDependencyKind): number | undefined {
  const { ids } = pool;
  if (isRel(dep)) {
    const flags = ids.relFlag(dep);
    if (kind === 'provides' || (flags !== rel.and && flags !== rel.or)) return undefined;
    const left = suseDependency(pool, ids.relName(dep), kind);
    const right = suseDependency(pool, ids.relEvr(dep), kind);
    if (left === undefined && right === undefined) return undefined;
    return ids.relation(left ?? ids.relName(dep), flags, right ?? ids.relEvr(dep));
  }
  const text = ids.text(dep);
  if (kind === 'provides') return provide(pool, text);
  if (kind === 'supplements') return supplement(pool, text);
  const others = inside(text, 'otherproviders');
  return others === undefined ? undefined : namespace(pool, 'otherproviders', ids.string(others));
}

/**
 * Older formats write SUSE's special capabilities as plain names: replaces them in a package's lists. What the package freshens
 * becomes a condition of what it supplements.
 */
export function rewriteSuseLists(pool: Pool, lists: Map<Field, number[]>, freshens: readonly number[] = []): void {
  const replace = (which: Field, kind: 'supplements' | 'conflicts'): void => {
    const list = lists.get(which);
    if (list !== undefined)
      lists.set(
        which,
        list.map((dep) => suseDependency(pool, dep, kind) ?? dep),
      );
  };
  replace(field.supplements, 'supplements');
  replace(field.conflicts, 'conflicts');
  const added = (lists.get(field.provides) ?? []).flatMap((dep) => suseDependency(pool, dep, 'provides') ?? []);
  const supplements = [...(lists.get(field.supplements) ?? []), ...added];
  if (freshens.length > 0 && supplements.length > 0) {
    const both = pool.ids.relation(joined(pool, supplements, rel.or), rel.and, joined(pool, freshens, rel.or));
    lists.set(field.supplements, [both]);
  } else if (freshens.length > 0) lists.set(field.supplements, [...freshens]);
  else if (added.length > 0) lists.set(field.supplements, supplements);
}
