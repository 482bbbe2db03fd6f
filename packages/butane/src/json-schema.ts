import { configSchema, type FieldDef, type StructDef, specVersions } from '@coppice/ignition';
import { type Spec, sourceSchema } from './versions-table.ts';

/** A JSON Schema or a part of one. */
export type JsonSchema = { readonly [key: string]: unknown };

const draft = 'http://json-schema.org/draft-07/schema#';

// As the translator reads YAML: null is the same as nothing, any scalar does for a text.
const scalars: Readonly<Record<string, readonly string[]>> = {
  string: ['string', 'number', 'boolean', 'null'],
  int: ['integer', 'null'],
  bool: ['boolean', 'null'],
};
const strictScalars: Readonly<Record<string, readonly string[]>> = {
  string: ['string'],
  int: ['integer'],
  bool: ['boolean'],
};

/** The schema (draft 7, which editors' YAML language servers read) of a Butane variant and version. */
export function butaneSchema(spec: Spec): JsonSchema {
  const made = structs(sourceSchema(spec), false);
  const root = made['Config'] as { properties: Record<string, unknown> };
  root.properties['variant'] = { const: spec.variant };
  root.properties['version'] = { const: spec.version };
  return {
    $schema: draft,
    title: `Butane config, ${spec.variant} ${spec.version}`,
    ...(root as object),
    required: ['variant', 'version'],
    definitions: without(made, 'Config'),
  };
}

/** The schema of an Ignition config of a minor version 0 to 7. */
export function ignitionSchema(minor: number): JsonSchema {
  const made = structs(configSchema(minor), true);
  const ignition = made['Ignition'] as { properties: Record<string, unknown> };
  ignition.properties['version'] = { const: specVersions[minor] };
  return {
    $schema: draft,
    title: `Ignition config ${specVersions[minor]}`,
    ...(made['Config'] as object),
    required: ['ignition'],
    definitions: { ...without(made, 'Config'), Ignition: { ...(ignition as object), required: ['version'] } },
  };
}

function without(all: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => key !== name));
}

/** One definition for each struct that is reached. */
function structs(root: StructDef, strict: boolean): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const visit = (def: StructDef): void => {
    if (out[def.name] !== undefined) return;
    const properties: Record<string, unknown> = {};
    out[def.name] = { type: strict ? 'object' : ['object', 'null'], properties, additionalProperties: false };
    for (const field of def.fields) {
      if (field.type !== undefined) visit(field.type);
      properties[field.name] = ofField(field, strict);
    }
  };
  visit(root);
  return out;
}

function ofField(field: FieldDef, strict: boolean): JsonSchema {
  const types = strict ? strictScalars : scalars;
  const item: JsonSchema =
    field.type !== undefined
      ? { $ref: `#/definitions/${field.type.name}` }
      : field.kind === 'map'
        ? { type: strict ? 'object' : ['object', 'null'], additionalProperties: { type: types['string'] } }
        : { type: types[field.kind] };
  return field.list ? { type: strict ? 'array' : ['array', 'null'], items: item } : item;
}
