import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { NameSet } from '../src/store/name-set.ts';

const types = ['file', 'filez', 'dirtree', 'dirmeta', 'commit', 'commitmeta', 'file-xattrs', 'payload-linkz'];

function name(i: number): string {
  const sum = createHash('sha256').update(String(i)).digest('hex');
  return `${sum.slice(0, 2)}/${sum.slice(2)}.${types[i % types.length]}`;
}

test('knows what was put into it, as a set of strings does', () => {
  const names = new NameSet();
  const strings = new Set<string>();
  for (let i = 0; i < 20_000; i++) {
    const one = name((i * 7919) % 12_000);
    expect(names.has(one)).toBe(strings.has(one));
    names.add(one);
    strings.add(one);
    expect(names.has(one)).toBe(true);
  }
  expect(names.size).toBe(strings.size);
});

test('tells types and checksums apart, also those full of one digit', () => {
  const names = new NameSet();
  for (const digit of '0f') for (const type of types) names.add(`${digit}${digit}/${digit.repeat(62)}.${type}`);
  expect(names.size).toBe(2 * types.length);
  names.add(`00/${'0'.repeat(26)}1${'0'.repeat(35)}.file`);
  names.add(`00/${'0'.repeat(27)}1${'0'.repeat(34)}.file`);
  expect(names.size).toBe(2 * types.length + 2);
});

test('holds no names that are none of an object', () => {
  const names = new NameSet();
  const sum = 'a'.repeat(62);
  for (const odd of [
    '',
    'aa',
    `aa/${sum}`,
    `aa-${sum}.file`,
    `aa/${sum}-file`,
    `aa/${sum}.x`,
    `aa/${'g'.repeat(62)}.file`,
    `AA/${sum}.file`,
  ]) {
    expect(names.add(odd)).toBe(false);
    expect(names.has(odd)).toBe(false);
  }
  expect(names.size).toBe(0);
});
