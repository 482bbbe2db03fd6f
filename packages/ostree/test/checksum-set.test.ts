import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChecksumSet } from '../src/index.ts';

/** Few different bytes, so that equal ones and near misses come up. */
const checksum = fc
  .array(fc.constantFrom('00', '01', 'ff', '7f'), { minLength: 32, maxLength: 32 })
  .map((bytes) => bytes.join(''));

test('holds what a Set of the same texts holds, in the same order', () => {
  fc.assert(
    fc.property(fc.array(checksum, { maxLength: 300 }), fc.array(checksum, { maxLength: 20 }), (added, asked) => {
      const set = new ChecksumSet();
      const wanted = new Set<string>();
      for (const [i, text] of [...added, ...added.slice(0, 5)].entries()) {
        const bytes = Buffer.concat([Buffer.from([9]), Buffer.from(text, 'hex')]);
        expect(i % 2 === 0 ? set.add(text) : set.addBytes(bytes, 1)).toBe(!wanted.has(text));
        wanted.add(text);
      }
      expect(set.size).toBe(wanted.size);
      expect([...set]).toEqual([...wanted]);
      expect(set.bytes.toString('hex')).toBe([...wanted].join(''));
      for (const text of [...asked, ...added]) {
        expect(set.has(text)).toBe(wanted.has(text));
        expect(set.hasBytes(Buffer.from(`09${text}`, 'hex'), 1)).toBe(wanted.has(text));
      }
      expect([set.has(''), set.has('no checksum')]).toEqual([false, false]);
    }),
    { seed: 20, numRuns: 200 },
  );
});

test('grows', () => {
  const set = new ChecksumSet();
  const text = (i: number): string => i.toString(16).padStart(64, '0');
  for (let i = 0; i < 100_000; i++) expect(set.add(text(i))).toBe(true);
  expect(set.size).toBe(100_000);
  for (let i = 0; i < 100_000; i += 997) expect([set.has(text(i)), set.has(text(i + 100_000))]).toEqual([true, false]);
  expect(set.at(99_999)).toBe(text(99_999));
});
