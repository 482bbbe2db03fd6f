import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCoppiceError } from '@coppice/base';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { buildPackage, databaseKind, formatNevra, installedPackages } from '../src/index.ts';
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
