import type { FieldDef, StructDef } from './schema.ts';
import type { Fields, Value } from './value.ts';

export interface Visitor {
  /** Called for a struct before its fields. */
  struct?(value: Fields, def: StructDef, path: readonly (string | number)[]): void;
  /** Called for a list field before its items. */
  list?(items: readonly Value[], field: FieldDef, path: readonly (string | number)[]): void;
  /** Called for each scalar of a list. */
  scalar?(value: Value, field: FieldDef, path: readonly (string | number)[]): void;
}

/** Visits all present values in order of declaration: a struct, then its fields. */
export function walk(value: Fields, def: StructDef, path: readonly (string | number)[], visitor: Visitor): void {
  visitor.struct?.(value, def, path);
  for (const field of def.fields) {
    const found = value[field.name];
    if (found === undefined) continue;
    if (field.list) {
      const items = found as readonly Value[];
      const listPath = [...path, field.name];
      visitor.list?.(items, field, listPath);
      if (field.type !== undefined) {
        for (let i = 0; i < items.length; i++) walk(items[i] as Fields, field.type, [...listPath, i], visitor);
      } else if (visitor.scalar !== undefined) {
        for (let i = 0; i < items.length; i++) visitor.scalar(items[i], field, [...listPath, i]);
      }
    } else if (field.type !== undefined) {
      walk(found as Fields, field.type, [...path, field.name], visitor);
    }
  }
}
