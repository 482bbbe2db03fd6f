// A package described in YAML or JSON: the fields of `PackageSpec`, contents inline or from files below a root.
import { resolve, sep } from 'node:path';
import { CoppiceError, messageOf } from '@coppice/base';
import { parse } from 'yaml';
import type { FileSpec, PackageSpec } from './spec.ts';

const textFields = new Set([
  'name',
  'version',
  'release',
  'arch',
  'summary',
  'description',
  'license',
  'group',
  'url',
  'bugUrl',
  'vendor',
  'packager',
  'distribution',
  'os',
  'buildHost',
  'sourceRpm',
  'platform',
  'optFlags',
  'modularityLabel',
]);
const listFields = new Set([
  'provides',
  'requires',
  'conflicts',
  'obsoletes',
  'recommends',
  'suggests',
  'supplements',
  'enhances',
  'order',
]);
const otherFields = new Set([
  'epoch',
  'buildTime',
  'autoProvides',
  'scripts',
  'triggers',
  'fileTriggers',
  'transFileTriggers',
  'files',
  'changelog',
  'payload',
]);
const fileFields = new Set([
  'path',
  'type',
  'mode',
  'user',
  'group',
  'content',
  'file',
  'target',
  'hardlink',
  'mtime',
  'config',
  'doc',
  'license',
  'missingOk',
  'artifact',
  'ghost',
  'size',
  'caps',
  'lang',
  'verify',
  'rdev',
]);

type Fields = Record<string, unknown>;

/** A mode is octal however it is written. */
function octal(value: unknown, where: string): number {
  const text = typeof value === 'string' ? value : '';
  if (!/^(0o?)?[0-7]{1,4}$/.test(text))
    throw new CoppiceError('Invalid', `${where}: mode ${JSON.stringify(value)} is not octal`);
  return Number.parseInt(text.replace(/^0o/, ''), 8);
}

const integers = new Set([
  'epoch',
  'buildTime',
  'time',
  'priority',
  'flags',
  'level',
  'mtime',
  'size',
  'verify',
  'rdev',
]);
const booleans = new Set(['config', 'doc', 'license', 'missingOk', 'artifact', 'ghost', 'autoProvides', 'stripped']);

/** Everything was read as text, so that a version of 1.10 stays one: numbers and truth values by the name of the field. */
function typed(value: unknown, key: string, where: string): unknown {
  if (Array.isArray(value)) return value.map((item) => typed(item, key, where));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, typed(v, k, where)]));
  if (typeof value !== 'string') return value;
  if (integers.has(key)) {
    if (!/^-?\d{1,15}$/.test(value))
      throw new CoppiceError('Invalid', `${where}: ${key} ${JSON.stringify(value)} is not a number`);
    return Number(value);
  }
  if (booleans.has(key) && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}

function fileSpec(value: unknown, where: string, root: string): FileSpec {
  if (typeof value !== 'object' || value === null) throw new CoppiceError('Invalid', `${where}: not a mapping`);
  const fields = value as Fields;
  for (const key of Object.keys(fields))
    if (!fileFields.has(key)) throw new CoppiceError('Invalid', `${where}: unknown field ${key}`);
  if (typeof fields['path'] !== 'string') throw new CoppiceError('Invalid', `${where}: no path`);
  const { file, mode, ...rest } = fields;
  const out = typed(rest, '', where) as Fields;
  if (mode !== undefined) out['mode'] = octal(mode, where);
  if (file !== undefined) {
    const from = resolve(root, String(file));
    if (from !== root && !from.startsWith(root.endsWith(sep) ? root : root + sep))
      throw new CoppiceError('Invalid', `${where}: ${String(file)} leads out of ${root}`);
    out['content'] = { file: from };
  }
  return out as unknown as FileSpec;
}

/** Reads a description. `name` is for messages; `file:` entries are found below `root`. Throws `Invalid`. */
export function parsePackageSpec(text: string, name: string, root: string): PackageSpec {
  let value: unknown;
  try {
    value = parse(text, { schema: 'failsafe', maxAliasCount: 100 });
  } catch (error) {
    // The parser shows the place below its message.
    throw new CoppiceError('Invalid', `${name}: ${messageOf(error).split(/:?\n/, 1)[0]}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CoppiceError('Invalid', `${name}: not a mapping`);
  const fields = value as Fields;
  const out: Fields = {};
  for (const [key, field] of Object.entries(fields)) {
    const where = `${name}: ${key}`;
    if (textFields.has(key)) {
      if (typeof field !== 'string' && typeof field !== 'number')
        throw new CoppiceError('Invalid', `${where}: not a text`);
      out[key] = String(field);
    } else if (listFields.has(key)) {
      if (!Array.isArray(field) || field.some((item) => typeof item !== 'string'))
        throw new CoppiceError('Invalid', `${where}: not a list of texts`);
      out[key] = field;
    } else if (!otherFields.has(key)) throw new CoppiceError('Invalid', `${name}: unknown field ${key}`);
    else if (key === 'files') {
      if (!Array.isArray(field)) throw new CoppiceError('Invalid', `${where}: not a list`);
      out[key] = field.map((file, i) => fileSpec(file, `${where}[${i}]`, root));
    } else out[key] = typed(field, key, where);
  }
  for (const key of ['name', 'version', 'release', 'summary', 'license'])
    if (out[key] === undefined) throw new CoppiceError('Invalid', `${name}: no ${key}`);
  out['arch'] ??= 'noarch';
  return out as unknown as PackageSpec;
}
