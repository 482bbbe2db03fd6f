import type { PositionNode } from './position.ts';
import { type Path, pathText, type Report } from './report.ts';
import type { StructDef } from './schema.ts';
import type { Fields, Value } from './value.ts';

/**
 * Warns about keys of the text that no field reads, and where text and value have different shapes (null or an alias for a
 * struct, list items that the reader dropped).
 */
export function reportUnusedKeys(value: Fields, def: StructDef, root: PositionNode, report: Report): void {
  check(value, def, root, [], report);
}

function check(value: Fields, def: StructDef, node: PositionNode, path: Path, report: Report): void {
  if (node.map === undefined) {
    report.warn(path, 'context-mismatch', pathText(path));
    return;
  }
  for (const key of node.map.keys())
    if (!def.byName.has(key)) report.add('warning', [...path, key], 'unused-key', `unused key ${key}`, true);
  for (const field of def.fields) {
    if (field.type === undefined) continue;
    const inner = node.map.get(field.name)?.node;
    if (inner === undefined) continue;
    const found = value[field.name];
    if (field.list) {
      ((found ?? []) as readonly Value[]).forEach((item, i) => {
        const itemNode = inner.items?.[i];
        if (itemNode !== undefined) check(item as Fields, field.type!, itemNode, [...path, field.name, i], report);
      });
    } else if (found !== undefined || !field.pointer) {
      check((found ?? {}) as Fields, field.type, inner, [...path, field.name], report);
    }
  }
}
