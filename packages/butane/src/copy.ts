import type { Fields, Path, StructDef, Value } from '@coppice/ignition';
import type { TranslationState } from './state.ts';
import { camelCase } from './translations.ts';

/** What a type needs beyond the copy of its equal fields; called with the copy. */
export type CopyHook = (source: Fields, copy: Fields, from: Path, to: Path, state: TranslationState) => void;

/**
 * Copies a source struct into its Ignition counterpart: every field but the sugar, snake_case to camelCase, then the hook
 * of the type. Notes where everything that is not zero came from.
 */
export function copyStruct(
  source: Fields,
  def: StructDef,
  from: Path,
  to: Path,
  state: TranslationState,
  hooks: Readonly<Record<string, CopyHook>>,
): Fields {
  const copy: Fields = {};
  const { translations } = state;
  for (const field of def.fields) {
    const value = source[field.name];
    if (field.sugar) continue;
    const name = camelCase(field.name);
    if (value === undefined) {
      // Go has the zero value there.
      if (!field.pointer && !field.list && field.type === undefined)
        translations.add([...from, field.name], [...to, name]);
      continue;
    }
    const fromField = [...from, field.name];
    const toField = [...to, name];
    if (field.list) {
      const items = value as readonly Value[];
      if (field.type === undefined) {
        copy[name] = items;
        if (translations.enabled)
          items.forEach((item, i) => {
            if (item !== '') translations.add([...fromField, i], [...toField, i]);
          });
      } else
        copy[name] = items.map((item, i) =>
          copyStruct(item as Fields, field.type!, [...fromField, i], [...toField, i], state, hooks),
        );
      translations.add(fromField, toField);
    } else if (field.type !== undefined) {
      const inner = copyStruct(value as Fields, field.type, fromField, toField, state, hooks);
      copy[name] = inner;
      if (!field.pointer && Object.keys(inner).length === 0) delete copy[name];
    } else {
      copy[name] = value;
      translations.add(fromField, toField);
    }
  }
  hooks[def.name]?.(source, copy, from, to, state);
  if (Object.keys(copy).length > 0) translations.add(from, to);
  return copy;
}
