import { CoppiceError } from '@coppice/base';

/** Object types in the order of their numbers (1-based), as libostree's `OstreeObjectType`. */
export const objectTypes = [
  'file',
  'dirtree',
  'dirmeta',
  'commit',
  'tombstone-commit',
  'commitmeta',
  'payload-link',
  'file-xattrs',
  'file-xattrs-link',
] as const;

export type ObjectType = (typeof objectTypes)[number];

export const repoModes = ['bare', 'bare-user', 'bare-user-only', 'bare-split-xattrs', 'archive'] as const;
export type RepoMode = (typeof repoModes)[number];

/** The number stored in deltas and size records. */
export function objectTypeNumber(type: ObjectType): number {
  return objectTypes.indexOf(type) + 1;
}

/** The type of a stored number; throws `Corrupt` for others. */
export function objectTypeOfNumber(number: number): ObjectType {
  const type = objectTypes[number - 1];
  if (type === undefined) throw new CoppiceError('Corrupt', `Invalid object type ${number}`);
  return type;
}

export function isObjectType(name: string): name is ObjectType {
  return (objectTypes as readonly string[]).includes(name);
}

/** Metadata types keep their plain suffix in every mode and are GVariants in the file (2 to 6). */
export function isMetaType(type: ObjectType): boolean {
  const number = objectTypeNumber(type);
  return number >= 2 && number <= 6;
}

/** File name suffix in a repository of `mode`, without the dot: archive repositories add `z` to what is not metadata. */
export function objectSuffix(type: ObjectType, mode: RepoMode): string {
  return mode === 'archive' && !isMetaType(type) ? `${type}z` : type;
}

/** `ab/cdef....type`, relative to `objects/`. The checksum must have been checked. */
export function looseName(checksum: string, type: ObjectType, mode: RepoMode): string {
  return `${checksum.slice(0, 2)}/${checksum.slice(2)}.${objectSuffix(type, mode)}`;
}

/** `CHECKSUM.type`, as messages name an object. */
export function objectName(checksum: string, type: ObjectType): string {
  return `${checksum}.${type}`;
}
