// The package database inside a tree: taken out to a scratch directory to be read or changed, put back as an object.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { Repo, Transaction } from '@coppice/ostree';
import { type InstalledPackage, installedPackages, RpmDb } from '@coppice/rpm';
import type { Nevra } from './nevra.ts';
import { ImageTree } from './tree/image-tree.ts';

/** Where an image keeps the database; the others are links to it. */
export const databasePath = 'usr/share/rpm';
const databaseFile = 'rpmdb.sqlite';
const databasePlaces = [databasePath, 'usr/lib/sysimage/rpm', 'var/lib/rpm'];
/** A copy of the base's database that layering does not change. */
export const baseDatabasePath = 'usr/lib/sysimage/rpm-ostree-base-db';

/** Main files of the formats that rpm had before. */
const oldFiles = ['Packages.db', 'Packages'];

interface Place {
  /** Path of the database's file in the tree. */
  readonly path: string;
  readonly file: string;
}

function placeOf(tree: ImageTree): Place | undefined {
  for (const file of [databaseFile, ...oldFiles])
    for (const place of databasePlaces) {
      const path = tree.resolve(`${place}/${file}`);
      if (tree.lookup(path)?.type === 'file') return { path, file };
    }
  return undefined;
}

/** Replaces a database in an older format by one in today's with the same packages. */
function convert(dir: string, file: string): RpmDb {
  const packages = [...installedPackages(dir)];
  rmSync(join(dir, file));
  const db = RpmDb.create(dir);
  db.transaction(() => {
    for (const { header } of packages) db.add(header);
  });
  return db;
}

/** A database taken out of a tree. `done` removes the copy. */
export class TreeDatabase {
  readonly dir: string;
  readonly db: RpmDb;

  constructor(dir: string, db: RpmDb) {
    this.dir = dir;
    this.db = db;
  }

  /**
   * The database of `tree` in a new directory below `scratch`, in today's format whatever the tree's is; an empty one when the
   * tree has none and `create` says so. Throws `Corrupt`.
   */
  static take(tree: ImageTree, scratch: string, create = false): TreeDatabase | undefined {
    mkdirSync(scratch, { recursive: true });
    const dir = mkdtempSync(join(scratch, 'rpmdb-'));
    const place = placeOf(tree);
    if (place === undefined) {
      if (create) return new TreeDatabase(dir, RpmDb.create(dir));
      rmSync(dir, { recursive: true });
      return undefined;
    }
    const bytes = tree.readFile(place.path);
    writeFileSync(join(dir, place.file), bytes ?? new Uint8Array(0), { flag: 'wx', mode: 0o644 });
    return new TreeDatabase(dir, place.file === databaseFile ? RpmDb.open(dir) : convert(dir, place.file));
  }

  installed(): InstalledPackage[] {
    return [...this.db.packages()].filter((p) => p.nevra.name !== 'gpg-pubkey');
  }

  /** Stores the database at `usr/share/rpm` of the tree, where it replaces one in an older format. The copy is closed. */
  put(txn: Transaction, tree: ImageTree): void {
    this.db.close();
    const there = tree.lookup(tree.resolve(databasePath, true));
    if (there?.type === 'directory' && !there.dir.files.has(databaseFile))
      for (const name of [...there.dir.files.keys()]) there.dir.remove(name);
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
