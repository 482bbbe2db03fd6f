// Texts of metadata that are kept by --update: only where the general way reads the same from them.
import { hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { isCoppiceError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, createRepository, loadRepository, packageXml, parseRepomd, writeRepomd } from '../src/index.ts';
import { writtenPackages } from '../src/repodata/written-elements.ts';

const kinds = ['primary', 'filelists', 'other'] as const;
const work = mkdtempSync(join(tmpdir(), 'coppice-written-'));
const dir = work;
afterAll(() => rmSync(work, { recursive: true, force: true }));

beforeAll(() => {
  for (const [name, summary] of [
    ['one', 'Text with <tags> & "quotes"'],
    ['two', 'žluťoučký kůň'],
  ] as const)
    writeFileSync(
      join(dir, `${name}.rpm`),
      buildPackage({
        ...{ name, version: '1', release: '1', arch: 'noarch', summary, license: 'MIT' },
        requires: ['(a if b)', 'z <= 1'],
        recommends: ['r&d'],
        files: [{ path: '/usr/bin/<odd> & name', content: 'x' }],
        changelog: [{ time: 1_500_000_000, author: 'A <a@b>', text: '- x & y' }],
      }).bytes(),
    );
  createRepository(dir, { simpleNames: true });
});

const indexPath = (): string => join(dir, 'repodata/repomd.xml');
const kept = () => writtenPackages(dir, parseRepomd(readFileSync(indexPath())), hostFs);

/** Puts a document in the place of one of the repository's. */
function replaceDocument(kind: string, text: string): void {
  const open = Buffer.from(text);
  const bytes = gzipSync(open);
  writeFileSync(join(dir, `repodata/${kind}.xml.gz`), bytes);
  const repomd = parseRepomd(readFileSync(indexPath()));
  const records = repomd.records.map((record) =>
    record.type !== kind
      ? record
      : {
          ...record,
          checksum: { type: 'sha256', value: hash('sha256', bytes) },
          openChecksum: { type: 'sha256', value: hash('sha256', open) },
          size: bytes.length,
          openSize: open.length,
        },
  );
  writeFileSync(indexPath(), writeRepomd({ ...repomd, records }));
}

describe('elements that are kept', () => {
  it('are what the general way writes of them', () => {
    const { packages } = loadRepository(dir, { filelists: true, changelogs: true });
    const written = kept()!;
    expect(written.map(({ href }) => href)).toEqual(packages.map(({ location }) => location.href));
    for (const [i, { elements, size, time }] of written.entries()) {
      for (const kind of kinds) expect(elements[kind]).toBe(packageXml(kind, packages[i]!));
      expect([size, time]).toEqual([packages[i]!.size.package, packages[i]!.time.file]);
    }
  });

  it.each(kinds)('are none where %s.xml is not what the general way can read', (kind) => {
    const before = gunzipSync(readFileSync(join(dir, `repodata/${kind}.xml.gz`))).toString();
    let refused = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: before.length - 1 }),
        fc.integer({ min: 0, max: 2 }),
        fc.constantFrom(
          '<',
          '>',
          '&',
          '"',
          '&bad;',
          '<!-- -->',
          '<x>',
          '</format>\n',
          '</package>\n',
          '\u0001',
          '0',
          'é',
        ),
        (at, cut, put) => {
          replaceDocument(kind, before.slice(0, at) + put + before.slice(at + cut));
          const written = kept();
          if (written === undefined) {
            refused++;
            return;
          }
          // What is kept can be read, and says what was found in it.
          const { packages } = loadRepository(dir, { filelists: true, changelogs: true });
          expect(written.map(({ href, size, time }) => [href, size, time])).toEqual(
            packages.map((pkg) => [pkg.location.href, pkg.size.package, pkg.time.file]),
          );
        },
      ),
      { seed: 11, numRuns: 80 },
    );
    replaceDocument(kind, before);
    expect(refused).toBeGreaterThan(15);
    expect(kept()?.length).toBe(2);
  });

  it('are looked for in sound documents only', () => {
    const before = gunzipSync(readFileSync(join(dir, 'repodata/other.xml.gz'))).toString();
    writeFileSync(join(dir, 'repodata/other.xml.gz'), gzipSync(before.replace('x &amp; y', 'changed')));
    try {
      kept();
      expect.unreachable();
    } catch (error) {
      expect(isCoppiceError(error) && error.code).toBe('Corrupt');
    }
    replaceDocument('other', before);
  });
});
