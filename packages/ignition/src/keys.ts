import type { FieldDef } from './schema.ts';
import { type Fields, maybeText, text, type Value } from './value.ts';

// What makes two list items the same item, for the duplicate check and for merging.

/** Lists that are concatenated and may repeat, by type and field. */
export const repeatableLists: Readonly<Record<string, readonly string[]>> = {
  File: ['append'],
  Filesystem: ['options', 'mountOptions'],
  Luks: ['options'],
  Raid: ['options'],
};

/** Lists of one struct that share their keys, by type and field. */
export const sharedKeys: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Storage: { directories: 'Node', files: 'Node', links: 'Node' },
  KernelArguments: { shouldExist: 'KernelArgument', shouldNotExist: 'KernelArgument' },
};

const byField: Readonly<Record<string, string>> = {
  CaReference: 'source',
  ConfigReference: 'source',
  Directory: 'path',
  Disk: 'device',
  Dropin: 'name',
  File: 'path',
  FileContents: 'source',
  Filesystem: 'device',
  HTTPHeader: 'name',
  Link: 'path',
  Luks: 'name',
  PasswdGroup: 'name',
  PasswdUser: 'name',
  Raid: 'name',
  Resource: 'source',
  Tang: 'url',
  Unit: 'name',
};

export function itemKey(item: Value, field: FieldDef): string {
  if (field.type === undefined) return String(item);
  const value = item as Fields;
  if (field.type.name === 'Partition') {
    const number = value['number'];
    if (number !== undefined && number !== 0) return `number:${String(number)}`;
    const label = maybeText(value, 'label');
    return label === undefined ? '' : `label:${label}`;
  }
  const key = byField[field.type.name];
  if (key === undefined) throw new Error(`type ${field.type.name} has no key`);
  return text(value, key);
}
