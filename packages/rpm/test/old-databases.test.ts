import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isCoppiceError } from '@coppice/base';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { buildPackage, databaseKind, formatNevra, installedPackages, RpmDb } from '../src/index.ts';
import { readBdbHash } from '../src/rpmdb/bdb.ts';
import { readNdb } from '../src/rpmdb/ndb.ts';
import { bdbFile, ndbFile } from './old-database-files.ts';

const work = mkdtempSync(join(tmpdir(), 'coppice-olddb-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const blobs = ['one', 'two', 'three'].map(
  (name) =>
    buildPackage({
      name,
      version: '1',
      release: '1',
      arch: 'noarch',
      summary: name,
      license: 'MIT',
      payload: { compressor: 'gzip' },
    }).header.blob,
);

const typedOnly = (body: () => void): void => {
  try {
    body();
  } catch (error) {
    if (!isCoppiceError(error) || error.kind !== 'input') throw error;
  }
};

describe('older package databases', () => {
  it('ndb', () => {
    writeFileSync(join(work, 'Packages.db'), ndbFile(blobs));
    expect(databaseKind(work)).toBe('ndb');
    expect([...installedPackages(work)].map((p) => `${p.hnum} ${formatNevra(p.nevra)}`)).toEqual([
      '1 one-1-1.noarch',
      '2 two-1-1.noarch',
      '3 three-1-1.noarch',
    ]);
    rmSync(join(work, 'Packages.db'));
  });

  it.each([true, false])('Berkeley DB, little-endian %s', (little) => {
    writeFileSync(join(work, 'Packages'), bdbFile(blobs[0]!, little));
    expect(databaseKind(work)).toBe('bdb');
    expect([...installedPackages(work)].map((p) => `${p.hnum} ${formatNevra(p.nevra)}`)).toEqual(['7 one-1-1.noarch']);
  });

  it('shorter than their magic are refused', () => {
    for (const name of ['Packages', 'Packages.db']) {
      writeFileSync(join(work, name), 'RpmP');
      expect(() => [...installedPackages(work)]).toThrowError(expect.objectContaining({ code: 'Corrupt' }));
      rmSync(join(work, name));
    }
  });

  it('damaged end in typed errors', () => {
    const ndb = ndbFile(blobs);
    const bdb = bdbFile(blobs[0]!, true);
    fc.assert(
      fc.property(fc.nat(), fc.nat(255), fc.boolean(), fc.boolean(), (at, value, which, cut) => {
        const source = which ? ndb : bdb;
        const bad = Buffer.from(cut ? source.subarray(0, at % source.length) : source);
        if (!cut) bad[at % bad.length] = value;
        typedOnly(() => {
          for (const record of which ? readNdb(bad) : readBdbHash(bad)) void record;
        });
      }),
      { seed: 9, numRuns: 2000 },
    );
  });
});

describe('SQLite databases that hold more than tables', () => {
  const views =
    "VIEW Packages AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS hnum, x'00' AS blob FROM c";
  const kept = 'TABLE Packages(hnum INTEGER PRIMARY KEY, blob';
  for (const [name, ...statements] of [
    ['the view Packages', views],
    ['the trigger t', `${kept})`, 'TRIGGER t AFTER INSERT ON Packages BEGIN DELETE FROM Packages; END'],
    ['the computed column blob', `${kept} AS (zeroblob(900000000)))`],
    ['the table Packages', 'VIRTUAL TABLE Packages USING fts5(hnum, blob)'],
  ])
    it(`are refused: ${name}`, () => {
      const dir = mkdtempSync(join(work, 'odd-'));
      const db = new DatabaseSync(join(dir, 'rpmdb.sqlite'));
      for (const statement of statements) db.exec(`CREATE ${statement}`);
      db.close();
      expect(() => [...installedPackages(dir)]).toThrow(`not a database of rpm: it has ${name}`);
      expect(() => RpmDb.open(dir)).toThrow(`not a database of rpm: it has ${name}`);
    });
});
