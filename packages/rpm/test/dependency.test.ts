import { expect, test } from 'vitest';
import { dependenciesOverlap, formatDependency, parseCapability } from '../src/index.ts';

const dep = (text: string) => parseCapability(text)!;

test.each([
  ['a', 'a', true],
  ['a', 'b', false],
  ['a = 1', 'a', true],
  ['a = 1-1', 'a = 1', true],
  ['a = 1-1', 'a = 1-2', false],
  ['a < 2', 'a = 1', true],
  ['a < 2', 'a = 2', false],
  ['a <= 2', 'a >= 2', true],
  ['a < 2', 'a > 2', false],
  ['a < 2', 'a < 1', true],
  ['a > 2', 'a >= 9', true],
  ['a >= 1:1', 'a = 2', false],
  ['a = 2', 'a < 2-1', true],
  ['a < 2', 'a = 2-1', false],
  ['a = 1~rc1', 'a < 1', true],
])('%s and %s: %s', (a, b, expected) => {
  expect(dependenciesOverlap(dep(a), dep(b))).toBe(expected);
  expect(dependenciesOverlap(dep(b), dep(a))).toBe(expected);
});

test('reads and writes capabilities', () => {
  expect(parseCapability('libfoo.so.1()(64bit)')).toEqual({ name: 'libfoo.so.1()(64bit)', flags: 0, evr: '' });
  expect(formatDependency(dep('foo>=1:2-3'))).toBe('foo >= 1:2-3');
  expect(parseCapability('foo >= ')).toBeUndefined();
  expect(parseCapability('two words')).toBeUndefined();
});
