// One treefile as written: YAML or JSON in, checked keys and values out, nothing included or merged yet.
import { CoppiceError, messageOf, prefixError } from '@coppice/base';
import { parse } from 'yaml';
import { type FieldKind, treefileAliases, treefileFields } from './fields-table.ts';
import { parseKickstart } from './kickstart.ts';

export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };
export type TreefileDocument = Record<string, Plain>;

const sizeLimit = 8 * 1024 * 1024;

/** Words of a list entry, quoted parts whole. Throws `Invalid`. */
export function splitWords(text: string): string[] {
  // Quoted parts hold a whole dependency: `'foo >= 1.0'`.
  if ((text.match(/'/g)?.length ?? 0) % 2 === 1)
    throw new CoppiceError('Invalid', `Missing terminating quote: ${text}`);
  const out: string[] = [];
  for (const match of text.matchAll(/'([^']*)'|(\S+)/g)) out.push(match[1] ?? match[2]!);
  return out;
}

function read(kind: FieldKind, value: Plain, key: string): Plain {
  const wrong = (wanted: string): never => {
    throw new CoppiceError('Invalid', `${key}: invalid type: expected ${wanted}`);
  };
  switch (kind) {
    case 'string':
      return typeof value === 'string' || typeof value === 'number' ? String(value) : wrong('a string');
    case 'boolean':
      return typeof value === 'boolean' ? value : wrong('a boolean');
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value) ? value : wrong('an integer');
    case 'list':
      return Array.isArray(value) ? value : wrong('a sequence');
    case 'words':
      if (!Array.isArray(value)) return wrong('a sequence');
      return value.flatMap((v) => (typeof v === 'string' ? splitWords(v) : wrong('a sequence of strings')));
    case 'map':
      return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : wrong('a map');
    case 'value':
      return value;
  }
}

/** Keys that may be written in an older way, but not in both. */
const renamed = ['gpg-key', 'boot-location', 'default-target', 'automatic-version-prefix'];

function checkForms(raw: object): void {
  for (const key of renamed) {
    const legacy = key.replaceAll('-', '_');
    if (Object.hasOwn(raw, key) && Object.hasOwn(raw, legacy))
      throw new CoppiceError('Invalid', `Cannot use new and legacy forms of ${legacy}`);
  }
}

/**
 * Checks a parsed document. `packages-ARCH` of `basearch` joins `packages`; other architectures' are dropped. With `comments`
 * unknown keys are that (JSON has no other).
 */
export function checkTreefileDocument(raw: unknown, basearch: string, comments = false): TreefileDocument {
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw))
    throw new CoppiceError('Invalid', 'expected a map at the top of the treefile');
  checkForms(raw);
  const out: TreefileDocument = {};
  const unknown: string[] = [];
  const archPackages: Plain[] = [];
  for (const [written, value] of Object.entries(raw as Record<string, Plain>)) {
    const key = treefileAliases[written] ?? written;
    const arch = /^(exclude-)?packages-([a-z0-9_]+)$/.exec(key);
    if (arch !== null && arch[1] === undefined && !Object.hasOwn(treefileFields, key)) {
      const list = read('words', value, written) as Plain[];
      if (arch[2] === basearch) archPackages.push(...list);
      continue;
    }
    const kind = Object.hasOwn(treefileFields, key) ? treefileFields[key]! : undefined;
    if (kind === undefined) {
      unknown.push(written);
      continue;
    }
    if (value === null) continue;
    const next = read(kind, value, written);
    const before = out[key];
    out[key] = Array.isArray(before) && Array.isArray(next) ? [...before, ...next] : next;
  }
  if (unknown.length > 0 && !comments) throw new CoppiceError('Invalid', `Unknown fields: ${unknown.join(', ')}`);
  const own = out['basearch'];
  if (own !== undefined && own !== basearch)
    throw new CoppiceError(
      'Invalid',
      `Invalid basearch ${String(own)} on ${basearch}: cross-composes are not supported`,
    );
  if (archPackages.length > 0) out['packages'] = [...((out['packages'] as Plain[] | undefined) ?? []), ...archPackages];
  return out;
}

/** Parses the text of a treefile; throws `Invalid` with the file's name before the reason. */
export function parseTreefileDocument(text: string, name: string, basearch: string): TreefileDocument {
  if (text.length > sizeLimit) throw new CoppiceError('Limit', `${name}: treefile larger than ${sizeLimit} bytes`);
  let raw: unknown;
  try {
    raw = name.endsWith('.ks')
      ? parseKickstart(text)
      : name.endsWith('.json')
        ? JSON.parse(text)
        : parse(text, { version: '1.2', maxAliasCount: 1000 });
  } catch (error) {
    throw new CoppiceError('Invalid', `Parsing ${name}: ${messageOf(error).split('\n')[0]}`, { cause: error });
  }
  try {
    return checkTreefileDocument(raw, basearch, name.endsWith('.json'));
  } catch (error) {
    throw prefixError(error, `Parsing ${name}`);
  }
}
