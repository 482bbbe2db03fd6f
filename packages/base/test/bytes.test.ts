import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ByteReader,
  bytesEqual,
  checkPathComponent,
  checkRelativePath,
  compareBytes,
  concatBytes,
  fromHex,
  toHex,
} from '../src/index.ts';

const bytes = fc.uint8Array({ maxLength: 40 });

test('hex is that of Buffer, both ways', () => {
  fc.assert(
    fc.property(bytes, (b) => {
      expect(toHex(b)).toBe(Buffer.from(b).toString('hex'));
      expect(fromHex(toHex(b))).toEqual(b);
    }),
  );
  for (const bad of ['a', 'zz', '0x', ' a']) expect(() => fromHex(bad)).toThrow('not a hex string');
});

test('order is that of Buffer.compare', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
      expect(bytesEqual(a, b)).toBe(Buffer.compare(a, b) === 0);
      expect(concatBytes([a, b])).toEqual(new Uint8Array(Buffer.concat([a, b])));
    }),
  );
});

test('ByteReader never reads past the end', () => {
  fc.assert(
    fc.property(
      bytes,
      fc.array(fc.constantFrom('u8', 'u16be', 'u32le', 'u64be', 'cstring'), { maxLength: 30 }),
      (b, calls) => {
        const reader = new ByteReader(b, 'test');
        try {
          for (const call of calls) reader[call as 'u8']();
        } catch (error) {
          expect(error).toMatchObject({ code: 'Corrupt' });
        }
        expect(reader.offset).toBeLessThanOrEqual(b.length);
      },
    ),
  );
  expect(() => new ByteReader(new Uint8Array(2), 'test').take(-1)).toThrow('truncated');
  const reader = new ByteReader(Uint8Array.of(1, 0, 0, 0, 2), 'test');
  reader.u8();
  reader.align(4);
  expect(reader.u8()).toBe(2);
});

test('names that leave a folder are refused', () => {
  for (const bad of ['', '.', '..', 'a/b', 'a\0'])
    expect(() => checkPathComponent(bad, 'archive')).toThrow('archive: unsafe name');
  for (const bad of ['', '/a', 'a//b', 'a/', '../a', 'a/../b', './a', 'a\0']) {
    expect(() => checkRelativePath(bad, 'archive')).toThrow('archive: unsafe path');
  }
  expect(checkRelativePath('a/b..c/.d', 'archive')).toBe('a/b..c/.d');
});
