import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  buildPackage,
  filePaths,
  formatNevra,
  importPublicKeys,
  installedHeader,
  installedPackages,
  RpmDb,
  readPackage,
  Tag,
  unpackPackage,
} from '@coppice/rpm';
import { armor, generateKey } from '@coppice/signing';
import { describe, expect, it } from 'vitest';
import { debianCount, debianRpms } from '../judges/debian-rpms.ts';
import { call, missing, output, scratch, sharedDatabase, sharedRpms, withoutShared } from './rpm-support.ts';

const reason = missing('rpm', 'rpmdb');

/** Every row of every table, in order; blobs in hex. */
function rows(dir: string): Record<string, unknown[]> {
  const db = new DatabaseSync(join(dir, 'rpmdb.sqlite'), { readOnly: true });
  const tables = db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid")
    .all()
    .map((row) => String(row['name']));
  const out: Record<string, unknown[]> = {};
  for (const table of tables) {
    const columns =
      table === 'Packages' ? 'hnum, hex(blob) AS blob' : 'rowid, hex(key) AS key, typeof(key) AS type, hnum, idx';
    out[table] = db.prepare(`SELECT ${columns} FROM '${table}' ORDER BY rowid`).all();
  }
  out['schema'] = db
    .prepare("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY rowid")
    .all()
    .map((row) => ({ ...row, sql: String(row['sql']).replace(' IF NOT EXISTS', '') }));
  db.close();
  return out;
}

function rpmInstalls(files: readonly string[], dir: string): void {
  const root = [
    '-i',
    '--justdb',
    '--nodeps',
    '--noscripts',
    '--notriggers',
    '--nosignature',
    '--force',
    '--force-debian',
    '--ignorearch',
    '--ignoreos',
    '--dbpath',
    dir,
  ];
  for (const file of files) {
    const done = call('rpm', [...root, file]);
    expect(done.status, done.stderr.toString()).toBe(0);
  }
}

/** The same packages written by ours, with install time and id taken from theirs. */
function oursLike(theirs: string, files: readonly string[], dir: string): void {
  using original = RpmDb.open(theirs, { readOnly: true });
  const facts = [...original.packages()].map(({ header }) => ({
    installTime: header.getNumber(Tag.InstallTime)!,
    tid: header.getNumber(Tag.InstallTid)!,
    color: header.getNumber(Tag.InstallColor)!,
  }));
  expect(facts.length).toBe(files.length);
  using db = RpmDb.create(dir);
  db.transaction(() => {
    files.forEach((file, i) => {
      const { header, signature } = readPackage(file);
      db.add(installedHeader(header, signature, facts[i]!));
    });
  });
}

/** Packages with every kind of index key, rich dependencies in all their forms among them. */
function specialPackages(dir: string): string[] {
  const base = { version: '1', release: '1', arch: 'noarch', summary: 'x', license: 'MIT' } as const;
  const rich = [
    '(a if b else c)',
    '(a if (b or c))',
    '((a if b) and c)',
    '(x with y)',
    '(x without y)',
    '((p unless q) or r)',
    '(a unless b else c)',
    '(a >= 2 and a < 3)',
    '((a or b) if (c if d else e) else (f and g))',
    '(z if z)',
    '((a if b else c) or (d if e else f))',
  ];
  const specs = [
    {
      ...base,
      name: 'rich',
      requires: rich,
      conflicts: rich.slice(0, 4),
      supplements: rich.slice(3, 8),
      recommends: rich,
      suggests: ['(r1 or r2)'],
      enhances: ['(r1 or (r2 and r3))'],
    },
    {
      ...base,
      name: 'scripts',
      scripts: {
        pre: 'a',
        post: 'b',
        preun: 'c',
        postun: 'd',
        posttrans: 'e',
        verify: 'f',
        pretrans: { interpreter: '<lua>', body: 'x' },
      },
      triggers: [
        { type: 'in' as const, on: ['bash > 3', 'zsh'], script: 'x' },
        { type: 'postun' as const, on: ['bash'], script: 'y' },
      ],
      fileTriggers: [
        { type: 'in' as const, on: ['/usr/lib', '/usr/share'], script: 'x' },
        { type: 'un' as const, on: ['/usr/bin'], script: 'y', priority: 5 },
      ],
      transFileTriggers: [{ type: 'in' as const, on: ['/usr/share/icons'], script: 'x' }],
      obsoletes: ['old < 1'],
      files: [
        { path: '/usr/bin/one', content: '1' },
        { path: '/usr/bin/two', hardlink: '/usr/bin/one' },
        { path: '/var/ghost', ghost: true },
      ],
    },
    { ...base, name: 'empty' },
  ];
  return specs.map((spec) => {
    const file = join(dir, `${spec.name}.rpm`);
    writeFileSync(file, buildPackage(spec).bytes());
    return file;
  });
}

function compare(files: readonly string[]): string {
  const dir = scratch();
  const [theirs, ours] = [join(dir, 'theirs'), join(dir, 'ours')];
  mkdirSync(theirs);
  mkdirSync(ours);
  rpmInstalls(files, theirs);
  oursLike(theirs, files, ours);
  const expected = rows(theirs);
  expect(expected['Packages']?.length).toBe(files.length);
  expect(rows(ours)).toEqual(expected);
  return ours;
}

describe.skipIf(reason !== undefined)('the package database', () => {
  it('equals what rpm writes, row for row, for special packages', () => {
    compare(specialPackages(scratch()));
  });

  it.skipIf(sharedRpms.length === 0)(`equals what rpm writes for packages of other projects${withoutShared}`, () => {
    // rpm 4.18 installs no source, corrupted or version 6 packages, and not two of one name.
    const files = sharedRpms.filter(
      (f) =>
        /(Archer|Rimmer|balicek-\w+|capstest|fake_bash|hello-2.0-1.x86_64-signed|hlinktest-1.0-1.noarch|imatest|luafork-1.0-1.noarch|super_kernel|empty-signed-rsa)[^/]*\.rpm$/.test(
          f,
        ) && !/v3sig|deprecated|mldsa|subkey|corrupted/.test(f),
    );
    compare(files);
  });

  it.skipIf(missing('dpkg-query', 'rpmbuild') !== undefined)('equals what rpm writes for Debian-made packages', () => {
    const files = debianRpms(debianCount);
    const ours = compare(files);
    expect(call('rpmdb', ['--verifydb', '--dbpath', ours]).status).toBe(0);
    const listed = output('rpm', ['-qa', '--dbpath', ours, '--qf', '%{NEVRA}\n']).toString().trim().split('\n').sort();
    using db = RpmDb.open(ours, { readOnly: true });
    expect([...db.packages()].map((p) => formatNevra(p.nevra)).sort()).toEqual(listed);
    expect(listed.length).toBe(debianCount);
    const dump = output('rpm', ['-qa', '--dump', '--dbpath', ours]).toString().split('\n').length;
    expect(dump).toBeGreaterThan(100);
    // rpm takes packages out of it and puts more in.
    output('rpm', ['-e', '--justdb', '--nodeps', '--noscripts', '--notriggers', '--dbpath', ours, listed[0]!]);
    expect(output('rpm', ['-qa', '--dbpath', ours]).toString().trim().split('\n').length).toBe(debianCount - 1);
    rpmInstalls([files.find((f) => f.includes(listed[0]!.replace(/^(.*)-\d+:/, '$1-'))) ?? files[0]!], ours);
  });

  it.skipIf(missing('dpkg-query', 'rpmbuild') !== undefined || process.getuid?.() !== 0)(
    'and files unpacked by ours pass rpm -Va; what is changed later, rpm finds',
    () => {
      // On a merged /usr some packages own links where others have directories.
      const apart = (file: string) =>
        filePaths(readPackage(file).header).every((path) => /^\/(usr|etc|var|opt)\//.test(path));
      const files = [...debianRpms(debianCount).filter(apart), ...specialPackages(scratch())];
      expect(files.length).toBeGreaterThan(debianCount / 2);
      const dir = scratch();
      const [theirs, ours] = [join(dir, 'theirs'), join(dir, 'ours')];
      for (const root of [theirs, ours]) mkdirSync(join(root, 'db'), { recursive: true });
      const options = ['--nodeps', '--noscripts', '--nosignature', '--force-debian', '--notriggers'];
      const done = call('rpm', ['-i', '--root', theirs, '--dbpath', '/db', ...options, ...files]);
      expect(done.status, done.stderr.toString()).toBe(0);
      {
        // In the order of rpm's records.
        using original = RpmDb.open(join(theirs, 'db'), { readOnly: true });
        using db = RpmDb.create(join(ours, 'db'));
        const byName = new Map(files.map((file) => [formatNevra(readPackage(file).nevra), file]));
        for (const { header, nevra } of original.packages()) {
          const pkg = readPackage(byName.get(formatNevra(nevra))!);
          db.add(
            installedHeader(pkg.header, pkg.signature, {
              installTime: header.getNumber(Tag.InstallTime)!,
              tid: header.getNumber(Tag.InstallTid)!,
              color: header.getNumber(Tag.InstallColor)!,
            }),
          );
          unpackPackage(pkg, ours);
        }
      }
      expect(rows(join(ours, 'db'))).toEqual(rows(join(theirs, 'db')));
      const ask = (root: string, ...what: string[]) =>
        call('rpm', [...what, '--root', root, '--dbpath', '/db']).stdout.toString();
      const verify = (root: string) => ask(root, '-Va', '--nodeps', '--noscripts');
      expect(verify(ours)).toBe('');
      expect(ask(ours, '-qa', '--dump')).toBe(ask(theirs, '-qa', '--dump'));
      expect(ask(ours, '-qa', '--dump').split('\n').length).toBeGreaterThan(100);
      for (const root of [theirs, ours]) {
        writeFileSync(join(root, 'usr/bin/one'), 'changed');
        chmodSync(join(root, 'usr/bin/two'), 0o600);
        const links = output('find', [join(root, 'usr/share'), '-type', 'f'])
          .toString()
          .trim()
          .split('\n')
          .sort();
        rmSync(links[3]!);
        utimesSync(links[5]!, 1, 1);
      }
      expect(verify(ours)).toBe(verify(theirs));
      expect(verify(ours).split('\n').length).toBe(5);
    },
  );

  it('removal leaves what rpm -e leaves', () => {
    const files = specialPackages(scratch());
    const dir = scratch();
    rpmInstalls(files, dir);
    const mine = compare(files);
    output('rpm', ['-e', '--justdb', '--nodeps', '--noscripts', '--notriggers', '--dbpath', dir, 'scripts']);
    {
      using db = RpmDb.open(mine);
      db.remove({ name: 'scripts', epoch: undefined, version: '1', release: '1', arch: 'noarch' });
    }
    const [theirs, ours] = [rows(dir), rows(mine)];
    for (const [table, list] of Object.entries(theirs))
      if (table !== 'Packages' && table !== 'Installtid') expect(ours[table], table).toEqual(list);
  });

  it('imported keys are the rows rpm --import makes', () => {
    const dir = scratch();
    const [theirs, ours] = [join(dir, 'theirs'), join(dir, 'ours')];
    mkdirSync(theirs);
    mkdirSync(ours);
    const keys = (['rsa2048', 'ed25519'] as const).map((algorithm) => {
      const key = generateKey({ userId: `Some One <${algorithm}@example.com>`, algorithm, created: 1_700_000_000 });
      const file = join(dir, `${algorithm}.asc`);
      writeFileSync(file, armor('PUBLIC KEY BLOCK', key.publicKey));
      output('rpm', ['--dbpath', theirs, '--import', file]);
      return key.publicKey;
    });
    using original = RpmDb.open(theirs, { readOnly: true });
    const facts = [...original.packages()].map(({ header }) => ({
      installTime: header.getNumber(Tag.InstallTime)!,
      tid: header.getNumber(Tag.InstallTid)!,
    }));
    {
      using db = RpmDb.create(ours);
      keys.forEach((key, i) => {
        expect(importPublicKeys(db, key, facts[i]!)).toBe(1);
        expect(importPublicKeys(db, key, facts[i]!)).toBe(0);
      });
    }
    expect(rows(ours)).toEqual(rows(theirs));
    expect(output('rpm', ['-qa', '--dbpath', ours]).toString()).toBe(
      output('rpm', ['-qa', '--dbpath', theirs]).toString(),
    );
  });

  it.skipIf(sharedRpms.length === 0)(`of a newer rpm reads the same through both${withoutShared}`, () => {
    using db = RpmDb.open(sharedDatabase, { readOnly: true });
    const names = [...db.packages()].map((p) => p.nevra.name).sort();
    expect(names).toEqual(['foo', 'gpg-pubkey', 'hlinktest']);
  });
});

describe.skipIf(missing('rpm', 'db5.3_load') !== undefined)('a Berkeley DB database', () => {
  it('lists what rpm lists', () => {
    const files = specialPackages(scratch());
    const [sqlite, dir] = [scratch(), scratch()];
    rpmInstalls(files, sqlite);
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    const number = (n: number): string => hex(Uint8Array.from([n & 255, n >> 8, 0, 0]));
    using db = RpmDb.open(sqlite, { readOnly: true });
    const records = [...db.packages()].map((p) => ` ${number(p.hnum)}\n ${hex(p.header.blob)}\n`);
    const dump = `VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=512\nHEADER=END\n ${number(0)}\n ${number(9)}\n${records.join('')}DATA=END\n`;
    output('db5.3_load', [join(dir, 'Packages')], dump);
    const theirs = output('rpm', ['-qa', '--dbpath', dir, '--define', '_db_backend bdb_ro', '--qf', '%{NEVRA}\n']);
    const ours = [...installedPackages(dir)].map((p) => formatNevra(p.nevra));
    expect(ours.sort()).toEqual(theirs.toString().trim().split('\n').sort());
    expect(ours.length).toBe(files.length);
  });
});
