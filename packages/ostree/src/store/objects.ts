import type { FileSystem } from '@coppice/base/fs';
import { isObjectType, looseName, type ObjectType, objectTypes, type RepoMode } from '../codec/object-type.ts';

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
  const archive = mode === 'archive';
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
      if (name.lastIndexOf('.') !== 62) continue;
      const suffix = name.slice(63);
      const type = archive && suffix.endsWith('z') && suffix !== 'z' ? suffix.slice(0, -1) : suffix;
      if (!isObjectType(type)) continue;
      const checksum = head + name.slice(0, 62);
      if (!/^[0-9a-f]{64}$/.test(checksum) || !checksum.startsWith(prefix)) continue;
      if (archive !== (type !== suffix) && !metaSuffixes.has(type)) continue;
      yield { checksum, type };
    }
  }
}

const metaSuffixes: ReadonlySet<ObjectType> = new Set(objectTypes.slice(1, 6));

/** Path of a loose object in a repository directory. */
export function objectPath(repo: string, checksum: string, type: ObjectType, mode: RepoMode): string {
  return `${repo}/objects/${looseName(checksum, type, mode)}`;
}
