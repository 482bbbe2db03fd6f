import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareEvrText, formatEvr, parseEvr, rpmvercmp } from '../src/index.ts';

// From the manual of rpm-version(7): what sorts below what.
const ascending = [
  ['1.0~rc1', '1.0'],
  ['1.0~rc1', '1.0~rc2'],
  ['1.0^', '1.0^1'],
  ['1.0^1', '1.0.1'],
  ['1.0^20160101', '1.0.1'],
  ['1.0~rc1', '1.0~rc1^git1'],
  ['1.0^git1~pre', '1.0^git1'],
  ['2.0', '2.0.1'],
  ['5.5p1', '5.5p2'],
  ['5.5p1', '5.5p10'],
  ['xyz10', '10xyz'],
  ['1b.fc17', '1.fc17'],
  ['8', '9'],
  ['20101121', '20101122'],
] as const;

test.each(ascending)('%s sorts before %s', (a, b) => {
  expect(rpmvercmp(a, b)).toBe(-1);
  expect(rpmvercmp(b, a)).toBe(1);
});

test.each([
  ['2_0', '2.0'],
  ['1.05', '1.5'],
  ['fc_4', 'fc.4'],
  ['a+', 'a_'],
])('%s equals %s', (a, b) => {
  expect(rpmvercmp(a, b)).toBe(0);
});

test('an epoch beats everything, and a missing one is zero', () => {
  expect(compareEvrText('1:1-1', '2-1')).toBe(1);
  expect(compareEvrText('0:1-1', '1-1')).toBe(0);
  expect(compareEvrText('1', '1-1')).toBe(-1);
  expect(compareEvrText('1', '1-1', true)).toBe(0);
});

test('splits and joins', () => {
  expect(parseEvr('2:1.0-rc-3')).toEqual({ epoch: '2', version: '1.0-rc', release: '3' });
  expect(formatEvr(parseEvr('0:1-1'))).toBe('1-1');
  expect(formatEvr(parseEvr('0:1-1'), { always: true })).toBe('0:1-1');
});

const versions = fc.string({
  unit: fc.constantFrom('0', '1', '9', 'a', 'Z', '.', '-', '_', '~', '^', '+'),
  maxLength: 12,
});

test('is an order: reflexive, opposite when turned round', () => {
  fc.assert(
    fc.property(versions, versions, (a, b) => {
      expect(rpmvercmp(a, a)).toBe(0);
      expect(rpmvercmp(a, b) + rpmvercmp(b, a)).toBe(0);
    }),
    { seed: 7, numRuns: 2000 },
  );
});
