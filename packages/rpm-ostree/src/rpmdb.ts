// The package database inside a tree: taken out to a scratch directory to be read or changed, put back as an object.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { replaceFile } from '@coppice/linux';
import type { Repo, Transaction } from '@coppice/ostree';
import { type InstalledPackage, RpmDb } from '@coppice/rpm';
import type { Nevra } from './nevra.ts';
import { ImageTree } from './tree/image-tree.ts';

/** Where an image keeps the database; the others are links to it. */
export const databasePath = 'usr/share/rpm';
const databaseFile = 'rpmdb.sqlite';
const databasePlaces = [databasePath, 'usr/lib/sysimage/rpm', 'var/lib/rpm'];
/** A copy of the base's database that layering does not change. */
export const baseDatabasePath = 'usr/lib/sysimage/rpm-ostree-base-db';

function placeOf(tree: ImageTree): string | undefined {
  for (const place of databasePlaces) {
    const path = tree.resolve(`${place}/${databaseFile}`);
    if (tree.lookup(path)?.type === 'file') return path;
  }
  for (const place of databasePlaces)
    if (tree.lookup(tree.resolve(`${place}/Packages`, false)) !== undefined)
      throw new CoppiceError(
        'Unsupported',
        `not built yet: package database in Berkeley DB format (/${place}/Packages)`,
      );
  return undefined;
}

/** A database taken out of a tree. `done` removes the copy. */
export class TreeDatabase {
  readonly dir: string;
  readonly db: RpmDb;

  constructor(dir: string, db: RpmDb) {
    this.dir = dir;
    this.db = db;
  }

  /** The database of `tree` in a new directory below `scratch`; an empty one when the tree has none and `create` says so. */
  static take(tree: ImageTree, scratch: string, create = false): TreeDatabase | undefined {
    mkdirSync(scratch, { recursive: true });
    const dir = mkdtempSync(join(scratch, 'rpmdb-'));
    const path = placeOf(tree);
    if (path === undefined) {
      if (create) return new TreeDatabase(dir, RpmDb.create(dir));
      rmSync(dir, { recursive: true });
      return undefined;
    }
    const bytes = tree.readFile(path);
    replaceFile(join(dir, databaseFile), bytes ?? new Uint8Array(0));
    return new TreeDatabase(dir, RpmDb.open(dir));
  }

  installed(): InstalledPackage[] {
    return [...this.db.packages()].filter((p) => p.nevra.name !== 'gpg-pubkey');
  }

  /** Stores the database at `usr/share/rpm` of the tree. The copy is closed. */
  put(txn: Transaction, tree: ImageTree): void {
    this.db.close();
    tree.writeFile(txn, `${databasePath}/${databaseFile}`, { path: join(this.dir, databaseFile) }, { mode: 0o644 });
  }

  done(): void {
    this.db.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Our NEVRA of a database entry. */
export function nevraOfInstalled(p: Pick<InstalledPackage, 'nevra'>): Nevra {
  return {
    name: p.nevra.name,
    epoch: Number(p.nevra.epoch ?? 0),
    version: p.nevra.version ?? '',
    release: p.nevra.release ?? '',
    arch: p.nevra.arch ?? 'noarch',
  };
}

/** Packages in the database of a tree, which must have one. */
export function packageListOfTree(tree: ImageTree, scratch: string): Nevra[] {
  const taken = TreeDatabase.take(tree, scratch);
  if (taken === undefined) throw new CoppiceError('NotFound', 'No package database in the tree');
  try {
    return taken.installed().map(nevraOfInstalled);
  } finally {
    taken.done();
  }
}

/** Packages in the database of a commit's tree; undefined when it has no database. */
export function databasePackages(repo: Repo, commit: string): Nevra[] | undefined {
  const taken = TreeDatabase.take(ImageTree.fromCommit(repo, commit), tmpdir());
  if (taken === undefined) return undefined;
  try {
    return taken.installed().map(nevraOfInstalled);
  } finally {
    taken.done();
  }
}
