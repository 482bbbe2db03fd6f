import { itemKey, repeatableLists, sharedKeys } from './keys.ts';
import type { FieldDef, StructDef } from './schema.ts';
import type { Fields, Value } from './value.ts';

/** One output path and where it came from. */
export interface MergeMapping {
  readonly from: 'parent' | 'child';
  readonly fromPath: readonly (string | number)[];
  readonly toPath: readonly (string | number)[];
}

/** Called for each leaf and each wholly taken subtree, children before parents. */
export type Transcript = (mapping: MergeMapping) => void;

type MergePath = readonly (string | number)[];

/**
 * Merges two configs of one version, the child winning: structs field by field, plain values from the child always, pointer
 * values when the child has one, lists by the keys of their items (parent order, then what only the child has).
 */
export function mergeConfigs(parent: Fields, child: Fields, schema: StructDef, transcript?: Transcript): Fields {
  return new Merger(transcript).struct(parent, child, schema, [], [], []);
}

class Merger {
  readonly #transcript: Transcript | undefined;

  constructor(transcript: Transcript | undefined) {
    this.#transcript = transcript;
  }

  struct(
    parent: Fields,
    child: Fields,
    def: StructDef,
    parentAt: MergePath,
    childAt: MergePath,
    at: MergePath,
  ): Fields {
    const result: Fields = {};
    const childKeys = this.#childKeys(child, def);
    for (const field of def.fields) {
      const ours = parent[field.name];
      const theirs = child[field.name];
      const from: [MergePath, MergePath, MergePath] = [
        [...parentAt, field.name],
        [...childAt, field.name],
        [...at, field.name],
      ];
      let value: Value;
      if (field.list)
        value = this.#list(
          ours as readonly Value[] | undefined,
          theirs as readonly Value[] | undefined,
          field,
          def,
          childKeys,
          from,
        );
      else if (field.pointer || field.kind !== 'struct') {
        const fromChild = !field.pointer || theirs !== undefined;
        value = fromChild ? theirs : ours;
        this.#note(fromChild ? 'child' : 'parent', fromChild ? from[1] : from[0], from[2], value, field);
      } else if (ours !== undefined || theirs !== undefined) {
        value = this.struct((ours ?? {}) as Fields, (theirs ?? {}) as Fields, field.type!, ...from);
        this.#noteWhole(ours, theirs, from);
      }
      if (value !== undefined) result[field.name] = value;
    }
    return result;
  }

  /** For each key space of a struct: which list and index of the child holds a key. */
  #childKeys(child: Fields, def: StructDef): Map<string, Map<string, { field: string; index: number }>> {
    const spaces = new Map<string, Map<string, { field: string; index: number }>>();
    for (const field of def.fields) {
      if (!field.list || repeatableLists[def.name]?.includes(field.name)) continue;
      const handle = sharedKeys[def.name]?.[field.name] ?? field.name;
      const keys = spaces.get(handle) ?? new Map<string, { field: string; index: number }>();
      spaces.set(handle, keys);
      ((child[field.name] ?? []) as readonly Value[]).forEach((item, index) => {
        keys.set(itemKey(item, field), { field: field.name, index });
      });
    }
    return spaces;
  }

  #list(
    ours: readonly Value[] | undefined,
    theirs: readonly Value[] | undefined,
    field: FieldDef,
    def: StructDef,
    childKeys: Map<string, Map<string, { field: string; index: number }>>,
    [parentAt, childAt, at]: [MergePath, MergePath, MergePath],
  ): readonly Value[] | undefined {
    const mine = ours ?? [];
    const others = theirs ?? [];
    if (mine.length + others.length === 0) return undefined;
    const result: Value[] = [];
    const take = (from: 'parent' | 'child', item: Value, path: MergePath): void => {
      this.#noteItem(from, path, [...at, result.length], item, field);
      result.push(item);
    };
    if (repeatableLists[def.name]?.includes(field.name)) {
      mine.forEach((item, i) => {
        take('parent', item, [...parentAt, i]);
      });
      others.forEach((item, i) => {
        take('child', item, [...childAt, i]);
      });
      this.#noteWhole(ours, theirs, [parentAt, childAt, at]);
      return result;
    }
    const keys = childKeys.get(sharedKeys[def.name]?.[field.name] ?? field.name)!;
    const parentKeys = new Set<string>();
    mine.forEach((item, i) => {
      const key = itemKey(item, field);
      parentKeys.add(key);
      const found = keys.get(key);
      if (found === undefined) take('parent', item, [...parentAt, i]);
      else if (found.field === field.name) {
        const other = others[found.index]!;
        if (field.type === undefined) take('child', other, [...childAt, found.index]);
        else if (field.type.name === 'HTTPHeader' && (other as Fields)['value'] === undefined) return;
        else {
          const to = [...at, result.length];
          result.push(
            this.struct(item as Fields, other as Fields, field.type, [...parentAt, i], [...childAt, found.index], to),
          );
          this.#noteWhole(item, other, [[...parentAt, i], [...childAt, found.index], to]);
        }
      }
    });
    others.forEach((item, i) => {
      if (!parentKeys.has(itemKey(item, field))) take('child', item, [...childAt, i]);
    });
    this.#noteWhole(ours, theirs, [parentAt, childAt, at]);
    return result;
  }

  /** Transcribes a struct or list that both sides, or one, gave something to: the parent first. */
  #noteWhole(ours: Value, theirs: Value, [fromParent, fromChild, toPath]: [MergePath, MergePath, MergePath]): void {
    if (ours !== undefined) this.#transcript?.({ from: 'parent', fromPath: fromParent, toPath });
    if (theirs !== undefined) this.#transcript?.({ from: 'child', fromPath: fromChild, toPath });
  }

  /** Transcribes a field that was taken whole. */
  #note(from: 'parent' | 'child', fromPath: MergePath, toPath: MergePath, value: Value, field: FieldDef): boolean {
    if (this.#transcript === undefined || value === undefined) return false;
    if (field.list) {
      let any = false;
      (value as readonly Value[]).forEach((item, i) => {
        any = this.#noteItem(from, [...fromPath, i], [...toPath, i], item, field) || any;
      });
      if (any) this.#transcript({ from, fromPath, toPath });
      return any;
    }
    if (field.kind === 'struct' && !field.pointer) return this.#noteItem(from, fromPath, toPath, value, field);
    if (!field.pointer && (value === '' || value === 0 || value === false)) return false;
    this.#transcript({ from, fromPath, toPath });
    return true;
  }

  #noteItem(from: 'parent' | 'child', fromPath: MergePath, toPath: MergePath, item: Value, field: FieldDef): boolean {
    if (this.#transcript === undefined) return false;
    if (field.type === undefined) {
      if (item === '' || item === undefined) return false;
    } else {
      let any = false;
      for (const inner of field.type.fields)
        any =
          this.#note(from, [...fromPath, inner.name], [...toPath, inner.name], (item as Fields)[inner.name], inner) ||
          any;
      if (!any) return false;
    }
    this.#transcript({ from, fromPath, toPath });
    return true;
  }
}
