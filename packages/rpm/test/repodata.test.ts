import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { decompressBytes } from '@coppice/archive';
import { isCoppiceError } from '@coppice/base';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  advisoryCves,
  buildPackage,
  checkHref,
  createRepository,
  createRepositoryConcurrently,
  installedHeader,
  loadRepository,
  modularFilter,
  packageXml,
  parseComps,
  parseMetalink,
  parseMirrorlist,
  parseModules,
  parseRepoFile,
  parseRepomd,
  parseUpdateinfo,
  RpmDb,
  readFilelists,
  readOther,
  readPackage,
  readPrimary,
  readUpdateinfo,
  repositoryVariables,
  substituteVariables,
  writeRepomd,
} from '../src/index.ts';

const work = mkdtempSync(join(tmpdir(), 'coppice-repodata-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const plain: Record<string, Buffer> = {};

beforeAll(() => {
  for (const [name, text] of [
    ['one', 'Text with <tags> & "quotes"'],
    ['two', 'žluťoučký kůň'],
  ] as const) {
    const built = buildPackage({
      name,
      version: '1~rc1',
      release: '1',
      arch: 'noarch',
      summary: text,
      license: 'MIT',
      provides: ['x = 2:3-4', 'y'],
      requires: ['(a if b)', 'z <= 1'],
      conflicts: ['q'],
      recommends: ['r'],
      files: [
        { path: '/usr/bin/<odd> & name', content: 'x' },
        { path: '/usr/share/d', type: 'directory' },
        { path: '/etc/g', ghost: true },
      ],
      changelog: [{ time: 1_577_880_000, author: 'A <a@b.c> - 1-1', text: '- what & why' }],
    });
    writeFileSync(join(work, built.fileName), built.bytes());
  }
  const { repomd } = createRepository(work, { clock: { now: () => 1_700_000_000_000 } });
  for (const record of repomd.records)
    plain[record.type] = Buffer.from(decompressBytes(readFileSync(join(work, record.href)), 'auto', 1e8));
});

const onlyOurs = (body: () => void): void => {
  try {
    body();
  } catch (error) {
    if (!isCoppiceError(error) || error.kind !== 'input') throw error;
  }
};

describe('repository metadata', () => {
  it('read back is what was written', () => {
    const { packages } = loadRepository(work, { filelists: true, changelogs: true });
    for (const kind of ['primary', 'filelists', 'other'] as const) {
      const text = plain[kind]!.toString();
      expect(packages.map((pkg) => packageXml(kind, pkg)).join('')).toBe(
        text.slice(text.indexOf('<package '), text.lastIndexOf('</package>') + 11),
      );
    }
    expect(packages[0]).toMatchObject({ name: 'one', summary: 'Text with <tags> & "quotes"', evr: '1~rc1-1' });
  });

  it('is the same when its files are compressed side by side', async () => {
    const clock = { now: () => 1_700_000_000_000 };
    for (const compression of ['gzip', 'none', 'zstd', 'bzip2'] as const) {
      const [one, two] = [mkdtempSync(join(work, 'one-')), mkdtempSync(join(work, 'two-'))];
      const first = createRepository(work, { clock, compression, outputDir: one });
      const second = await createRepositoryConcurrently(work, { clock, compression, outputDir: two });
      const opened = (made: typeof first) => made.repomd.records.map((r) => (r.openChecksum ?? r.checksum).value);
      expect(opened(second)).toEqual(opened(first));
      if (compression !== 'zstd') expect(second).toEqual(first);
      expect(loadRepository(two, { filelists: true, changelogs: true }).packages.length).toBe(first.packages);
    }
  });

  it('is the same when large packages are hashed beside the rest, and when some are bad', async () => {
    const dir = mkdtempSync(join(work, 'large-'));
    const clock = { now: () => 1_700_000_000_000 };
    const sizes = [
      1000, 1_200_000, 1_150_000, 70_000, 1_200_000, 900_000, 261_000, 3_000_000, 1_200_000, 300_000, 600_000,
    ];
    for (let i = 0; i < 33; i++) {
      const content = randomBytes(sizes[i % sizes.length]! + (i >> 4));
      const built = buildPackage({
        ...{ name: `large${i}`, version: '1', release: '1', arch: 'noarch', summary: 'Large', license: 'MIT' },
        payload: { compressor: 'gzip', level: 1 },
        files: [{ path: '/usr/share/data', content }],
      });
      const bytes = Buffer.from(built.bytes());
      if (i === 4 || i === 9) bytes[300] = 255 - bytes[300]!;
      writeFileSync(join(dir, built.fileName), bytes);
    }
    for (const [spoiled, checksum] of [
      [false, 'sha256'],
      [false, 'sha1'],
      [true, 'sha256'],
      [true, 'sha512'],
    ] as const) {
      if (spoiled) for (const name of ['large1', 'large6']) writeFileSync(join(dir, `${name}-1-1.noarch.rpm`), 'x');
      const bad: string[][] = [[], []];
      const onBad = (list: string[]) => ({ onBadPackage: (path: string) => list.push(basename(path)) });
      const outputs = [mkdtempSync(join(work, 'one-')), mkdtempSync(join(work, 'two-'))] as const;
      const options = { clock, checksum };
      const first = createRepository(dir, { ...options, outputDir: outputs[0], ...onBad(bad[0]!) });
      const second = await createRepositoryConcurrently(dir, { ...options, outputDir: outputs[1], ...onBad(bad[1]!) });
      const opened = (made: typeof first) => made.repomd.records.map((r) => r.openChecksum);
      expect(opened(second)).toEqual(opened(first));
      expect([second.packages, second.bad, bad[1]]).toEqual([first.packages, first.bad, bad[0]]);
      expect(first.packages).toBeGreaterThan(7);
    }
    rmSync(dir, { recursive: true });
  });

  it('comes out of the cache as out of the metadata', () => {
    const cacheDir = mkdtempSync(join(work, 'cache-'));
    const first = loadRepository(work, { cacheDir });
    const second = loadRepository(work, { cacheDir });
    const text = (list: typeof first) => list.packages.map((pkg) => packageXml('primary', pkg)).join('');
    expect(text(second)).toBe(text(first));
    const names = readdirSync(cacheDir);
    expect(names.length).toBe(2);
    for (const name of names) {
      const file = join(cacheDir, name);
      const bytes = readFileSync(file);
      for (const at of [0, 5, 70, 200, bytes.length - 3]) {
        const bad = Buffer.from(bytes);
        bad[at]! ^= 0x55;
        writeFileSync(file, bad);
        expect(text(loadRepository(work, { cacheDir }))).toBe(text(first));
      }
      writeFileSync(file, bytes.subarray(0, 100));
      expect(text(loadRepository(work, { cacheDir }))).toBe(text(first));
      writeFileSync(file, bytes);
    }
    // The texts' file may go after the table was loaded.
    const late = loadRepository(work, { cacheDir });
    rmSync(join(cacheDir, names.find((name) => name.endsWith('.details'))!));
    expect(text(late)).toBe(text(first));
  });

  it('damaged ends in typed errors', () => {
    const kinds = ['primary', 'filelists', 'other'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.nat(6000), fc.nat(255), fc.boolean(), (kind, at, value, cut) => {
        const source = plain[kind]!;
        const bad = Buffer.from(cut ? source.subarray(0, at) : source);
        if (!cut && at < bad.length) bad[at] = value;
        onlyOurs(() => {
          if (kind === 'primary') for (const pkg of readPrimary([bad]).packages()) packageXml('primary', pkg);
          else for (const item of kind === 'filelists' ? readFilelists([bad]) : readOther([bad])) void item;
        });
      }),
      { seed: 8, numRuns: 1500 },
    );
    expect(() => readPrimary([Buffer.from('<!DOCTYPE x [<!ENTITY a "b">]><metadata></metadata>')])).not.toThrow();
    expect(() =>
      readPrimary([Buffer.from('<metadata><package type="rpm"><name>&bomb;</name></package></metadata>')]),
    ).toThrowError(/unknown entity/);
    expect(() => readPrimary([Buffer.from('<metadata><package><name>a</arch></package></metadata>')])).toThrowError(
      /start tag/,
    );
  });

  it('holds no location that leads out', () => {
    for (const href of ['../x', 'a/../../b', '/etc/passwd', 'http://evil/x', 'a\\b', ''])
      expect(() => checkHref(href), href).toThrowError(/unsafe location/);
    const repomd = writeRepomd({ ...parseRepomd(readFileSync(join(work, 'repodata/repomd.xml'))) }).replace(
      'href="repodata/',
      'href="../',
    );
    expect(() => parseRepomd(Buffer.from(repomd))).toThrowError(/unsafe location/);
    const bad = plain['primary']!.toString().replace(/href="[^"]*"/, 'href="../../etc/x.rpm"');
    expect(() => readPrimary([Buffer.from(bad)])).toThrowError(/unsafe location/);
  });
});

describe('repository configuration', () => {
  it('reads .repo files as libdnf does', () => {
    const variables = repositoryVariables('x86_64', '40.1');
    const text = `[main]
x=1
# a comment
[fedora]
name=Fedora $releasever - $basearch
baseurl=https://a.example/$releasever_major/$basearch/
  https://b.example/\${releasever}/
enabled=no
gpgkey=file:///etc/pki/a, file:///etc/pki/b
metadata_expire=6h
priority=10
[other]
mirrorlist=https://m.example/?arch=$basearch&x=$unknown
metadata_expire=never
`;
    const [fedora, other] = parseRepoFile(text, 'x.repo', variables);
    expect(fedora).toMatchObject({
      id: 'fedora',
      name: 'Fedora 40.1 - x86_64',
      baseUrls: ['https://a.example/40/x86_64/', 'https://b.example/40.1/'],
      enabled: false,
      gpgKeys: ['file:///etc/pki/a', 'file:///etc/pki/b'],
      metadataExpire: 21600,
      priority: 10,
      cost: 1000,
    });
    expect(other).toMatchObject({
      id: 'other',
      name: 'other',
      enabled: true,
      mirrorlist: 'https://m.example/?arch=x86_64&x=$unknown',
    });
    expect(other?.metadataExpire).toBe(Number.POSITIVE_INFINITY);
    expect(() => parseRepoFile('[a]\nenabled=perhaps\n', 'x.repo')).toThrowError(/not a boolean/);
    expect(() => parseRepoFile('a=b\n', 'x.repo')).toThrowError(/x.repo:1:/);
    expect(substituteVariables('${a}$b$c', { a: '1', b: '2' })).toBe('12$c');
  });

  it('reads metalinks and mirror lists', () => {
    const metalink = `<?xml version="1.0"?><metalink xmlns="http://www.metalinker.org/" xmlns:mm0="http://fedorahosted.org/mirrormanager"><files><file name="repomd.xml">
<mm0:timestamp>1700000000</mm0:timestamp><size>3000</size><verification><hash type="sha256">${'ab'.repeat(32)}</hash></verification>
<mm0:alternates><mm0:alternate><mm0:timestamp>1690000000</mm0:timestamp><verification><hash type="sha256">${'cd'.repeat(32)}</hash></verification></mm0:alternate></mm0:alternates>
<resources><url protocol="http" preference="90">http://b.example/x/repodata/repomd.xml</url><url protocol="https" preference="100">https://a.example/x/repodata/repomd.xml</url><url protocol="file">file:///etc/passwd</url></resources></file></files></metalink>`;
    const parsed = parseMetalink(Buffer.from(metalink));
    expect(parsed.urls.map((u) => u.url)).toEqual([
      'https://a.example/x/repodata/repomd.xml',
      'http://b.example/x/repodata/repomd.xml',
    ]);
    expect(parsed.hashes['sha256']).toBe('ab'.repeat(32));
    expect(parsed.alternates[0]?.timestamp).toBe(1690000000);
    expect(parseMirrorlist(Buffer.from('# c\nhttps://a/x/\n\nnonsense\nhttp://b/\n'))).toEqual([
      'https://a/x/',
      'http://b/',
    ]);
    expect(parseMirrorlist(Buffer.from(metalink))[0]).toBe('https://a.example/x/');
    expect(() => parseMetalink(Buffer.from('<x/>'))).toThrowError(expect.objectContaining({ code: 'Invalid' }));
  });

  it('reads advisories, groups and modules', () => {
    const updateinfo =
      Buffer.from(`<updates><update from="a" status="final" type="security" version="1"><id>FEDORA-1</id><title>t</title><issued date="2020-01-01"/><severity>Important</severity>
<references><reference href="h" id="CVE-2020-1234" type="cve" title=""/><reference href="h" id="1" type="bugzilla" title="CVE-2021-99999 x"/></references>
<pkglist><collection short="c"><name>n</name><package name="a" version="1" release="2" epoch="0" arch="noarch" src="s"><filename>f</filename><reboot_suggested>True</reboot_suggested></package></collection></pkglist></update></updates>`);
    const [advisory] = parseUpdateinfo(updateinfo);
    const pieces = Array.from({ length: updateinfo.length }, (_, i) => updateinfo.subarray(i, i + 1));
    expect([...readUpdateinfo(pieces)]).toEqual([advisory]);
    expect([...readUpdateinfo([Buffer.from('<?xml version="1.0"?><updates/>')])]).toEqual([]);
    expect(() => [...readUpdateinfo([Buffer.from('<updates><update><id/></update></updates>')])]).toThrowError(
      /without id/,
    );
    expect(advisory).toMatchObject({ id: 'FEDORA-1', type: 'security', severity: 'Important', rebootSuggested: true });
    expect(advisoryCves(advisory!)).toEqual(['CVE-2020-1234', 'CVE-2021-99999']);
    const comps = parseComps(
      Buffer.from(
        `<?xml version="1.0"?><!DOCTYPE comps PUBLIC "-//x" "comps.dtd"><comps><group><id>core</id><name>Core</name><name xml:lang="de">Kern</name><default>true</default><packagelist><packagereq type="mandatory">bash</packagereq><packagereq type="conditional" requires="x">y</packagereq></packagelist></group></comps>`,
      ),
    );
    expect(comps.groups[0]).toMatchObject({
      id: 'core',
      name: 'Core',
      default: true,
      packages: [
        { name: 'bash', type: 'mandatory' },
        { name: 'y', requires: 'x' },
      ],
    });
    const modules = parseModules(`---
document: modulemd
version: 2
data: {name: nodejs, stream: 1.10, version: 1, context: c, arch: x86_64, artifacts: {rpms: ["nodejs-1:10-1.x86_64"]}}
---
document: modulemd
version: 2
data: {name: nodejs, stream: "12", artifacts: {rpms: ["nodejs-1:12-1.x86_64"]}}
---
document: modulemd-defaults
version: 1
data: {module: nodejs, stream: 1.10}
`);
    expect(modules.streams.map((s) => s.stream)).toEqual(['1.10', '12']);
    expect(() => parseModules('---\ndocument: *nothing\n')).toThrowError(expect.objectContaining({ code: 'Invalid' }));
    expect([...modularFilter(modules).excludes]).toEqual(['nodejs-1:12-1.x86_64']);
    expect([...modularFilter(modules, { enabled: new Map([['nodejs', '12']]) }).excludes]).toEqual([
      'nodejs-1:10-1.x86_64',
    ]);
  });
});

describe('the package database', () => {
  it('adds, finds and removes, all or nothing', () => {
    const dir = mkdtempSync(join(work, 'db-'));
    using db = RpmDb.create(dir);
    const { header, signature } = readPackage(join(work, 'one-1~rc1-1.noarch.rpm'));
    const facts = { installTime: 1, tid: 2 };
    const hnum = db.add(installedHeader(header, signature, facts));
    expect(db.byKey('Providename', 'y').map((p) => p.hnum)).toEqual([hnum]);
    expect(() =>
      db.transaction(() => {
        db.add(installedHeader(header, signature, facts));
        throw new Error('stop');
      }),
    ).toThrowError('stop');
    expect(db.count()).toBe(1);
    db.remove({ name: 'one', epoch: undefined, version: '1~rc1', release: '1', arch: 'noarch' });
    expect(db.count()).toBe(0);
    expect(db.byKey('Providename', 'y')).toEqual([]);
    expect(() => db.remove(99)).toThrowError(expect.objectContaining({ code: 'NotFound' }));
    expect(() => RpmDb.create(dir)).toThrowError(expect.objectContaining({ code: 'Exists' }));
  });

  it('that is none is refused with a typed error', () => {
    const dir = mkdtempSync(join(work, 'bad-'));
    expect(() => RpmDb.open(dir)).toThrowError(expect.objectContaining({ code: 'NotFound' }));
    writeFileSync(join(dir, 'rpmdb.sqlite'), Buffer.alloc(5000, 0x41));
    expect(() => {
      using db = RpmDb.open(dir, { readOnly: true });
      return [...db.packages()];
    }).toThrowError(expect.objectContaining({ code: 'Corrupt' }));
  });
});
