import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import { readBdbPackages } from './bdb.ts';
import { readNdb } from './ndb.ts';
import { type InstalledPackage, installedPackage, RpmDb } from './rpmdb.ts';

export type DatabaseKind = 'sqlite' | 'ndb' | 'bdb';

const files: readonly (readonly [DatabaseKind, string])[] = [
  ['sqlite', 'rpmdb.sqlite'],
  ['ndb', 'Packages.db'],
  ['bdb', 'Packages'],
];

/** Which kind of package database a folder holds. */
export function databaseKind(path: string): DatabaseKind | undefined {
  return files.find(([, name]) => existsSync(join(path, name)))?.[0];
}

/** The packages of a database of any kind, for reading only. Throws `NotFound`, `Corrupt`. */
export function* installedPackages(path: string): Generator<InstalledPackage> {
  const kind = databaseKind(path);
  if (kind === undefined) throw new CoppiceError('NotFound', `${path}: no package database`);
  if (kind === 'sqlite') {
    using db = RpmDb.open(path, { readOnly: true });
    yield* db.packages();
    return;
  }
  const file = join(path, files.find(([k]) => k === kind)![1]);
  let bytes: Uint8Array;
  try {
    bytes = readFile(file, { limit: 2 ** 31 - 1 });
  } catch (error) {
    throw errnoError(error, file);
  }
  const records = kind === 'ndb' ? readNdb(bytes) : readBdbPackages(bytes);
  for (const { hnum, blob } of records) yield installedPackage(hnum, blob);
}
