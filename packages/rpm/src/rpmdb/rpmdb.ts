// rpmdb.sqlite: header blobs and index tables exactly as rpm's sqlite backend lays them out.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CoppiceError, prefixError } from '@coppice/base';
import { Header } from '../header/header.ts';
import { Tag } from '../header/tag.ts';
import type { Nevra } from '../nevra.ts';
import { headerNevra, isSourceHeader } from '../package/rpm-package.ts';
import { type IndexTable, indexKeys, indexTables } from './index-keys.ts';

export interface InstalledPackage {
  /** Key in the database. */
  readonly hnum: number;
  readonly header: Header;
  readonly nevra: Nevra;
}

export interface RpmDbOptions {
  readonly readOnly?: boolean;
  /** `wal` as rpm leaves it; `delete` (the default) leaves one file, as images need it. */
  readonly journal?: 'wal' | 'delete';
}

const fileName = 'rpmdb.sqlite';

// Loaded on first use: most callers of this package never open a database.
function sqlite(): typeof import('node:sqlite') {
  return createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite');
}

function createTable(table: IndexTable): string[] {
  const quoted = `'${table.name}'`;
  const out = [
    `CREATE TABLE IF NOT EXISTS ${quoted} (key '${table.binary ? 'BLOB' : 'TEXT'}' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL, FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum))`,
  ];
  if (!table.binary) out.push(`CREATE INDEX IF NOT EXISTS '${table.name}_key_idx' ON ${quoted}(key ASC)`);
  if (table.array) out.push(`CREATE INDEX IF NOT EXISTS '${table.name}_hnum_idx' ON ${quoted}(hnum ASC)`);
  return out;
}

/** What is read of a package; of a header over rpm's limit (256 MB) nothing. */
const columns = `hnum, iif(length(blob) > ${256 * 1024 * 1024}, NULL, blob) AS blob`;

/**
 * rpm's databases hold plain tables only. Views, triggers, virtual tables and computed columns run whatever their maker
 * wrote when they are read or written, without end if he likes.
 */
function refuseOddSchema(db: DatabaseSync, file: string): void {
  const odd =
    db
      .prepare(
        "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view') OR (type = 'table' AND rootpage = 0) LIMIT 1",
      )
      .get() ??
    db.prepare("SELECT 'computed column' AS type, name FROM pragma_table_xinfo('Packages') WHERE hidden <> 0").get();
  if (odd !== undefined)
    throw new CoppiceError('Corrupt', `${file}: not a database of rpm: it has the ${odd['type']} ${odd['name']}`);
}

/** A package database in a directory, as `--dbpath` names it. Close it. */
export class RpmDb implements Disposable {
  /** The directory. */
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(path: string, db: DatabaseSync) {
    this.path = path;
    this.#db = db;
  }

  /** Opens `DIR/rpmdb.sqlite`. Throws `NotFound`, `Corrupt`. */
  static open(path: string, options: RpmDbOptions = {}): RpmDb {
    const file = join(path, fileName);
    if (!existsSync(file)) throw new CoppiceError('NotFound', `${file}: No such file or directory`);
    return RpmDb.#connect(path, file, options);
  }

  /** Creates an empty database with every table; throws `Exists` when there is one. The directory must exist. */
  static create(path: string, options: RpmDbOptions = {}): RpmDb {
    const file = join(path, fileName);
    if (existsSync(file)) throw new CoppiceError('Exists', `${file}: File exists`);
    const db = RpmDb.#connect(path, file, options);
    db.#guard(() => {
      db.#db.exec('BEGIN');
      db.#db.exec("CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)");
      for (const table of indexTables) for (const sql of createTable(table)) db.#db.exec(sql);
      db.#db.exec('COMMIT');
    });
    return db;
  }

  static #connect(path: string, file: string, options: RpmDbOptions): RpmDb {
    try {
      const db = new (sqlite().DatabaseSync)(file, { readOnly: options.readOnly ?? false, timeout: 10_000 });
      try {
        refuseOddSchema(db, file);
      } catch (error) {
        db.close();
        throw error;
      }
      if (!options.readOnly) {
        db.exec('PRAGMA secure_delete = OFF');
        db.exec(`PRAGMA journal_mode = ${options.journal === 'wal' ? 'WAL' : 'DELETE'}`);
        db.exec('PRAGMA foreign_keys = OFF');
      }
      return new RpmDb(path, db);
    } catch (error) {
      throw sqliteError(error, file);
    }
  }

  #guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw sqliteError(error, join(this.path, fileName));
    }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Number of packages, gpg-pubkey entries included. */
  count(): number {
    return this.#guard(() => Number((this.#prepare('SELECT count(*) AS n FROM Packages').get() as { n: number }).n));
  }

  /** Every package in database order. */
  *packages(): Generator<InstalledPackage> {
    const statement = this.#guard(() => this.#db.prepare(`SELECT ${columns} FROM Packages ORDER BY hnum`));
    const rows = statement.iterate()[Symbol.iterator]();
    for (;;) {
      const step = this.#guard(() => rows.next());
      if (step.done) return;
      yield installed(step.value as { hnum: number; blob: unknown });
    }
  }

  get(hnum: number): InstalledPackage | undefined {
    return this.#guard(() => {
      const row = this.#prepare(`SELECT ${columns} FROM Packages WHERE hnum = ?`).get(hnum);
      return row === undefined ? undefined : installed(row as { hnum: number; blob: unknown });
    });
  }

  /** Packages that have `key` in an index table, e.g. `byKey('Name', 'bash')`. */
  byKey(table: string, key: string | Uint8Array): InstalledPackage[] {
    if (!indexTables.some((t) => t.name === table)) throw new CoppiceError('Usage', `no index table ${table}`);
    return this.#guard(() =>
      this.#prepare(
        `SELECT ${columns} FROM Packages WHERE hnum IN (SELECT hnum FROM '${table}' WHERE key = ?) ORDER BY hnum`,
      )
        .all(key)
        .map((row) => installed(row as { hnum: number; blob: unknown })),
    );
  }

  byName(name: string): InstalledPackage[] {
    return this.byKey('Name', name);
  }

  /** Runs `body` in one transaction: all of its changes or none. */
  transaction<T>(body: () => T): T {
    this.#guard(() => this.#db.exec('BEGIN IMMEDIATE'));
    try {
      const out = body();
      this.#guard(() => this.#db.exec('COMMIT'));
      return out;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Adds a header made by `installedHeader`; returns its number. Outside a transaction it makes its own. */
  add(header: Header): number {
    if (!this.#db.isTransaction) return this.transaction(() => this.add(header));
    return this.#guard(() => {
      // rpm reserves a number with an empty blob first; the sequence advances the same way with one insert.
      const { lastInsertRowid } = this.#prepare('INSERT INTO Packages (blob) VALUES (?)').run(header.blob);
      const hnum = Number(lastInsertRowid);
      for (const table of indexTables) {
        const rows = indexKeys(table, header);
        if (rows.length === 0) continue;
        // Text columns hold the bytes as they are, also when they are no UTF-8: CAST keeps them.
        const value = table.binary ? '?' : 'CAST(? AS TEXT)';
        const insert = this.#prepare(`INSERT INTO '${table.name}' VALUES(${value}, ?, ?)`);
        for (const { key, idx } of rows) insert.run(key, hnum, idx);
      }
      return hnum;
    });
  }

  /** Removes a package by number or NEVRA. Throws `NotFound`, and `Conflict` when a NEVRA stands for several. */
  remove(which: number | Nevra): void {
    if (!this.#db.isTransaction) {
      this.transaction(() => this.remove(which));
      return;
    }
    const hnum = typeof which === 'number' ? which : this.#find(which);
    this.#guard(() => {
      for (const table of indexTables) this.#prepare(`DELETE FROM '${table.name}' WHERE hnum = ?`).run(hnum);
      const { changes } = this.#prepare('DELETE FROM Packages WHERE hnum = ?').run(hnum);
      if (Number(changes) === 0) throw new CoppiceError('NotFound', `no package number ${hnum} in the database`);
    });
  }

  #find(nevra: Nevra): number {
    const same = this.byName(nevra.name).filter(
      ({ nevra: n }) =>
        Number(n.epoch ?? 0) === Number(nevra.epoch ?? 0) &&
        n.version === nevra.version &&
        n.release === nevra.release &&
        (nevra.arch === undefined || n.arch === nevra.arch),
    );
    if (same.length === 0) throw new CoppiceError('NotFound', `package ${nevra.name} is not installed`);
    if (same.length > 1) throw new CoppiceError('Conflict', `"${nevra.name}" specifies multiple packages`);
    return same[0]!.hnum;
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Reads a stored header blob. */
export function installedPackage(hnum: number, blob: Uint8Array): InstalledPackage {
  const header = Header.parse(blob, `rpmdb: header #${hnum}`);
  // gpg-pubkey entries have neither SOURCERPM nor an architecture.
  const isKey = header.getString(Tag.Name) === 'gpg-pubkey';
  const nevra = headerNevra(header);
  const arch = isKey ? header.getString(Tag.Arch) : isSourceHeader(header) ? 'src' : nevra.arch;
  return { hnum, header, nevra: { ...nevra, arch } };
}

function installed(row: { hnum: number; blob: unknown }): InstalledPackage {
  if (!(row.blob instanceof Uint8Array)) throw new CoppiceError('Corrupt', `rpmdb: package ${row.hnum} is no header`);
  return installedPackage(row.hnum, row.blob);
}

function sqliteError(error: unknown, file: string): CoppiceError {
  if (error instanceof CoppiceError) return error;
  const code = (error as { errcode?: number }).errcode;
  if (code === undefined) return prefixError(error, file);
  const primary = code & 0xff;
  // SQLITE_BUSY/LOCKED, FULL, PERM/READONLY/AUTH, CORRUPT/NOTADB.
  const kind =
    primary === 5 || primary === 6
      ? 'Busy'
      : primary === 13
        ? 'NoSpace'
        : primary === 8 || primary === 3 || primary === 23
          ? 'Permission'
          : primary === 11 || primary === 26 || primary === 1
            ? 'Corrupt'
            : 'Io';
  return new CoppiceError(kind, `${file}: ${(error as Error).message}`, { cause: error });
}
