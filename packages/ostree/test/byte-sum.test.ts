import fc from 'fast-check';
import { expect, test } from 'vitest';
import { summingMemory } from '../src/delta/byte-sum.ts';

const area = 1024;

test.each([true, false])('each byte is added for itself, at any place and in any length (vectors: %s)', (vectors) => {
  const memory = summingMemory(3 * area, vectors);
  const place = fc.nat({ max: area / 2 });
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 3 * area, maxLength: 3 * area }), place, place, place, place, (...given) => {
      const [bytes, to, a, b, length] = given;
      memory.bytes.set(bytes);
      const expected = Buffer.from(bytes);
      for (let i = 0; i < length; i++) expected[to + i] = bytes[area + a + i]! + bytes[2 * area + b + i]!;
      memory.add(to, area + a, 2 * area + b, length);
      expect(memory.bytes.subarray(0, bytes.length).equals(expected)).toBe(true);
    }),
    { seed: 20261126, numRuns: 300 },
  );
});

test.each([true, false])('memory grows to what is asked for (vectors: %s)', (vectors) => {
  const memory = summingMemory(10, vectors);
  memory.grow(5);
  expect(memory.bytes.length).toBeGreaterThanOrEqual(10);
  memory.grow(1_000_000);
  expect(memory.bytes.length).toBeGreaterThanOrEqual(1_000_000);
  memory.bytes.fill(200);
  memory.add(999_900, 10, 20, 100);
  expect(memory.bytes.subarray(999_899, 1_000_000).equals(Buffer.alloc(101, 144).fill(200, 0, 1))).toBe(true);
});
