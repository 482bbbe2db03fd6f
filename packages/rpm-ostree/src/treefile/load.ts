// A treefile with everything it includes, merged into one document.
import { CoppiceError } from '@coppice/base';
import { conditionHolds, type Variable } from './condition.ts';
import { checkTreefileDocument, type Plain, parseTreefileDocument, type TreefileDocument } from './document.ts';
import { treefileFields } from './fields-table.ts';

/** Where included files come from; the default of a command reads the disk. `identity` tells two names of one file apart. */
export interface TreefileSource {
  read(path: string): { readonly text: string; readonly identity: string };
  /** The path of `include` as written in `from`. */
  resolve(from: string, include: string): string;
  /** Whether there is a directory at a path. */
  isDirectory?(path: string): boolean;
}

export interface LoadedTreefile {
  readonly document: TreefileDocument;
  readonly variables: ReadonlyMap<string, Variable>;
  /** Every file read, the top one first. */
  readonly files: readonly string[];
}

const depthLimit = 50;

/** Files whose content a tree copies (`add-files`, scripts) are named relative to the file that mentions them. */
const relativeKeys = ['postprocess-script'] as const;
/** A directory beside a treefile that counts without being named (edition 2024). */
const finalizeDirectory = 'finalize.d';

/** Merges `included` under `document`: see `FieldKind` for the rules. */
export function mergeTreefiles(document: TreefileDocument, included: TreefileDocument): TreefileDocument {
  const out: TreefileDocument = { ...document };
  for (const [key, value] of Object.entries(included)) {
    const kind = treefileFields[key]!;
    const mine = out[key];
    if (mine === undefined) out[key] = value;
    else if (kind === 'list') out[key] = [...(value as Plain[]), ...(mine as Plain[])];
    else if (kind === 'words') out[key] = [...new Set([...(value as string[]), ...(mine as string[])])];
    else if (kind === 'map') out[key] = { ...(value as Record<string, Plain>), ...(mine as Record<string, Plain>) };
  }
  return out;
}

function stringList(value: Plain | undefined, key: string): string[] {
  if (value === undefined) return [];
  const list = Array.isArray(value) ? value : [value];
  return list.map((v) => {
    if (typeof v !== 'string') throw new CoppiceError('Invalid', `${key}: invalid type: expected a string`);
    return v;
  });
}

class Loader {
  readonly #source: TreefileSource;
  readonly #basearch: string;
  readonly #seen = new Set<string>();
  readonly #finalize = new Set<string>();
  readonly files: string[] = [];

  constructor(source: TreefileSource, basearch: string) {
    this.#source = source;
    this.#basearch = basearch;
  }

  load(
    path: string,
    outer: ReadonlyMap<string, Variable>,
    depth: number,
  ): { doc: TreefileDocument; vars: Map<string, Variable> } {
    if (depth > depthLimit) throw new CoppiceError('Limit', `Reached maximum include depth ${depthLimit}`);
    const { text, identity } = this.#source.read(path);
    if (this.#seen.has(identity))
      throw new CoppiceError('Invalid', `Include loop detected; ${path} was already included`);
    this.#seen.add(identity);
    this.files.push(path);
    const document = parseTreefileDocument(text, path, this.#basearch);
    const beside = this.#source.resolve(path, finalizeDirectory);
    const known = (document[finalizeDirectory] as Plain[] | undefined) ?? [];
    if (this.#source.isDirectory?.(beside) === true && !this.#finalize.has(beside)) {
      this.#finalize.add(beside);
      document[finalizeDirectory] = [...known, beside];
    }
    return this.expand(document, path, outer, depth);
  }

  expand(
    start: TreefileDocument,
    path: string,
    outer: ReadonlyMap<string, Variable>,
    depth: number,
  ): { doc: TreefileDocument; vars: Map<string, Variable> } {
    let doc: TreefileDocument = { ...start };
    for (const key of relativeKeys) {
      const value = doc[key];
      if (typeof value === 'string') doc[key] = this.#source.resolve(path, value);
    }
    if (Array.isArray(doc['add-files']))
      doc['add-files'] = doc['add-files'].map((pair) =>
        Array.isArray(pair) && typeof pair[0] === 'string'
          ? [this.#source.resolve(path, pair[0]), ...pair.slice(1)]
          : pair,
      );
    for (const key of ['check-passwd', 'check-groups']) {
      const check = doc[key];
      if (check === null || typeof check !== 'object' || Array.isArray(check)) continue;
      if (typeof check['filename'] === 'string')
        doc[key] = { ...check, filename: this.#source.resolve(path, check['filename']) };
    }
    const { include, 'arch-include': archInclude, 'conditional-include': conditional, ...rest } = doc;
    doc = rest;
    const vars = new Map(outer);
    const own = new Map<string, Variable>();
    for (const [name, value] of Object.entries((doc['variables'] as Record<string, Plain> | undefined) ?? {})) {
      if (name === 'basearch' || name === 'releasever')
        throw new CoppiceError('Invalid', `cannot define reserved variable '${name}'`);
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
        throw new CoppiceError('Invalid', `Variable '${name}' must be a string, number or boolean`);
      own.set(name, value);
    }
    for (const [name, value] of own) if (!outer.has(name)) vars.set(name, value);
    if (typeof doc['releasever'] === 'string' && !vars.has('releasever'))
      vars.set('releasever', releasever(doc['releasever']));
    const includes: (string | TreefileDocument)[] = stringList(include, 'include');
    if (archInclude !== undefined) {
      if (archInclude === null || typeof archInclude !== 'object' || Array.isArray(archInclude))
        throw new CoppiceError('Invalid', 'arch-include: invalid type: expected a map');
      includes.push(...stringList(archInclude[this.#basearch], 'arch-include'));
    }
    const take = (item: string | TreefileDocument): void => {
      const { doc: sub, vars: subVars } =
        typeof item === 'string'
          ? this.load(this.#source.resolve(path, item), vars, depth + 1)
          : this.expand(item, path, vars, depth + 1);
      for (const [name, value] of subVars) if (!vars.has(name)) vars.set(name, value);
      doc = mergeTreefiles(doc, sub);
    };
    for (const item of includes) take(item);
    if (conditional !== undefined) {
      if (!Array.isArray(conditional))
        throw new CoppiceError('Invalid', 'conditional-include: invalid type: expected a sequence');
      for (const entry of conditional) {
        if (entry === null || typeof entry !== 'object' || Array.isArray(entry) || entry['if'] === undefined)
          throw new CoppiceError('Invalid', 'conditional-include: missing field `if`');
        if (!conditionHolds(entry['if'], vars)) continue;
        const wanted = entry['include'];
        if (wanted !== null && typeof wanted === 'object' && !Array.isArray(wanted))
          take(checkTreefileDocument(wanted, this.#basearch));
        else for (const item of stringList(wanted, 'include')) take(item);
      }
    }
    return { doc, vars };
  }
}

function releasever(text: string): Variable {
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** Reads `path` and all it includes. `basearch` is RPM's name of the architecture, e.g. `x86_64`. */
export function loadTreefile(path: string, source: TreefileSource, basearch: string): LoadedTreefile {
  const loader = new Loader(source, basearch);
  const { doc, vars } = loader.load(path, new Map([['basearch', basearch]]), 0);
  return { document: substituteVariables(doc, vars), variables: vars, files: loader.files };
}

const substituted = ['ref', 'automatic-version-prefix', 'mutate-os-release', 'platform-module'] as const;

/** `${name}` in the keys that allow it; throws `Invalid` for an unknown name. */
export function substituteVariables(
  document: TreefileDocument,
  variables: ReadonlyMap<string, Variable>,
): TreefileDocument {
  const replace = (text: string): string =>
    text.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
      const value = variables.get(name);
      if (value === undefined) throw new CoppiceError('Invalid', `No such key: ${name}`);
      return String(value);
    });
  const out: TreefileDocument = { ...document };
  for (const key of substituted) if (typeof out[key] === 'string') out[key] = replace(out[key]);
  for (const key of ['repos', 'lockfile-repos'] as const) {
    const list = out[key];
    if (Array.isArray(list)) out[key] = list.map((v) => (typeof v === 'string' ? replace(v) : v));
  }
  if (Array.isArray(out['repo-packages']))
    out['repo-packages'] = out['repo-packages'].map((row) =>
      row !== null && typeof row === 'object' && !Array.isArray(row) && typeof row['repo'] === 'string'
        ? { ...row, repo: replace(row['repo']) }
        : row,
    );
  for (const key of ['add-commit-metadata', 'metadata'] as const) {
    const map = out[key];
    if (map === undefined || map === null || typeof map !== 'object' || Array.isArray(map)) continue;
    out[key] = Object.fromEntries(Object.entries(map).map(([k, v]) => [k, typeof v === 'string' ? replace(v) : v]));
  }
  return out;
}
