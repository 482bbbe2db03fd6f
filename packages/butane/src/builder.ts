import { type FieldDef, type Fields, isFields, type StructDef, type Value } from '@coppice/ignition';
import type { ButaneConfig, VersionOf } from './config-types.ts';
import { findSpec, sourceSchema, type Variant } from './versions-table.ts';
import { type TidyMap, type TidyValue, writeTidyYaml } from './yaml/tidy.ts';

/**
 * A Butane config as text from an object whose type allows only what its variant and version allow. Modes are numbers, as in
 * `0o644`. Throws `RangeError` for a variant and version that do not exist (which the types rule out).
 */
export function buildConfig<V extends Variant, W extends VersionOf<V>>(config: ButaneConfig<V, W>): string {
  const { variant, version } = config as { variant: Variant; version: string };
  const spec = findSpec(variant, version);
  if (spec === undefined) throw new RangeError(`there is no ${variant} ${version}`);
  return writeTidyYaml(ofStruct(config as unknown as Fields, sourceSchema(spec)));
}

function ofStruct(value: Fields, def: StructDef): TidyMap {
  const out = new Map<string, TidyValue>();
  const first = def.name === 'Config' ? ['variant', 'version'] : [];
  for (const name of new Set([...first, ...Object.keys(value)])) {
    const found = value[name];
    if (found === undefined) continue;
    const field = def.byName.get(name);
    out.set(name, field === undefined ? ofUnknown(found) : ofField(found, field));
  }
  return out;
}

function ofField(value: Value, field: FieldDef): TidyValue {
  if (Array.isArray(value)) return (value as readonly Value[]).map((item) => ofItem(item, field));
  return ofItem(value, field);
}

function ofItem(value: Value, field: FieldDef): TidyValue {
  if (field.type !== undefined) return ofStruct(value as Fields, field.type);
  if (field.kind === 'map') return new Map(Object.entries(value as Readonly<Record<string, string>>));
  if (typeof value === 'number' && /(^|_)mode$/.test(field.name) && value >= 0) return { octal: value };
  return value as TidyValue;
}

/** A key that the types would have refused: written as it is, for the translator to warn about. */
function ofUnknown(value: Value): TidyValue {
  if (Array.isArray(value)) return (value as readonly Value[]).map(ofUnknown);
  if (!isFields(value)) return value as TidyValue;
  return new Map(Object.entries(value).map(([name, each]) => [name, ofUnknown(each)]));
}
