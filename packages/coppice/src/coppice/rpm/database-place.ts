import { join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import { databaseKind, realPathInRoot } from '@coppice/rpm';

/** Where systems keep the package database, in the order in which they are tried. */
const places = ['/usr/share/rpm', '/usr/lib/sysimage/rpm', '/var/lib/rpm'];

/** The package database that `--dbpath` and `--root` name; as in rpm the one is looked for inside the other. */
export function databasePlace(
  cwd: string,
  flags: Readonly<Record<string, unknown>>,
): { readonly root: string; readonly path: string } | undefined {
  const { root, dbpath } = flags as { root?: string; dbpath?: string };
  if (root === undefined) return dbpath === undefined ? undefined : { root: '/', path: resolve(cwd, dbpath) };
  const base = resolve(cwd, root);
  const inside = (path: string): string => join(base, realPathInRoot(hostFs, base, path) ?? path);
  if (dbpath !== undefined) return { root: base, path: inside(dbpath) };
  const found = places.map(inside).find((path) => databaseKind(path) !== undefined);
  if (found === undefined) throw new CoppiceError('NotFound', `${root}: no package database in ${places.join(', ')}`);
  return { root: base, path: found };
}
