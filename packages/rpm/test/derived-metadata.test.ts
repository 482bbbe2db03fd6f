import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decompressBytes } from '@coppice/archive';
import { isCoppiceError } from '@coppice/base';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildPackage,
  createRepository,
  DigestCache,
  findRecord,
  loadRepository,
  mergeRepositories,
  modifyRepository,
  parseRepomd,
  readZchunkHeader,
  repositoryDerivation,
  unzchunk,
  writeZchunk,
} from '../src/index.ts';

const work = mkdtempSync(join(tmpdir(), 'coppice-derived-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const folder = (): string => mkdtempSync(join(work, 'd'));

function fill(dir: string, names: readonly string[], version = '1'): string {
  for (const name of names)
    writeFileSync(
      join(dir, `${name}.rpm`),
      buildPackage({
        name,
        version,
        release: '1',
        arch: 'noarch',
        summary: 's',
        license: 'MIT',
        requires: ['a >= 1-2', '/bin/sh'],
        files: [
          { path: `/usr/bin/${name}`, content: 'x' },
          { path: `/usr/share/${name}`, type: 'directory' },
        ],
        changelog: [{ time: 1_700_000_000, author: 'A <a@b> - 1', text: '- x' }],
      }).bytes(),
    );
  return dir;
}

const repomdOf = (dir: string) => parseRepomd(readFileSync(join(dir, 'repodata/repomd.xml')));

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (isCoppiceError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('zchunk files', () => {
  it('are read as they were written, with a dictionary and without', () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 12 });
    const dictionary = fc.option(fc.uint8Array({ minLength: 16, maxLength: 400 }), { nil: undefined });
    fc.assert(
      fc.property(pieces, dictionary, (chunks, shared) => {
        const file = writeZchunk(chunks, shared === undefined ? {} : { dictionary: shared });
        const header = readZchunkHeader(file.bytes);
        expect(header.dataStart).toBe(file.headerSize);
        expect(header.chunks.slice(1).map(({ plainSize }) => plainSize)).toEqual(chunks.map(({ length }) => length));
        const plain = [...unzchunk(file.bytes, 1 << 20)].map((chunk) => Buffer.from(chunk));
        expect(Buffer.concat(plain).equals(Buffer.concat(chunks))).toBe(true);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  it('of which a byte is changed are refused', () => {
    const { bytes } = writeZchunk([Buffer.from('first chunk'.repeat(9)), Buffer.from('second')]);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 0x41;
      expect(
        codeOf(() => [...unzchunk(changed, 1 << 20)]),
        String(at),
      ).toMatch(/Corrupt|Unsupported|Limit/);
    }
  });
});

describe('databases', () => {
  let dir: string;
  beforeAll(() => {
    dir = fill(folder(), ['one', 'two']);
    createRepository(dir, { derivation: repositoryDerivation({ database: 'bzip2', zchunk: true, temporaryDir: dir }) });
  });

  it('are named in the index, and nothing is left over', () => {
    const types = repomdOf(dir).records.map(({ type, databaseVersion, headerSize }) => [
      type,
      databaseVersion,
      (headerSize ?? 0) > 0,
    ]);
    const kinds = ['primary', 'filelists', 'other'];
    expect(types).toEqual([
      ...kinds.map((kind) => [kind, undefined, false]),
      ...kinds.map((kind) => [`${kind}_db`, 10, false]),
      ...kinds.map((kind) => [`${kind}_zck`, undefined, true]),
    ]);
    expect(readdirSync(dir).sort()).toEqual(['one.rpm', 'repodata', 'two.rpm']);
    expect(readdirSync(join(dir, 'repodata'))).toHaveLength(10);
  });

  it('hold what the documents say', () => {
    const record = findRecord(repomdOf(dir), 'primary_db')!;
    const file = join(work, 'primary.sqlite');
    writeFileSync(file, decompressBytes(readFileSync(join(dir, record.href)), 'bzip2', 1e8));
    const db = new DatabaseSync(file);
    try {
      expect(db.prepare('SELECT pkgKey, name, location_base, url FROM packages').all()).toEqual(
        ['one', 'two'].map((name, i) => ({ pkgKey: i + 1, name, location_base: null, url: null })),
      );
      expect(db.prepare('SELECT name, type, pkgKey FROM files').all()).toEqual([
        { name: '/usr/bin/one', type: 'file', pkgKey: 1 },
        { name: '/usr/bin/two', type: 'file', pkgKey: 2 },
      ]);
      const wanted = db.prepare("SELECT flags, epoch, version, release, pre FROM requires WHERE name = 'a'").all();
      expect(wanted[0]).toEqual({ flags: 'GE', epoch: '0', version: '1', release: '2', pre: 'FALSE' });
      db.exec('DELETE FROM packages WHERE pkgKey = 1');
      expect(db.prepare('SELECT DISTINCT pkgKey FROM requires').all()).toEqual([{ pkgKey: 2 }]);
    } finally {
      db.close();
    }
  });

  it('are not made of documents that do not fit together', () => {
    const derivation = repositoryDerivation({ database: 'none', compression: 'none', temporaryDir: work });
    const part = (type: string, text: string) => ({
      ...{ type, fileName: type, bytes: Buffer.from(text) },
      checksum: { type: 'sha256', value: '00' },
      open: undefined,
    });
    const ofPrimary = (primary: string) =>
      derivation.ofDocuments([
        part('primary', primary),
        part('filelists', '<filelists><package pkgid="x"><file>/a</file></package></filelists>'),
        part('other', '<otherdata></otherdata>'),
      ]);
    expect(codeOf(() => ofPrimary('<metadata></metadata>'))).toBe('Invalid');
    expect(codeOf(() => ofPrimary('<metadata><package>'))).toBe('Invalid');
    expect(readdirSync(work).filter((name) => name.startsWith('.repodata'))).toEqual([]);
  });
});

describe('digests that are kept', () => {
  it('stand in for the package, unless they are none', () => {
    const dir = fill(folder(), ['one']);
    const cache = join(folder(), 'cache');
    const path = join(dir, 'one.rpm');
    const { digest } = new DigestCache(cache, 'sha256').digest(path);
    const [name] = readdirSync(cache);
    expect(readFileSync(join(cache, name!), 'utf8')).toBe(digest);
    writeFileSync(join(cache, name!), 'a'.repeat(64));
    expect(new DigestCache(cache, 'sha256').digest(path).digest).toBe('a'.repeat(64));
    for (const bad of ['', 'a'.repeat(63), `${'a'.repeat(63)}g`, 'x'.repeat(5000)]) {
      writeFileSync(join(cache, name!), bad);
      expect(new DigestCache(cache, 'sha256').digest(path).digest).toBe(digest);
    }
    expect(codeOf(() => new DigestCache(path, 'sha256'))).toBe('Invalid');
    expect(codeOf(() => new DigestCache(join(work, 'no/no'), 'sha256'))).toBe('NotFound');
  });
});

describe('merged repositories', () => {
  it('have the packages of the first, or the newest', () => {
    const [a, b, out] = [fill(folder(), ['one', 'two']), fill(folder(), ['two', 'three'], '2'), folder()];
    createRepository(a);
    createRepository(b);
    const versions = (options: object): string[] => {
      mergeRepositories([a, b], out, options);
      return loadRepository(out).packages.map(({ name, version, location }) => `${name} ${version} ${location.base}`);
    };
    expect(versions({})).toEqual([`one 1 file://${a}`, `three 2 file://${b}`, `two 1 file://${a}`]);
    expect(versions({ method: 'nvr' })).toEqual([`one 1 file://${a}`, `three 2 file://${b}`, `two 2 file://${b}`]);
    expect(versions({ all: true, omitBase: true })).toHaveLength(4);
    expect(versions({ archs: new Set(['x86_64']) })).toEqual([]);
    expect(codeOf(() => mergeRepositories([a, join(work, 'none')], out))).toBe('NotFound');
    expect(codeOf(() => mergeRepositories([a], out, { groups: join(work, 'none') }))).toBe('NotFound');
  });
});

describe('modified repositories', () => {
  it('gain and lose metadata, and lose no file that is still named', () => {
    const dir = fill(folder(), ['one']);
    createRepository(dir);
    const repodata = join(dir, 'repodata');
    const file = join(work, 'updateinfo.xml');
    writeFileSync(file, '<updates/>');
    const warnings: string[] = [];
    const onWarning = (text: string): number => warnings.push(text);
    const change = (...changes: Parameters<typeof modifyRepository>[1]): string[] =>
      modifyRepository(repodata, changes, { onWarning })
        .records.slice(3)
        .map(({ type }) => type);
    expect(change({ path: file })).toEqual(['updateinfo']);
    expect(change({ path: file, type: 'a' }, { path: file, type: 'z', compression: 'none' })).toEqual([
      'a',
      'updateinfo',
      'z',
    ]);
    expect(warnings).toEqual([]);
    expect(change({ remove: true, type: 'a' }, { remove: true, type: 'b' })).toEqual(['updateinfo', 'z']);
    expect(warnings).toHaveLength(1);
    const { records } = repomdOf(dir);
    expect(readdirSync(repodata).sort()).toEqual(
      ['repomd.xml', ...records.map(({ href }) => href.replace('repodata/', ''))].sort(),
    );
  });

  it('are left as they are when something is wrong', () => {
    const dir = fill(folder(), ['one']);
    createRepository(dir);
    const repodata = join(dir, 'repodata');
    const before = readdirSync(repodata).sort();
    const file = join(work, 'x.yaml');
    writeFileSync(file, 'x');
    writeFileSync(join(work, 'bad.gz'), 'no gzip');
    const cases: [object, RegExp][] = [
      [{ path: join(work, 'none') }, /NotFound/],
      [{ path: work }, /Invalid/],
      [{ path: file, newName: '..' }, /Invalid/],
      [{ path: file, newName: 'repomd.xml', simpleNames: true }, /Invalid/],
      [{ path: join(work, 'bad.gz') }, /Corrupt/],
      [{ path: file, newName: '.x' }, /Invalid/],
    ];
    for (const [change, code] of cases) expect(codeOf(() => modifyRepository(repodata, [change]))).toMatch(code);
    expect(readdirSync(repodata).sort()).toEqual(before);
    expect(codeOf(() => modifyRepository(dir, [{ path: file }]))).toBe('NotFound');
  });
});
