// Config types as tables. A table row is `name: 'TYPE'` with Go's notation: `string`, `*int`, `[]File`, `NodeGroup`; `!`
// after it when the field is always printed, `@a..b` (or `@a`) for the versions that have it, `^Embed` when Go reaches it
// through an embedded struct, `~` when it is sugar without a counterpart below; ` | ` between the forms of different versions.

export type ScalarKind = 'string' | 'int' | 'bool';

export interface FieldDef {
  readonly name: string;
  readonly kind: ScalarKind | 'struct' | 'map';
  readonly list: boolean;
  readonly pointer: boolean;
  /** Printed even when zero. */
  readonly always: boolean;
  readonly sugar: boolean;
  /** The struct of `kind: 'struct'`. */
  readonly type: StructDef | undefined;
  /** Go's name of the item or value type: `string`, `Device`, `File`; the list type's own name when it has one. */
  readonly goName: string;
  readonly listName: string | undefined;
  readonly embed: string | undefined;
}

export interface StructDef {
  readonly name: string;
  /** Go package of the struct, as YAML and JSON type errors print it. */
  readonly goPackage: string;
  readonly fields: readonly FieldDef[];
  readonly byName: ReadonlyMap<string, FieldDef>;
}

export type TypeTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface TableLayer {
  readonly goPackage: string;
  /** The number that `@` ranges of this layer are about. */
  readonly version: number;
  readonly types: TypeTable;
}

/** List types that have a name of their own in Go. */
const namedLists: Readonly<Record<string, string>> = { HTTPHeaders: 'HTTPHeader' };

const rowPattern = /^(\*|\[\])?([A-Za-z0-9[\]]+)(!)?(?: @(\d+)(?:\.\.(\d+))?)?(?: \^(\w+))?( ~)?$/;

/**
 * The struct `root` of a stack of layers; a type name is looked up from the last layer down. Throws `Error` for a broken
 * table, which is a fault of the table.
 */
export function resolveSchema(layers: readonly TableLayer[], root: string): StructDef {
  const made = new Map<string, StructDef>();
  const find = (name: string): TableLayer | undefined =>
    layers.findLast((layer) => Object.hasOwn(layer.types, name) && layer.types[name] !== undefined);
  const struct = (name: string): StructDef => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const layer = find(name);
    if (layer === undefined) throw new Error(`type table lacks ${name}`);
    const fields: FieldDef[] = [];
    const byName = new Map<string, FieldDef>();
    const def: StructDef = { name, goPackage: layer.goPackage, fields, byName };
    made.set(name, def);
    for (const [field, row] of Object.entries(layer.types[name]!)) {
      const found = parseRow(field, row, layer.version, find, struct);
      if (found === undefined) continue;
      fields.push(found);
      byName.set(field, found);
    }
    return def;
  };
  return struct(root);
}

function parseRow(
  name: string,
  row: string,
  version: number,
  find: (name: string) => TableLayer | undefined,
  struct: (name: string) => StructDef,
): FieldDef | undefined {
  for (const form of row.split(' | ')) {
    const match = rowPattern.exec(form);
    if (match === null) throw new Error(`broken type table row ${name}: ${form}`);
    const [, prefix, typeName = '', bang, from, to, embed, sugar] = match;
    const first = Number(from ?? 0);
    const last = to !== undefined ? Number(to) : Number.POSITIVE_INFINITY;
    if (version < first || version > last) continue;
    const listOf = namedLists[typeName];
    const itemName = listOf ?? typeName;
    const isMap = itemName === 'map[string]string';
    const isStruct = !isMap && find(itemName) !== undefined;
    return {
      name,
      kind: isMap ? 'map' : isStruct ? 'struct' : itemName === 'int' || itemName === 'bool' ? itemName : 'string',
      list: prefix === '[]' || listOf !== undefined,
      pointer: prefix === '*',
      always: bang !== undefined,
      sugar: sugar !== undefined,
      type: isStruct ? struct(itemName) : undefined,
      goName: itemName,
      listName: listOf === undefined ? undefined : typeName,
      embed,
    };
  }
  return undefined;
}

const plainGoTypes = new Set(['string', 'int', 'bool', 'map[string]string']);

/** Go's name of a field's type as error messages print it, e.g. `[]v0_5.File`. Pointers are followed. */
export function goTypeName(field: FieldDef, owner: StructDef): string {
  if (field.listName !== undefined) return `${(field.type ?? owner).goPackage}.${field.listName}`;
  return (field.list ? '[]' : '') + goItemName(field, owner);
}

export function goItemName(field: FieldDef, owner: StructDef): string {
  if (plainGoTypes.has(field.goName)) return field.goName;
  return `${(field.type ?? owner).goPackage}.${field.goName}`;
}
