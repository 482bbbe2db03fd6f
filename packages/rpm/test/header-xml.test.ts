// The quick way from headers to XML against the general one, which the interop tests compare with createrepo_c.
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCoppiceError } from '@coppice/base';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { buildPackage, describePackageFile, packageXml, textBytes } from '../src/index.ts';
import { type DigestGaps, HeaderXml } from '../src/repodata/header-xml.ts';
import { XmlPieces } from '../src/repodata/xml-pieces.ts';

const work = mkdtempSync(join(tmpdir(), 'coppice-header-xml-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const path = join(work, 'a.rpm');
const kinds = ['primary', 'filelists', 'other'] as const;

/** The three elements, or undefined where the package is refused. */
function generally(bytes: Uint8Array): string[] | undefined {
  writeFileSync(path, bytes);
  try {
    const pkg = describePackageFile(path, 'x/<a>.rpm', { changelogLimit: 3 });
    return kinds.map((kind) => packageXml(kind, { ...pkg, time: { ...pkg.time, file: 5 } }));
  } catch (error) {
    if (!isCoppiceError(error) || error.kind !== 'input') throw error;
    return undefined;
  }
}

/** The same in the quick way; undefined where that leaves it to the other. */
function quickly(bytes: Buffer, withGaps: boolean): string[] | undefined {
  const documents = { primary: new XmlPieces(), filelists: new XmlPieces(), other: new XmlPieces() };
  const options = { checksum: 'sha256', digestLength: 64, changelogLimit: 3, baseUrl: undefined };
  const digest = hash('sha256', bytes);
  const gaps: DigestGaps | undefined = new HeaderXml(documents, options).write(bytes, bytes.length, {
    ...{ digest: withGaps ? undefined : digest, fileSize: bytes.length, fileTime: 5, href: 'x/<a>.rpm' },
  });
  const all = Object.values(documents);
  if (gaps === undefined) {
    expect(all.map((pieces) => pieces.take(true))).toEqual([[], [], []]);
    return undefined;
  }
  expect(gaps.length).toBe(withGaps ? 3 : 0);
  if (withGaps) expect(all.map((pieces) => pieces.take(true))).toEqual([[], [], []]);
  gaps.forEach((gap, i) => {
    all[i]!.fill(gap, digest);
  });
  return all.map((pieces) => Buffer.concat(pieces.take(true)).toString());
}

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom('plain', 'a & b < c > d "e"', 'žluťoučký kůň', 'tab\tand\nline\r', '\u0001', '🙂', '', '\ufffe', 'é'),
  fc.integer({ min: 9_990, max: 10_010 }).map((n) => '<'.repeat(n)),
);
const noNul = text.map((value) => value.replaceAll('\0', ''));
const capability = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'lib.so.1()(64bit)',
    'libc.so.6(GLIBC_2.4)',
    'libc.so.6(GLIBC_2.34)',
    'libc.so.6',
    '(a if b)',
  ),
  fc.constantFrom('/bin/sh', '/usr/bin/x', '/etc/y', '/usr/lib/sendmail', 'rpmlib(X)', 'žlutý', 'a & b'),
);
const version = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom('', '1', '1-2', '2:1-2', ':1', '0:1-', '1-2-3', '10:~a^') },
  { weight: 1, arbitrary: fc.constantFrom('1<2', '1~é', '1"') },
);
const dependency = fc.record({
  name: capability,
  evr: version,
  flags: fc.constantFrom(0, 2, 4, 8, 10, 12),
  sense: fc.constantFrom(0, 64, 512, 1024),
});
const list = fc.array(dependency, { maxLength: 6 });
const file = fc
  .tuple(
    fc.constantFrom('/usr/bin', '/usr/lib', '/etc', '/usr/share/a&b', '/usr/share/ž', '/opt/sbin/deep'),
    fc.constantFrom('x', 'y', 'sendmail', 'bin', '<odd> "name"', 'kůň'),
    fc.constantFrom('file', 'directory', 'ghost'),
  )
  .map(([folder, name, kind]) => ({
    path: `${folder}/${name}`,
    ...(kind === 'directory' ? { type: 'directory' as const } : kind === 'ghost' ? { ghost: true } : { content: 'c' }),
  }));

const built = fc
  .record({
    summary: noNul,
    description: noNul,
    license: noNul,
    url: noNul,
    group: noNul,
    epoch: fc.option(fc.nat(9), { nil: undefined }),
    provides: list,
    requires: list,
    conflicts: list,
    recommends: list,
    suggests: list,
    files: fc.uniqueArray(file, { maxLength: 8, selector: (f) => f.path }),
    changelog: fc.array(fc.record({ time: fc.integer({ min: 1, max: 40 }), author: noNul, text: noNul }), {
      maxLength: 5,
    }),
  })
  .map(({ epoch, ...spec }) =>
    Buffer.from(
      buildPackage({
        ...{ name: 'n&n', version: '1', release: '2', arch: 'noarch', autoProvides: false, ...spec },
        payload: { compressor: 'gzip', level: 1 },
        ...(epoch === undefined ? {} : { epoch }),
      }).bytes(),
    ),
  );

describe('metadata straight from headers', () => {
  it('are those of the package that was read', () => {
    let quick = 0;
    fc.assert(
      fc.property(built, fc.boolean(), (bytes, withGaps) => {
        const mine = quickly(bytes, withGaps);
        if (mine === undefined) return;
        quick++;
        expect(mine).toEqual(generally(bytes));
      }),
      { seed: 11, numRuns: 120, endOnFailure: true },
    );
    expect(quick).toBeGreaterThan(40);
  });

  it('are the same or none where bytes of a package are changed, and none where it is refused', () => {
    let [quick, refused] = [0, 0];
    fc.assert(
      fc.property(built, fc.nat(), fc.nat(255), fc.nat(20_000), (bytes, at, value, cut) => {
        const end = HeaderXml.extent(bytes, bytes.length);
        bytes[at % end] = value;
        const some = cut < end / 4 ? bytes.subarray(0, cut) : bytes;
        const mine = quickly(some, false);
        const theirs = generally(some);
        if (theirs === undefined) refused++;
        if (mine === undefined) return;
        quick++;
        expect(mine).toEqual(theirs);
      }),
      { seed: 12, numRuns: 250, endOnFailure: true },
    );
    expect(quick).toBeGreaterThan(40);
    expect(refused).toBeGreaterThan(20);
  });

  it('leave texts that are no UTF-8 to the general way', () => {
    const spec = { name: 'n', version: '1', release: '1', arch: 'noarch', summary: 'marker', license: 'x' };
    const bytes = Buffer.from(buildPackage(spec).bytes());
    expect(quickly(bytes, false)).toEqual(generally(bytes));
    bytes[bytes.indexOf(textBytes('marker'))] = 0xe9;
    expect(quickly(bytes, false)).toBeUndefined();
    expect(generally(bytes)).toBeDefined();
  });
});
