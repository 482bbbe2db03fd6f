import { CoppiceError } from '@coppice/base';
import { Report } from './report.ts';
import type { FieldDef, StructDef } from './schema.ts';
import { configSchema, specVersions } from './types-table.ts';
import { validateConfig } from './validate/validate.ts';
import { child, type Fields, type Value } from './value.ts';

/**
 * A config of minor version `from` as one of the lower version `to`. Throws `Unsupported` with the path of the first field
 * or value that the lower version cannot say; nothing is dropped silently.
 */
export function downgradeConfig(config: Fields, from: number, to: number): Fields {
  const result = narrow(config, configSchema(from), configSchema(to), [], to);
  result['ignition'] = { ...child(result, 'ignition'), version: specVersions[to]! };
  const report = new Report();
  validateConfig(result, to, report, 'next');
  const fault = report.entries.find((entry) => entry.severity === 'error' || entry.code === 'mode-special-bits');
  if (fault !== undefined) throw lost(fault.path, to, fault.message);
  return result;
}

function lost(path: readonly (string | number)[], to: number, reason: string): CoppiceError {
  const name = path.join('.');
  return new CoppiceError('Unsupported', `${name} cannot be expressed in spec ${specVersions[to]}: ${reason}`, {
    data: { path: name },
  });
}

function narrow(
  value: Fields,
  from: StructDef,
  into: StructDef,
  path: readonly (string | number)[],
  to: number,
): Fields {
  const out: Fields = {};
  for (const field of from.fields) {
    const found = value[field.name];
    if (found === undefined || isEmpty(found)) continue;
    const at = [...path, field.name];
    const target = into.byName.get(field.name);
    if (target === undefined) throw lost(at, to, 'the field does not exist there');
    out[field.name] = narrowField(found, field, target, at, to);
  }
  return out;
}

function narrowField(
  value: Value,
  from: FieldDef,
  into: FieldDef,
  path: readonly (string | number)[],
  to: number,
): Value {
  if (from.type === undefined || into.type === undefined) return value;
  if (!from.list) return narrow(value as Fields, from.type, into.type, path, to);
  return (value as readonly Fields[]).map((item, i) => narrow(item, from.type!, into.type!, [...path, i], to));
}

function isEmpty(value: Value): boolean {
  return Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0;
}
