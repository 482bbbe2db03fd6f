import {
  type Entry,
  type Fields,
  mergeConfigs,
  type Path,
  pathText,
  type Report,
  type StructDef,
  type Value,
} from '@coppice/ignition';

/**
 * From output paths back to source paths. A disabled set records nothing: most configs have no finding, and only findings
 * (and `--debug`) need it.
 */
export class Translations {
  readonly enabled: boolean;
  /** Source paths by the text of the output path, which is all that is kept of it: large configs have many. */
  #map = new Map<string, Path>();
  /** Another set, whose output paths lie below `at` in this one; entries of this one come before its. */
  #inner: { readonly at: string; readonly set: Translations } | undefined;

  constructor(enabled: boolean) {
    this.enabled = enabled;
  }

  add(from: Path, to: Path): void {
    if (this.enabled) this.#map.set(pathText(to), from);
  }

  find(to: Path): Path | undefined {
    return this.#get(pathText(to));
  }

  /** As `find`, and forgets it. */
  take(to: Path): Path | undefined {
    const key = pathText(to);
    const found = this.#get(key);
    this.#map.delete(key);
    return found;
  }

  #get(key: string): Path | undefined {
    const own = this.#map.get(key);
    if (own !== undefined || this.#inner === undefined) return own;
    const { at, set } = this.#inner;
    return isAtOrBelow(key, at) ? set.#get(`$${key.slice(at.length)}`) : undefined;
  }

  *#all(): Iterable<readonly [string, Path]> {
    if (this.#inner !== undefined)
      for (const [key, from] of this.#inner.set.#all()) {
        const full = this.#inner.at + key.slice(1);
        if (!this.#map.has(full)) yield [full, from];
      }
    yield* this.#map;
  }

  /** The same set with the output paths at and below `from` at and below `to`. */
  moved(from: Path, to: Path): Translations {
    const out = new Translations(this.enabled);
    const old = pathText(from);
    for (const [key, source] of this.#all())
      out.#map.set(isAtOrBelow(key, old) ? pathText(to) + key.slice(old.length) : key, source);
    return out;
  }

  /** Everything in `value` at `to`, and `to` itself, comes from `from`. */
  addTree(from: Path, to: Path, value: Fields, def: StructDef): void {
    if (!this.enabled) return;
    this.#addFields(from, to, value, def);
    this.add(from, to);
  }

  #addFields(from: Path, to: Path, value: Fields, def: StructDef): void {
    for (const field of def.fields) {
      const found = value[field.name];
      const at = [...to, field.name];
      if (field.list) {
        ((found ?? []) as readonly Value[]).forEach((item, i) => {
          if (field.type !== undefined) this.#addFields(from, [...at, i], item as Fields, field.type);
          this.add(from, [...at, i]);
        });
      } else if (field.type !== undefined && (found !== undefined || !field.pointer))
        this.#addFields(from, at, (found ?? {}) as Fields, field.type);
      this.add(from, at);
    }
  }

  merge(other: Translations): void {
    if (this.enabled) for (const [key, from] of other.#all()) this.#map.set(key, from);
  }

  /** The same set with `prefix` before every output path. */
  prefixed(prefix: Path): Translations {
    const out = new Translations(this.enabled);
    out.#inner = { at: pathText(prefix), set: this };
    return out;
  }

  /** What lies below `prefix`, relative to it. */
  descend(prefix: Path): Translations {
    const out = new Translations(this.enabled);
    const top = pathText(prefix);
    const same = this.#inner?.at === top;
    if (same) out.#inner = { at: '$', set: this.#inner!.set };
    for (const [key, from] of same ? this.#map : this.#all())
      if (isAtOrBelow(key, top)) out.#map.set(`$${key.slice(top.length)}`, from);
    return out;
  }

  /** Sorted listing, as `--debug` prints it. */
  text(): string {
    const lines = [...this.#all()]
      .map(([key, from]) => ({ key, line: `${pathText(from)} → ${key}` }))
      .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return `TranslationSet: yaml → json\n${lines.map(({ line }) => `${line}\n`).join('')}`;
  }
}

/** Of path texts. */
function isAtOrBelow(path: string, top: string): boolean {
  return path.startsWith(top) && (path.length === top.length || path[top.length] === '.');
}

/**
 * Merges configs and their translations; the child's source is preferred where both gave something. The child's set is used
 * up: two of a large config would not fit.
 */
export function mergeTranslated(
  parent: Fields,
  parentTranslations: Translations,
  child: Fields,
  childTranslations: Translations,
  schema: StructDef,
): { config: Fields; translations: Translations } {
  const translations = new Translations(childTranslations.enabled);
  if (!translations.enabled) return { config: mergeConfigs(parent, child, schema), translations };
  const config = mergeConfigs(parent, child, schema, ({ from, fromPath, toPath }) => {
    const source = from === 'parent' ? parentTranslations.find(fromPath) : childTranslations.take(fromPath);
    if (source === undefined) return;
    if (from === 'parent' && translations.find(toPath) !== undefined) return;
    translations.add(source, toPath);
  });
  return { config, translations };
}

/** camelCase to snake_case, with the original's view of `MiB`. */
export function snakeCase(name: string): string {
  return name.replace(/MiB|[A-Z]/g, (part) => `_${part}`).toLowerCase();
}

/** snake_case to camelCase. */
export function camelCase(name: string): string {
  const base = name.endsWith('_mib') ? `${name.slice(0, -4)}MiB` : name;
  return base.replace(/_(.)/g, (_, c: string) => c.toUpperCase());
}

/** Puts source paths for output paths in a report; where none is known, the path in snake case has to do. */
export function translatePaths(report: Report, translations: Translations): void {
  for (const entry of report.entries) translateEntry(entry, translations);
}

function translateEntry(entry: Entry, translations: Translations): void {
  if (entry.space === 'source') return;
  const from = translations.find(entry.path);
  if (from !== undefined) {
    entry.path = from;
    entry.space = 'source';
  } else entry.path = entry.path.map((part) => (typeof part === 'string' ? snakeCase(part) : part));
}
