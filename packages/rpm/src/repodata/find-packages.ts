import { join } from 'node:path';
import { compareBytes, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';

/** A package file below a directory. */
export interface FoundPackage {
  /** Path below the directory. */
  readonly href: string;
  readonly name: string;
  readonly size: number;
  /** Whole seconds. */
  readonly mtime: number;
}

/** `.rpm` files below `dir` in createrepo_c's order; symbolic links are followed to files but not to directories. */
export function findPackages(fs: FileSystem, dir: string): FoundPackage[] {
  const out: FoundPackage[] = [];
  const walk = (relative: string): void => {
    let names: string[];
    try {
      names = fs.readdir(join(dir, relative));
    } catch (error) {
      throw errnoError(error, join(dir, relative));
    }
    for (const name of names) {
      const href = relative === '' ? name : `${relative}/${name}`;
      const stat = fs.lstat(join(dir, href));
      const type = (stat?.mode ?? 0) & 0o170000;
      if (type === 0o040000) {
        if (name !== 'repodata' && name !== '.repodata' && !name.startsWith('.repodata.')) walk(href);
        continue;
      }
      if (!name.endsWith('.rpm')) continue;
      const target = type === 0o120000 ? fs.stat(join(dir, href)) : stat;
      if (target === undefined || (target.mode & 0o170000) !== 0o100000) continue;
      out.push({ href, name, size: target.size, mtime: Math.floor(target.mtimeMs / 1000) });
    }
  };
  walk('');
  return out.sort((a, b) => byteOrder(a.name, b.name) || byteOrder(a.href, b.href));
}

/** Order of the texts' bytes: UTF-16 differs from it only where there are surrogates. */
function byteOrder(a: string, b: string): number {
  if (/[\ud800-\udfff]/.test(a) || /[\ud800-\udfff]/.test(b)) return compareBytes(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}
