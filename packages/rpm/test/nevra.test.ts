import { expect, test } from 'vitest';
import { formatNevra, parseNevraForm, parseSubject } from '../src/index.ts';

test('reads the five forms in order of preference', () => {
  expect(parseSubject('foo-bar-2:1.0-3.fc31.x86_64').map((s) => s.form)).toEqual(['NEVRA', 'NEVR']);
  expect(parseSubject('foo-bar-1.0-3.x86_64').map((s) => s.form)).toEqual(['NEVRA', 'NA', 'NAME', 'NEVR', 'NEV']);
  expect(parseNevraForm('foo-bar-2:1.0-3.fc31.x86_64', 'NEVRA')).toEqual({
    name: 'foo-bar',
    epoch: '2',
    version: '1.0',
    release: '3.fc31',
    arch: 'x86_64',
  });
});

test('refuses what has no such shape', () => {
  expect(parseSubject('libfoo.so.1()(64bit)')).toEqual([]);
  expect(parseSubject('foo >= 1')).toEqual([]);
  expect(parseSubject('/usr/bin/foo')).toEqual([]);
  expect(parseSubject('a'.repeat(10_000))).toEqual([]);
});

test('writes a zero epoch as nothing', () => {
  expect(formatNevra(parseNevraForm('a-0:1-2.noarch', 'NEVRA')!)).toBe('a-1-2.noarch');
  expect(formatNevra(parseNevraForm('a-3:1-2.noarch', 'NEVRA')!)).toBe('a-3:1-2.noarch');
});
