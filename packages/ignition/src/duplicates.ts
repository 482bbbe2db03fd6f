import { itemKey, repeatableLists, sharedKeys } from './keys.ts';
import type { Report } from './report.ts';
import type { StructDef } from './schema.ts';
import type { Fields, Value } from './value.ts';
import { walk } from './walk.ts';

/** Reports list items whose key an earlier item has, in lists that must not repeat. `prefix` is where the config sits in the output. */
export function reportDuplicates(
  value: Fields,
  def: StructDef,
  report: Report,
  prefix: readonly (string | number)[] = [],
): void {
  walk(value, def, prefix, {
    struct(fields, type, path) {
      const seen = new Map<string, Set<string>>();
      for (const field of type.fields) {
        const items = fields[field.name];
        if (!field.list || items === undefined || repeatableLists[type.name]?.includes(field.name)) continue;
        const handle = sharedKeys[type.name]?.[field.name] ?? field.name;
        const keys = seen.get(handle) ?? new Set<string>();
        seen.set(handle, keys);
        (items as readonly Value[]).forEach((item, i) => {
          const key = itemKey(item, field);
          if (keys.has(key)) report.error([...path, field.name, i], 'duplicate');
          keys.add(key);
        });
      }
    },
  });
}
