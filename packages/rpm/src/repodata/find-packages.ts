import { join, normalize } from 'node:path';
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
  /** Which directory of several it is in, where it is not the first. */
  readonly volume?: number;
}

/** Which package files count. */
export interface PackageChoice {
  /** Shell patterns (`*` and `?`) of file names or paths that do not. */
  readonly excludes?: readonly string[];
  /** Only these paths below the directory. */
  readonly only?: readonly string[];
  /** Symbolic links do not. */
  readonly skipLinks?: boolean;
}

/** `*` stands for any text, `/` too, `?` for one character, all else for itself. */
function patternOf(text: string): RegExp {
  const escaped = text
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`, 's');
}

/** What a call gives; its errors name the path. */
function told<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw errnoError(error, path);
  }
}

/** `.rpm` files below `dir` in createrepo_c's order; symbolic links are followed to files but not to directories. */
export function findPackages(fs: FileSystem, dir: string, choose: PackageChoice = {}): FoundPackage[] {
  const out: FoundPackage[] = [];
  const excludes = (choose.excludes ?? []).map(patternOf);
  // Spelled out: putting paths together as `join` does takes longer than asking for the files.
  const start = dir.endsWith('/') ? dir : `${dir}/`;
  const only = choose.only === undefined ? undefined : new Set(choose.only.map((path) => normalize(path)));
  const walk = (relative: string): void => {
    for (const name of told(join(dir, relative), () => fs.readdir(`${start}${relative}`))) {
      const href = relative === '' ? name : `${relative}/${name}`;
      const stat = told(start + href, () => fs.lstat(start + href));
      const type = (stat?.mode ?? 0) & 0o170000;
      if (type === 0o040000) {
        if (name !== 'repodata' && name !== '.repodata' && !name.startsWith('.repodata.')) walk(href);
        continue;
      }
      if (!name.endsWith('.rpm') || only?.has(href) === false) continue;
      if (type === 0o120000 && choose.skipLinks === true) continue;
      if (excludes.some((pattern) => pattern.test(name) || pattern.test(href))) continue;
      const target = type === 0o120000 ? told(start + href, () => fs.stat(start + href)) : stat;
      if (target === undefined || (target.mode & 0o170000) !== 0o100000) continue;
      out.push({ href, name, size: target.size, mtime: Math.floor(target.mtimeMs / 1000) });
    }
  };
  walk('');
  const plain = !out.some(({ href }) => /[\ud800-\udfff]/.test(href));
  const order = plain ? textOrder : byteOrder;
  return out.sort((a, b) => order(a.name, b.name) || order(a.href, b.href));
}

function textOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Order of the texts' bytes: UTF-16 differs from it only where there are surrogates. */
function byteOrder(a: string, b: string): number {
  return compareBytes(Buffer.from(a), Buffer.from(b));
}
