import { isCoppiceError } from '@coppice/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatRichDependency,
  isRich,
  parseRichDependency,
  type RichDependency,
  simpleDependencies,
} from '../src/index.ts';

test.each([
  '(a and b)',
  '(a or b or c)',
  '(a if b)',
  '(a if b else c)',
  '(a unless (b or c) else d)',
  '(a >= 1 with a < 2)',
  '(libx.so.1()(64bit) without libx-compat)',
  '((a and b) or (c and d))',
])('%s reads and writes back', (text) => {
  expect(formatRichDependency(parseRichDependency(text))).toBe(text);
});

test('names every plain dependency', () => {
  const node = parseRichDependency('(a >= 1 if (b or c) else d)');
  expect([...simpleDependencies(node)].map((d) => d.name)).toEqual(['a', 'b', 'c', 'd']);
  expect(isRich(node)).toBe(true);
});

test.each(['(a', '(a and)', '(a and b or c)', '(a xor b)', 'a and b', '(a and b) c', '()', '(a if b if c)'])(
  '%s is refused',
  (text) => {
    expect(() => parseRichDependency(text)).toThrowError();
  },
);

test('nesting is bounded', () => {
  expect(() => parseRichDependency('('.repeat(5000))).toThrowError();
});

const name = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 });
const leaf: fc.Arbitrary<RichDependency> = name.map((n) => ({ name: n, flags: 0, evr: '' }));
const node: fc.Arbitrary<RichDependency> = fc.letrec<{ tree: RichDependency }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.record({
      op: fc.constantFrom('and' as const, 'or' as const, 'if' as const, 'without' as const),
      left: tie('tree'),
      right: tie('tree'),
    }),
  ),
})).tree;

test('what is written reads back the same', () => {
  fc.assert(
    fc.property(node, (tree) => {
      if (!isRich(tree)) return;
      expect(formatRichDependency(parseRichDependency(formatRichDependency(tree)))).toBe(formatRichDependency(tree));
    }),
    { seed: 11, numRuns: 500 },
  );
});

test('any text is read or refused, never worse', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('(', ')', ' ', 'a', 'if', 'or', 'else', '>='), maxLength: 30 }),
      (text) => {
        try {
          parseRichDependency(text);
        } catch (e) {
          expect(isCoppiceError(e)).toBe(true);
        }
      },
    ),
    { seed: 12, numRuns: 2000 },
  );
});
