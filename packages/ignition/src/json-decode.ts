import type { JsonNode, JsonObject } from './json-text.ts';
import { JsonFault } from './json-text.ts';
import type { Position, PositionNode } from './position.ts';
import { type FieldDef, goItemName, goTypeName, type StructDef } from './schema.ts';
import { asInt, type Fields, type Value } from './value.ts';

// JSON into the values of a type table, as Go's json.Unmarshal into the structs: names match in any case, unknown keys are
// skipped, the last of equal keys wins (structs are filled on), null changes nothing, the first type error is reported
// after everything else has been read.

class Decoder {
  fault: JsonFault | undefined;
  readonly #names = new Map<StructDef, ReadonlyMap<string, FieldDef>>();

  mismatch(what: string, goType: string, context: string, offset: number): undefined {
    const into = context === '' ? `Go value of type ${goType}` : `Go struct field ${context} of type ${goType}`;
    this.fault ??= new JsonFault(`json: cannot unmarshal ${what} into ${into}`, offset);
    return undefined;
  }

  struct(node: JsonNode, def: StructDef, goType: string, trail: readonly string[], owner: string, into: Fields): void {
    if (node.kind === 'null') return;
    if (node.kind !== 'object') {
      this.mismatch(kindWord(node), goType, contextOf(owner, trail), offsetOf(node));
      return;
    }
    for (const { key, node: value } of node.members) {
      const field = def.byName.get(key) ?? this.#folded(def).get(key.toLowerCase());
      if (field === undefined) continue;
      const here = [...trail, ...(field.embed === undefined ? [] : [field.embed]), field.name];
      const found = this.#field(value, field, def, here, into[field.name]);
      if (found === null) continue;
      if (found === undefined) delete into[field.name];
      else into[field.name] = found;
    }
  }

  #folded(def: StructDef): ReadonlyMap<string, FieldDef> {
    const names = this.#names.get(def) ?? new Map(def.fields.map((f) => [f.name.toLowerCase(), f]));
    this.#names.set(def, names);
    return names;
  }

  /** The field's new value; null leaves it as it is. */
  #field(node: JsonNode, field: FieldDef, def: StructDef, trail: readonly string[], old: Value): Value | null {
    if (node.kind === 'null') return field.list || field.pointer ? undefined : null;
    const context = contextOf(def.name, trail);
    if (field.list) {
      if (node.kind !== 'array')
        return this.mismatch(kindWord(node), goTypeName(field, def), context, offsetOf(node)) ?? null;
      const before = (old ?? []) as readonly Value[];
      return node.items.map((item, i): Value => {
        if (field.type === undefined) return this.#scalar(item, field, def, context) ?? zeroOf(field);
        const kept = before[i];
        const value: Fields = kept === undefined ? {} : (kept as Fields);
        this.struct(item, field.type, goItemName(field, def), trail, def.name, value);
        return value;
      });
    }
    if (field.type !== undefined) {
      const value: Fields = (old as Fields | undefined) ?? {};
      if (node.kind !== 'object')
        return this.mismatch(kindWord(node), goItemName(field, def), context, offsetOf(node)) ?? null;
      this.struct(node, field.type, goItemName(field, def), trail, def.name, value);
      return value;
    }
    return this.#scalar(node, field, def, context) ?? null;
  }

  #scalar(node: JsonNode, field: FieldDef, def: StructDef, context: string): Value {
    const goType = goItemName(field, def);
    if (node.kind === 'null') return undefined;
    if (field.kind === 'string') {
      if (node.kind === 'string') return node.text;
    } else if (field.kind === 'bool') {
      if (node.kind === 'bool') return node.text === 'true';
    } else if (node.kind === 'number') {
      const value = /^-?[0-9]{1,64}$/.test(node.text) ? BigInt(node.text) : undefined;
      if (value !== undefined && value === BigInt.asIntN(64, value)) return asInt(value);
      return this.mismatch(`number ${node.text}`, goType, context, offsetOf(node));
    }
    return this.mismatch(kindWord(node), goType, context, offsetOf(node));
  }
}

function zeroOf(field: FieldDef): Value {
  return field.kind === 'string' ? '' : field.kind === 'bool' ? false : 0;
}

function kindWord(node: JsonNode): string {
  return node.kind;
}

/** Go reports arrays and objects at their bracket, other values at their end. */
function offsetOf(node: JsonNode): number {
  return node.kind === 'array' || node.kind === 'object' ? node.start + 1 : node.end;
}

function contextOf(owner: string, trail: readonly string[]): string {
  return trail.length === 0 ? '' : `${owner}.${trail.join('.')}`;
}

/** The config in `node`; a fault when a value has the wrong type. */
export function decodeConfig(node: JsonNode, schema: StructDef): Fields | JsonFault {
  const decoder = new Decoder();
  const value: Fields = {};
  decoder.struct(node, schema, `${schema.goPackage}.${schema.name}`, [], schema.name, value);
  return decoder.fault ?? value;
}

/** `ignition.version` of any text, before its version is known. Wrong types are Go's faults of a small anonymous struct. */
export function decodeVersion(node: JsonNode): string | JsonFault {
  if (node.kind === 'null') return '';
  if (node.kind !== 'object')
    return new JsonFault(
      `json: cannot unmarshal ${kindWord(node)} into Go value of type util.versionStub`,
      offsetOf(node),
    );
  let version = '';
  let fault: JsonFault | undefined;
  const members = (object: JsonObject, name: string): JsonNode[] =>
    object.members.filter((m) => m.key.toLowerCase() === name).map((m) => m.node);
  for (const section of members(node, 'ignition')) {
    if (section.kind === 'null') continue;
    if (section.kind !== 'object') {
      fault ??= new JsonFault(
        `json: cannot unmarshal ${kindWord(section)} into Go struct field versionStub.Ignition of type struct { Version string }`,
        offsetOf(section),
      );
      continue;
    }
    for (const found of members(section, 'version')) {
      if (found.kind === 'string') version = found.text;
      else if (found.kind !== 'null')
        fault ??= new JsonFault(
          `json: cannot unmarshal ${kindWord(found)} into Go struct field .Ignition.Version of type string`,
          offsetOf(found),
        );
    }
  }
  return fault ?? version;
}

/** Turns byte offsets of a text into lines and columns (in bytes). */
export class LineIndex {
  readonly #starts: number[] = [0];
  readonly #length: number;
  constructor(bytes: Uint8Array) {
    this.#length = bytes.length;
    for (let i = bytes.indexOf(10); i >= 0; i = bytes.indexOf(10, i + 1)) this.#starts.push(i + 1);
  }
  /** Zero and zero for an offset at or behind the end, as the original has it. */
  at(offset: number): Position {
    if (offset < 0 || offset >= this.#length) return { line: 0, column: 0 };
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - this.#starts[low]! + 1 };
  }
}

/** Where the nodes of a JSON text are. */
export function jsonPositions(node: JsonNode, lines: LineIndex): PositionNode {
  // The original's reader puts arrays and objects behind their bracket.
  const position = lines.at(node.kind === 'array' || node.kind === 'object' ? node.start + 1 : node.start);
  // Only what is asked for is looked up: most configs have no finding, and nesting has no bound.
  let items: readonly PositionNode[] | undefined;
  let map: NonNullable<PositionNode['map']> | undefined;
  if (node.kind === 'array')
    return {
      ...position,
      get items() {
        items ??= node.items.map((item) => jsonPositions(item, lines));
        return items;
      },
    };
  if (node.kind === 'object')
    return {
      ...position,
      get map() {
        map ??= new Map(
          node.members.map((m) => [m.key, { key: lines.at(m.keyStart), node: jsonPositions(m.node, lines) }]),
        );
        return map;
      },
    };
  return position;
}
