import type { FieldDef, Fields, Path, Report, StructDef, Value } from '@coppice/ignition';
import { type ButaneCode, report } from './messages-table.ts';
import type { Spec } from './versions-table.ts';

type Filters = Readonly<Record<string, ButaneCode>>;

const edge: Filters = {
  kernelArguments: 'unsupported-kernel-customization',
  'storage.disks': 'unsupported-disks',
  'storage.filesystems': 'unsupported-filesystems',
  'storage.luks': 'unsupported-luks',
  'storage.raid': 'unsupported-raid',
};

const userFields = [
  'gecos',
  'groups',
  'homeDir',
  'noCreateHome',
  'noLogInit',
  'noUserGroup',
  'primaryGroup',
  'shell',
  'shouldExist',
  'system',
  'uid',
];

/** Output fields that a spec forbids, by path without indexes. */
function filtersOf(spec: Spec): Filters {
  if (spec.variant === 'r4e' || spec.variant === 'fiot') return edge;
  if (spec.variant === 'flatcar')
    return spec.base < 8 ? { 'storage.luks.clevis': 'unsupported-clevis' } : { 'storage.luks.cex': 'unsupported-cex' };
  if (spec.openshift === undefined) return {};
  const filters: Record<string, ButaneCode> = {
    'passwd.groups': 'unsupported-groups',
    'storage.directories': 'unsupported-directories',
    'storage.files.append': 'unsupported-append',
    'storage.files.contents.httpHeaders': 'unsupported-headers',
    'storage.links': 'unsupported-links',
  };
  for (const name of userFields) filters[`passwd.users.${name}`] = 'unsupported-user-field';
  if (spec.openshift < 13) filters['passwd.users.passwordHash'] = 'unsupported-user-field';
  if (spec.openshift < 10) filters['storage.files.contents.compression'] = 'unsupported-compression';
  if (spec.openshift >= 14) filters['kernelArguments'] = 'unsupported-kernel-arguments';
  return filters;
}

/** Reports the fields of a config that its spec forbids; `prefix` is where the config sits in the output. */
export function reportForbidden(config: Fields, schema: StructDef, spec: Spec, to: Report, prefix: Path): void {
  const filters = filtersOf(spec);
  if (Object.keys(filters).length === 0) return;
  visit(config, schema, prefix, '', filters, to);
}

function visit(value: Fields, def: StructDef, path: Path, key: string, filters: Filters, to: Report): void {
  for (const field of def.fields) {
    const found = value[field.name];
    if (found === undefined) continue;
    const name = key === '' ? field.name : `${key}.${field.name}`;
    const at = [...path, field.name];
    const code = filters[name];
    const empty = isEmpty(found, field);
    const named = code !== 'unsupported-compression' || found !== '';
    if (code !== undefined && !empty && named) report(to, 'error', at, code);
    if (field.type === undefined) continue;
    if (field.list)
      (found as readonly Fields[]).forEach((item, i) => {
        visit(item, field.type!, [...at, i], name, filters, to);
      });
    else visit(found as Fields, field.type, at, name, filters, to);
  }
}

/** Whether there is nothing in a field: a pointer is never empty, a struct is when all its fields are. */
function isEmpty(value: Value, field: FieldDef): boolean {
  if (field.list) return (value as readonly Value[]).length === 0;
  if (field.pointer) return false;
  if (field.type === undefined) return value === '' || value === 0 || value === false;
  return field.type.fields.every((inner) => {
    const found = (value as Fields)[inner.name];
    return found === undefined || isEmpty(found, inner);
  });
}
