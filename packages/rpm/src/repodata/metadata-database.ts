// The metadata of a repository as SQLite databases, row for row what createrepo_c writes.
import { createRequire } from 'node:module';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CoppiceError, messageOf } from '@coppice/base';
import { parseEvr } from '../evr.ts';
import {
  type DatabaseSchema,
  databaseVersion,
  dependencyTables,
  filelistsSchema,
  otherSchema,
  packageColumns,
  primarySchema,
} from './database-tables.ts';
import { flagNames, type MetadataKind } from './metadata-writer.ts';
import { isPrimaryFile, type RepoFile, type RepositoryPackage } from './repository-package.ts';

// Loaded when the first database is made: few repositories have them.
function sqlite(): typeof import('node:sqlite') {
  return createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite');
}

const schemas: Readonly<Record<MetadataKind, DatabaseSchema>> = {
  primary: primarySchema,
  filelists: filelistsSchema,
  other: otherSchema,
};

/** Texts that are NULL when there is nothing in them. */
const orNull = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text);

function packageValues(pkg: RepositoryPackage, base: string | undefined): (string | number | null)[] {
  return [
    ...[pkg.checksum.value, pkg.name, pkg.arch, pkg.version, pkg.epoch, pkg.release].map(orNull),
    ...[pkg.summary, pkg.description, pkg.url].map(orNull),
    ...[pkg.time.file, pkg.time.build, orNull(pkg.license), pkg.vendor, orNull(pkg.group), orNull(pkg.buildHost)],
    ...[pkg.sourceRpm, pkg.headerRange.start, pkg.headerRange.end, orNull(pkg.packager)],
    ...[pkg.size.package, pkg.size.installed, pkg.size.archive],
    ...[pkg.location.href, base, pkg.checksum.type].map(orNull),
  ];
}

/** Names and types of the files of each folder: names joined by `/`, a letter for each type. */
function folders(files: readonly RepoFile[]): Map<string, { names: string; types: string }> {
  const out = new Map<string, { names: string; types: string }>();
  for (const { path, type } of files) {
    const slash = path.lastIndexOf('/');
    const dir = path.slice(0, slash + 1);
    const name = path.slice(slash + 1) || '/';
    const known = out.get(dir);
    if (known === undefined) out.set(dir, { names: name, types: type[0]! });
    else {
      known.names += `/${name}`;
      known.types += type[0]!;
    }
  }
  return out;
}

/** A folder as the database names it: no slash at the end, `.` when there is no folder. */
function folderName(dir: string): string {
  if (dir === '') return '.';
  return dir.replace(/(?<=.)\/+$/s, '') || '/';
}

/** One of the three databases, in a file of its own that the caller removes. Close it. */
export class MetadataDatabase implements Disposable {
  readonly #db: DatabaseSync;
  readonly #kind: MetadataKind;
  readonly #statements = new Map<string, StatementSync>();
  #key = 0;

  /** The file must not exist. Throws `Io` when it cannot be made. */
  constructor(file: string, kind: MetadataKind) {
    this.#kind = kind;
    try {
      this.#db = new (sqlite().DatabaseSync)(file);
    } catch (error) {
      throw new CoppiceError('Io', `${file}: ${messageOf(error)}`, { cause: error });
    }
    // It is made durable where it is packed.
    this.#exec('PRAGMA synchronous = OFF', 'PRAGMA journal_mode = MEMORY', 'PRAGMA temp_store = MEMORY');
    this.#exec('BEGIN', ...schemas[kind].tables);
  }

  #guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw new CoppiceError('Io', `${this.#kind}.sqlite: ${messageOf(error)}`, { cause: error });
    }
  }

  #exec(...statements: string[]): void {
    this.#guard(() => {
      for (const statement of statements) this.#db.exec(statement);
    });
  }

  #insert(table: string, columns: string, ...values: (string | number | null)[]): void {
    let statement = this.#statements.get(table);
    if (statement === undefined) {
      const places = values.map(() => '?').join(', ');
      statement = this.#guard(() => this.#db.prepare(`INSERT INTO ${table} (${columns}) VALUES (${places})`));
      this.#statements.set(table, statement);
    }
    this.#guard(() => statement.run(...values));
  }

  /** The next package, with the file list or the changelogs that the database's kind has; `baseOf` changes its base. */
  add(pkg: RepositoryPackage, baseOf?: (written: string) => string): void {
    this.#key++;
    if (this.#kind === 'primary') {
      const written = pkg.location.base;
      const base = written === undefined ? undefined : (baseOf?.(written) ?? written);
      this.#insert('packages', packageColumns.map(([name]) => name).join(', '), ...packageValues(pkg, base));
      this.#addPrimary(pkg);
      return;
    }
    this.#insert('packages', 'pkgId', pkg.checksum.value);
    if (this.#kind === 'filelists')
      for (const [dir, { names, types }] of folders(pkg.fileList ?? []))
        this.#insert('filelist', 'pkgKey, dirname, filenames, filetypes', this.#key, folderName(dir), names, types);
    else
      for (const { author, date, text } of pkg.changelogs ?? [])
        this.#insert('changelog', 'pkgKey, author, date, changelog', this.#key, author, date, text);
  }

  #addPrimary(pkg: RepositoryPackage): void {
    for (const table of dependencyTables)
      for (const { name, flags, evr, pre } of pkg[table]) {
        const flag = flagNames[flags] || undefined;
        const { epoch, version, release } = parseEvr(flag === undefined ? '' : evr);
        const values =
          flag === undefined
            ? [name, null, null, null, null, this.#key]
            : [name, flag, epoch ?? '0', version, orNull(release), this.#key];
        if (table !== 'requires') this.#insert(table, 'name, flags, epoch, version, release, pkgKey', ...values);
        else
          this.#insert(
            table,
            'name, flags, epoch, version, release, pkgKey, pre',
            ...values,
            pre === true ? 'TRUE' : 'FALSE',
          );
      }
    for (const { path, type } of pkg.fileList ?? [])
      if (isPrimaryFile(path)) this.#insert('files', 'name, type, pkgKey', path, type, this.#key);
  }

  /** Writes what remains; `checksum` is that of the XML document that says the same, packed. */
  finish(checksum: string): void {
    this.#insert('db_info', 'dbversion, checksum', databaseVersion, checksum);
    this.#exec(...schemas[this.#kind].indexes, 'COMMIT');
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#db.close();
  }
}
