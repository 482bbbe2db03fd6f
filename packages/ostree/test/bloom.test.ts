import { expect, test } from 'vitest';
import { makeAdvert, readAdvert } from '../src/lan/advert.ts';
import { Bloom, sipHash, stringBloomHash } from '../src/lan/bloom.ts';
import { hostOf } from '../src/lan/find.ts';
import { parseTxtRecord } from '../src/lan/txt-record.ts';

test('SipHash-2-4 gives the vector of its paper', () => {
  const count = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);
  expect(sipHash(count(16), count(15)).toString(16)).toBe('a129ca6149be45e5');
});

test('a filter has what was put in and, for these words, nothing else', () => {
  // The words and sizes of upstream's test-bloom.c.
  const bloom = new Bloom(new Uint8Array(256), 8, stringBloomHash);
  const members = ['hello', 'there', 'these', 'are', 'test', 'strings'];
  members.forEach((word, i) => {
    bloom.add(word);
    members.forEach((other, j) => {
      expect(bloom.maybeContains(other)).toBe(j <= i);
    });
  });
  for (const other of ['not', 'an', 'element']) expect(bloom.maybeContains(other)).toBe(false);
});

const refs = [{ collection: 'org.example.A', ref: 'app' }];

test('adverts are read as they were made', () => {
  const advert = readAdvert(makeAdvert(refs, 1_700_000_000n, 513))!;
  expect([advert.summaryModified, advert.index, advert.mayHave(refs[0]!)]).toEqual([1_700_000_000n, 513, true]);
  expect(advert.mayHave({ collection: 'org.example.A', ref: 'other' })).toBe(false);
});

test.each([
  ['another version', 'v', 'v=\x02'],
  ['a version of two bytes', 'v', 'v=\x01\x01'],
  ['a version without a value', 'v', 'v'],
  ['a filter that is too short', 'rb', 'rb=\x07'],
  ['a filter with no hashes', 'rb', 'rb=\0\x01ABC'],
  ['another hash function', 'rb', 'rb=\x07\x02ABC'],
  ['a time of another size', 'st', 'st=1234567'],
  ['an index of another size', 'ri', 'ri=123'],
  ['a key that is no key', 'ri', '\x01ri=12'],
])('adverts with %s are not taken', (_name, key, entry) => {
  const good = makeAdvert(refs, 1n, 0);
  const bad = good.map((e) =>
    Buffer.from(e).toString('latin1').startsWith(`${key}=`) ? Buffer.from(entry, 'latin1') : e,
  );
  expect(readAdvert(good)).toBeDefined();
  expect(readAdvert(bad)).toBeUndefined();
});

test('TXT records: the first of a key counts, letters of any case', () => {
  const record = parseTxtRecord(['A=1', 'a=2', '=x', 'b', 'c='].map((text) => Buffer.from(text)));
  expect([...record].map(([key, value]) => [key, value?.toString()])).toEqual([
    ['a', '1'],
    ['b', undefined],
    ['c', ''],
  ]);
});

test('hosts of URLs', () => {
  expect(['10.0.0.1', '2001:db8::1', 'fe80::1', 'febf::1', '::1', 'host/x'].map(hostOf)).toEqual([
    '10.0.0.1',
    '[2001:db8::1]',
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
