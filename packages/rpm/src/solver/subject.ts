// From a subject as people type it (`vim`, `vim-2:9.0-1.x86_64`, `libfoo.so.1`, `/usr/bin/vi`, `py*`) to packages.
import { parseCapability } from '../capability.ts';
import { parseEvr } from '../evr.ts';
import { type Nevra, type NevraForm, nevraForms, parseNevraForm } from '../nevra.ts';
import type { Pool } from './pool.ts';
import { field } from './pool-package.ts';
import { isRel } from './strings.ts';

/** How a subject was understood. */
export type SubjectForm = NevraForm | 'PROVIDES' | 'FILE';

export interface SubjectMatch {
  readonly form: SubjectForm;
  readonly nevra?: Nevra;
  /** Solvables, ascending. */
  readonly solvables: readonly number[];
}

const globCharacter = /[*?[]/;

/** fnmatch(3) without flags: `*`, `?`, `[set]`, `[!set]`, `\` escapes; `*` also matches `/`. */
export function globMatcher(pattern: string): (text: string) => boolean {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!;
    if (c === '*') {
      if (!source.endsWith('.*')) source += '.*';
    } else if (c === '?') source += '.';
    else if (c === '[') {
      const end = pattern.indexOf(']', i + (pattern[i + 1] === '!' || pattern[i + 1] === '^' ? 3 : 2));
      if (end < 0) {
        source += '\\[';
        continue;
      }
      let set = pattern.slice(i + 1, end);
      const negated = set.startsWith('!') || set.startsWith('^');
      if (negated) set = set.slice(1);
      source += `[${negated ? '^' : ''}${set.replace(/[\\\]^]/g, '\\$&')}]`;
      i = end;
    } else if (c === '\\' && i + 1 < pattern.length) source += pattern[++i]!.replace(/[^\w]/g, '\\$&');
    else source += c.replace(/[\\^$.|+(){}/-]/g, '\\$&');
  }
  let compiled: RegExp;
  try {
    compiled = new RegExp(`^${source}$`, 's');
  } catch {
    return (text) => text === pattern;
  }
  return (text) => compiled.test(text);
}

function matcher(pattern: string): (text: string) => boolean {
  return globCharacter.test(pattern) ? globMatcher(pattern) : (text) => text === pattern;
}

/** Solvables that can be talked about: installed, or available here and not excluded. */
function* known(pool: Pool): Generator<number> {
  for (let p = 2; p < pool.count; p++)
    if (pool.repoOf.data[p] !== 0 && (pool.isInstalled(p) ? !pool.disabled.has(p) : pool.installable(p))) yield p;
}

function matchNevra(pool: Pool, nevra: Nevra): number[] {
  const candidates = globCharacter.test(nevra.name)
    ? [...known(pool)]
    : pool.providers
        .list(pool.ids.lookup(nevra.name))
        .filter((p) => !pool.disabled.has(p) && pool.names.data[p] === pool.ids.lookup(nevra.name));
  const name = matcher(nevra.name);
  const version = nevra.version === undefined ? undefined : matcher(nevra.version);
  const release = nevra.release === undefined ? undefined : matcher(nevra.release);
  const arch = nevra.arch === undefined ? undefined : matcher(nevra.arch);
  const epoch = nevra.epoch === undefined ? undefined : Number(nevra.epoch);
  return candidates.filter((p) => {
    if (!name(pool.ids.text(pool.names.data[p]!))) return false;
    if (arch !== undefined && !arch(pool.ids.text(pool.archs.data[p]!))) return false;
    if (version === undefined && epoch === undefined) return true;
    const evr = parseEvr(pool.ids.text(pool.evrs.data[p]!));
    if (epoch !== undefined && Number(evr.epoch ?? '0') !== epoch) return false;
    if (version !== undefined && !version(evr.version)) return false;
    return release === undefined || release(evr.release ?? '');
  });
}

function matchProvides(pool: Pool, text: string): number[] {
  const capability = parseCapability(text);
  if (capability === undefined) return [];
  if (!globCharacter.test(capability.name)) {
    const dep = pool.dependency(capability);
    return pool.providers.list(dep).filter((p) => !pool.disabled.has(p));
  }
  const name = globMatcher(capability.name);
  const names = new Set<number>();
  for (const p of known(pool))
    for (let dep of pool.list(p, field.provides)) {
      while (isRel(dep)) dep = pool.ids.relName(dep);
      if (name(pool.ids.text(dep))) names.add(dep);
    }
  const out = new Set<number>();
  for (const id of names) {
    const dep = pool.dependency({ ...capability, name: pool.ids.text(id) });
    for (const p of pool.providers.list(dep)) if (!pool.disabled.has(p)) out.add(p);
  }
  return [...out].sort((a, b) => a - b);
}

function matchFile(pool: Pool, text: string): number[] {
  const test = matcher(text);
  const out: number[] = [];
  const lists = pool.lists.data;
  for (const p of known(pool))
    for (let at = pool.listAt(p, field.files); lists[at] !== 0; at++)
      if (test(pool.ids.text(lists[at]!))) {
        out.push(p);
        break;
      }
  return out;
}

/** The first reading of `text` that some package fits: the NEVRA forms in order, then provides, then a path. */
export function matchSubject(
  pool: Pool,
  text: string,
  forms: readonly NevraForm[] = nevraForms,
): SubjectMatch | undefined {
  for (const form of forms) {
    const nevra = parseNevraForm(text, form);
    if (nevra === undefined) continue;
    const solvables = matchNevra(pool, nevra);
    if (solvables.length > 0) return { form, nevra, solvables };
  }
  const provided = matchProvides(pool, text);
  if (provided.length > 0) return { form: 'PROVIDES', solvables: provided };
  if (text.startsWith('/') || text.startsWith('*/')) {
    const owners = matchFile(pool, text);
    if (owners.length > 0) return { form: 'FILE', solvables: owners };
  }
  return undefined;
}
