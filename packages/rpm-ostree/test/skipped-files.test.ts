// Which files of a package an installation leaves out; the interop tests hold the same against rpm.
import { buildPackage, readPackage } from '@coppice/rpm';
import { describe, expect, test } from 'vitest';
import { skippedFiles, skippedPaths } from '../src/assemble/skipped-files.ts';

const { header } = readPackage(
  buildPackage({
    name: 'x',
    version: '1',
    release: '1',
    arch: 'noarch',
    summary: 'x',
    license: 'x',
    buildTime: 1,
    files: [
      { path: '/usr/share/l', type: 'directory' },
      { path: '/usr/share/l/en', content: '', lang: 'en' },
      { path: '/usr/share/l/en_US', content: '', lang: 'en_US' },
      { path: '/usr/share/l/de', content: '', lang: 'de|fr' },
      { path: '/usr/share/f', type: 'directory' },
      { path: '/usr/share/f/fr', content: '', lang: 'fr' },
      { path: '/usr/share/g', type: 'directory' },
      { path: '/usr/share/g/fr', content: '', lang: 'fr' },
      { path: '/usr/share/g/below/kept', content: '' },
      { path: '/usr/share/doc', content: '', doc: true },
    ],
  }).bytes(),
);

const left = (langs: string[], nodocs = false): string[] =>
  [...skippedPaths(header, skippedFiles(header, { langs, nodocs }))].map((p) => p.replace('usr/share/', '')).sort();

describe('files that are left out', () => {
  test('a language is wanted by each that begins with it', () => {
    expect(left([])).toEqual([]);
    expect(left(['en_US'])).toEqual(['f', 'f/fr', 'g/fr', 'l/de']);
    expect(left(['en'])).toEqual(['f', 'f/fr', 'g/fr', 'l/de', 'l/en_US']);
    expect(left(['fr_FR', 'x'])).toEqual(['l/en', 'l/en_US']);
    expect(left(['none'])).toEqual(['f', 'f/fr', 'g/fr', 'l', 'l/de', 'l/en', 'l/en_US']);
  });

  test('documentation', () => {
    expect(left([], true)).toEqual(['doc']);
  });
});
