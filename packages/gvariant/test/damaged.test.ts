import { isCoppiceError } from '@coppice/base';
import { decode, encode, isNormalForm, parseVariant, Variant } from '@coppice/gvariant';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const types = [
  '(a{sv}aya(say)sstayay)',
  '(a(say)a(sayay))',
  '(uuua(ayay))',
  'a{sv}',
  '(a(s(taya{sv}))a{sv})',
  'v',
  'aas',
  'ma(yms)',
  'a{o(gv)}',
  '(bnqiuxtdh)',
];

it('reads any bytes as some value, which has the normal form that it is written in', () => {
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 200 }), (type, bytes) => {
      const value = decode(type, bytes);
      const written = encode(type, value);
      expect(isNormalForm(type, written)).toBe(true);
      if (isNormalForm(type, bytes)) expect(Buffer.from(written)).toEqual(Buffer.from(bytes));
      new Variant(type, value).toString();
    }),
    { seed: 31, numRuns: 5000 },
  );
});

it('refuses bytes that would become far larger than they are', () => {
  // 64 KiB of framing offsets, each for an element of 250 fixed-size numbers that is not there.
  const type = `a(${'t'.repeat(250)}s)`;
  const bytes = Buffer.alloc(60_000);
  expect(() => decode(type, bytes)).toThrow(/more values than bytes/);
});

it('refuses millions of values, which would take gigabytes', () => {
  // Framing offsets alone: strings of no bytes.
  expect(() => decode('aay', Buffer.alloc(20_000_000))).toThrow(/more values than bytes or memory/);
});

it('stops at the nesting limit', () => {
  let value = new Variant('v', Variant.boolean(true));
  for (let i = 0; i < 300; i++) value = new Variant('v', value);
  expect(() => value.encode()).toThrow(/nested deeper/);
  expect(() => parseVariant('<'.repeat(500))).toThrow(/nested too deeply/);
  expect(() => decode(`${'a'.repeat(200)}y`, new Uint8Array(0))).toThrow(/not a GVariant type/);
});

it('refuses values that do not fit their type with its own error', () => {
  const anything = fc.anything({ withBigInt: true });
  fc.assert(
    fc.property(fc.constantFrom(...types, 's', 'y', 'as'), anything, (type, value) => {
      try {
        encode(type, value as never);
      } catch (error) {
        expect(isCoppiceError(error)).toBe(true);
      }
    }),
    { seed: 32, numRuns: 3000 },
  );
});
