import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCoppiceError } from '@coppice/base';
import { generateKey, Keyring } from '@coppice/signing';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  buildPackage,
  checkFilePath,
  Header,
  HeaderBuilder,
  HeaderType,
  headerDependencies,
  headerXml,
  mergeSignatures,
  type PackageSpec,
  packageFiles,
  readPackage,
  Tag,
  unpackPackage,
  verifyPackage,
  writePackage,
} from '../src/index.ts';

const spec: PackageSpec = {
  name: 'demo',
  version: '1.0',
  release: '2',
  epoch: 3,
  arch: 'x86_64',
  summary: 'Demo',
  license: 'MIT',
  requires: ['bash >= 4', '(a if b)'],
  scripts: { post: 'echo hi' },
  payload: { compressor: 'gzip' },
  files: [
    { path: '/usr/bin/demo', mode: 0o755, content: 'hello\n' },
    { path: '/usr/bin/other', hardlink: '/usr/bin/demo' },
    { path: '/usr/lib/link', target: '../bin/demo' },
    { path: '/etc/demo.conf', config: 'noreplace', content: 'x' },
    { path: '/var/lib/demo', type: 'directory', mode: 0o700 },
    { path: '/var/lib/demo/state', ghost: true },
  ],
};
const bytes = buildPackage(spec).bytes();

const work = mkdtempSync(join(tmpdir(), 'coppice-rpm-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Runs everything that reads a package; whatever is wrong must come out as our own kind of error. */
function exercise(input: Uint8Array): void {
  try {
    const pkg = readPackage(input);
    verifyPackage(pkg);
    headerXml(mergeSignatures(pkg.header, pkg.signature));
    packageFiles(pkg.header);
    for (const entry of pkg.payload({ verifyFiles: true })) for (const piece of entry.read()) void piece;
  } catch (error) {
    if (!isCoppiceError(error) || error.kind !== 'input') throw error;
  }
}

describe('packages', () => {
  it('give back what they were made of', () => {
    const pkg = readPackage(bytes);
    expect(pkg.nevra).toEqual({ name: 'demo', epoch: '3', version: '1.0', release: '2', arch: 'x86_64' });
    expect(pkg.headerBytes.length).toBe(pkg.headerRange.end);
    const got = new Map<string, string>();
    for (const entry of pkg.payload({ verifyFiles: true })) {
      const content = Buffer.concat([...entry.read()].map((p) => Buffer.from(p))).toString();
      got.set(entry.path, entry.hardlink === undefined ? content : `= ${entry.hardlink}`);
    }
    expect(Object.fromEntries(got)).toEqual({
      '/etc/demo.conf': 'x',
      '/usr/bin/demo': '= /usr/bin/other',
      '/usr/bin/other': 'hello\n',
      '/usr/lib/link': '../bin/demo',
      '/var/lib/demo': '',
    });
    expect(pkg.files().map((f) => [f.path, f.mode.toString(8), f.flags])).toContainEqual([
      '/var/lib/demo/state',
      '100644',
      64,
    ]);
    expect(headerDependencies(pkg.header, 'provides').map((d) => d.name)).toEqual([
      'config(demo)',
      'demo',
      'demo(x86-64)',
    ]);
  });

  it('equal specs give equal bytes, in memory and in a file', () => {
    expect(buildPackage(spec).bytes().equals(bytes)).toBe(true);
    const dir = mkdtempSync(join(work, 'written-'));
    expect(readFileSync(writePackage(spec, dir)).equals(bytes)).toBe(true);
    expect(readdirSync(dir)).toEqual(['demo-1.0-2.x86_64.rpm']);
    expect(() => writePackage({ ...spec, name: 'a b' }, dir)).toThrowError(
      expect.objectContaining({ code: 'Invalid' }),
    );
    expect(readdirSync(dir)).toEqual(['demo-1.0-2.x86_64.rpm']);
  });

  it('give pieces that may be kept as they came', () => {
    const content = Buffer.alloc(400_000);
    for (let i = 0; i < content.length; i += 4) content.writeUInt32LE(Math.imul(i, 0x9e3779b1) >>> 0, i);
    for (const compressor of ['zstd', 'gzip', 'xz', 'bzip2', 'none'] as const) {
      const built = buildPackage({ ...spec, payload: { compressor, level: 1 }, files: [{ path: '/big', content }] });
      for (const entry of readPackage(built.bytes()).payload())
        expect(Buffer.concat([...entry.read()]).equals(content), compressor).toBe(true);
    }
  });

  it('are OK with the key, NOKEY without, BAD when one byte differs', () => {
    for (const algorithm of ['ed25519', 'rsa2048'] as const) {
      const key = generateKey({ userId: 'T <t@example.com>', algorithm, created: 1_600_000_000 });
      const signed = buildPackage(spec, { signWith: { secretKey: key.secretKey, created: 1_600_000_001 } }).bytes();
      const state = (input: Uint8Array, ring?: Keyring) =>
        verifyPackage(readPackage(input), ring).checks.find((c) => c.type === 'signature')?.status;
      expect(state(signed)).toBe('NOKEY');
      expect(state(signed, new Keyring(key.publicKey))).toBe('OK');
      const bad = Buffer.from(signed);
      bad[bad.lastIndexOf('Demo')]! ^= 1;
      expect(state(bad, new Keyring(key.publicKey))).toBe('BAD');
    }
  });

  it('damaged in any byte end in a typed error or an answer', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), (at, value, cut) => {
        const bad = Buffer.from(cut ? bytes.subarray(0, at) : bytes);
        if (!cut) bad[at] = value;
        exercise(bad);
      }),
      { seed: 6, numRuns: 1500 },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 30 }), (edits) => {
        const bad = Buffer.from(bytes);
        for (const [at, value] of edits) bad[at] = value;
        exercise(bad);
      }),
      { seed: 7, numRuns: 500 },
    );
    for (const junk of [Buffer.alloc(0), Buffer.alloc(96), Buffer.from('not a package at all')])
      expect(() => readPackage(junk)).toThrowError(/not an rpm package/);
  });
});

describe('headers', () => {
  it('round-trip every type', () => {
    const header = new HeaderBuilder()
      .put(Tag.Name, 'n')
      .put(Tag.FileModes, [0o100644, 1])
      .put(Tag.FileStates, [0, 1, 2], HeaderType.Char)
      .put(Tag.LongSize, [2 ** 40])
      .put(Tag.Summary, ['one', 'two'], HeaderType.I18nString)
      .put(Tag.SigMd5, Uint8Array.of(1, 2, 3))
      .put(Tag.BaseNames, ['a', 'latin \udce4'])
      .build();
    const back = Header.parse(header.blob);
    expect(back.getString(Tag.Name)).toBe('n');
    expect(back.getNumbers(Tag.FileModes)).toEqual([0o100644, 1]);
    expect(back.getNumbers(Tag.FileStates)).toEqual([0, 1, 2]);
    expect(back.getNumber(Tag.LongSize)).toBe(2 ** 40);
    expect(back.getStrings(Tag.Summary)).toEqual(['one', 'two']);
    expect([...back.getBinary(Tag.SigMd5)!]).toEqual([1, 2, 3]);
    expect(back.getStrings(Tag.BaseNames)).toEqual(['a', 'latin \udce4']);
    const more = new HeaderBuilder().put(Tag.InstallTime, 7).extend(back);
    expect(more.getNumber(Tag.InstallTime)).toBe(7);
    expect(Buffer.concat([...more.signedBytes()])).toEqual(Buffer.concat([...back.signedBytes()]));
  });

  it('refuse sizes nobody has', () => {
    const blob = Buffer.alloc(24);
    blob.writeUInt32BE(0x00ffffff, 0);
    expect(() => Header.parse(blob)).toThrowError(expect.objectContaining({ code: 'Corrupt' }));
    blob.writeUInt32BE(1, 0);
    blob.writeUInt32BE(0xffffffff, 4);
    expect(() => Header.parse(blob)).toThrowError(expect.objectContaining({ code: 'Corrupt' }));
  });
});

describe('unpacking', () => {
  const fresh = (name: string): string => {
    const dir = join(work, name);
    mkdirSync(dir);
    return dir;
  };

  it('puts files, links and modes where they belong', () => {
    const dir = fresh('plain');
    unpackPackage(readPackage(bytes), dir);
    expect(readFileSync(join(dir, 'usr/bin/demo'), 'utf8')).toBe('hello\n');
    expect(statSync(join(dir, 'usr/bin/demo')).ino).toBe(statSync(join(dir, 'usr/bin/other')).ino);
    expect(statSync(join(dir, 'var/lib/demo')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(dir, 'var/lib/demo'))).toEqual([]);
  });

  it('follows no symbolic link out of the tree', () => {
    const outside = fresh('outside');
    const dir = fresh('inside');
    symlinkSync(outside, join(dir, 'usr'));
    expect(() => unpackPackage(readPackage(bytes), dir)).toThrowError(/in the way/);
    expect(readdirSync(outside)).toEqual([]);
    // The same trick inside one package: a link, then a file below it.
    const trick = buildPackage({
      ...spec,
      files: [
        { path: '/a', target: outside },
        { path: '/a/b', content: 'x' },
      ],
    }).bytes();
    expect(() => unpackPackage(readPackage(trick), fresh('trick'))).toThrowError(/in the way/);
    expect(readdirSync(outside)).toEqual([]);
  });

  it('takes no path that climbs', () => {
    for (const path of ['/../x', '/usr/../../x', '//x', '/a/./b', 'x', '/a//b', '/a/..'])
      expect(() => checkFilePath(path, false), path).toThrowError(expect.objectContaining({ code: 'Corrupt' }));
    const evil = Buffer.from(bytes);
    // Same length, in header and payload alike: /usr/lib/ becomes /../lib/ .
    for (let at = evil.indexOf('/usr/lib/'); at >= 0; at = evil.indexOf('/usr/lib/', at + 1))
      evil.write('/../lib//', at, 'latin1');
    const dir = fresh('climb');
    expect(() => unpackPackage(readPackage(evil), dir)).toThrowError(expect.objectContaining({ code: 'Corrupt' }));
  });

  it('stops at a payload larger than its header says', () => {
    const bomb = buildPackage({
      ...spec,
      payload: { compressor: 'zstd', level: 1 },
      files: [{ path: '/big', content: Buffer.alloc(40_000_000) }],
    });
    const small = buildPackage({
      ...spec,
      payload: { compressor: 'zstd', level: 1 },
      files: [{ path: '/big', content: 'x' }],
    });
    const input = Buffer.concat([small.head, ...bomb.payload]);
    expect(() => {
      for (const entry of readPackage(input).payload({ verify: false })) for (const piece of entry.read()) void piece;
    }).toThrowError(expect.objectContaining({ code: 'Limit' }));
  });

  it('sees a payload that is not the one its header was made for', () => {
    const other = buildPackage({
      ...spec,
      files: spec.files!.map((f) => (f.path === '/etc/demo.conf' ? { ...f, content: 'y' } : f)),
    });
    const input = Buffer.concat([buildPackage(spec).head, ...other.payload]);
    expect(() => unpackPackage(readPackage(input), fresh('swapped'))).toThrowError(/does not match/);
  });
});
