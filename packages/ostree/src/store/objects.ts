import type { FileSystem } from '@coppice/base/fs';
import { looseName, type ObjectType, objectSuffix, objectTypes, type RepoMode } from '../codec/object-type.ts';

/** A loose object found in `objects/`. */
export interface LooseObject {
  readonly checksum: string;
  readonly type: ObjectType;
}

/** Loose objects of one repository directory in directory order; names that are not objects' are passed over. */
export function* looseObjects(
  fs: FileSystem,
  repo: string,
  mode: RepoMode,
  prefix = '',
): Generator<LooseObject, void, undefined> {
  const types = typesBySuffix(mode);
  for (let i = 0; i < 256; i++) {
    const head = (i < 16 ? '0' : '') + i.toString(16);
    if (prefix.length >= 2 ? head !== prefix.slice(0, 2) : !head.startsWith(prefix)) continue;
    let names: string[];
    try {
      names = fs.readdir(`${repo}/objects/${head}`);
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') continue;
      throw error;
    }
    for (const name of names) {
      if (name.charCodeAt(62) !== dot || !startsWithHex(name)) continue;
      const type = types.get(name.slice(63));
      if (type === undefined) continue;
      const checksum = head + name.slice(0, 62);
      if (checksum.startsWith(prefix)) yield { checksum, type };
    }
  }
}

const dot = 0x2e;

/** 62 lower-case digits. */
function startsWithHex(name: string): boolean {
  for (let i = 0; i < 62; i++) {
    const code = name.charCodeAt(i);
    if (!(code >= 0x30 && code <= 0x39) && !(code >= 0x61 && code <= 0x66)) return false;
  }
  return true;
}

function typesBySuffix(mode: RepoMode): ReadonlyMap<string, ObjectType> {
  return new Map(objectTypes.map((type) => [objectSuffix(type, mode), type]));
}

/** Path of a loose object in a repository directory. */
export function objectPath(repo: string, checksum: string, type: ObjectType, mode: RepoMode): string {
  return `${repo}/objects/${looseName(checksum, type, mode)}`;
}
