import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  diffPackages,
  formatNevra,
  formatPackageDiff,
  formatPackageDiffMerged,
  isEmptyDiff,
  parseNevra,
  summarizePackageDiff,
} from '../src/index.ts';

const list = (...names: string[]) => names.map(parseNevra);

describe('package differences', () => {
  const from = list('a-1-1.x86_64', 'b-1:2-1.x86_64', 'c-1-1.noarch', 'd-1-1.i686', 'd-1-1.x86_64');
  const to = list('a-2-1.x86_64', 'b-1:1-1.x86_64', 'd-1-1.x86_64', 'e-14:3-1.noarch');

  test('blocks', () => {
    expect(formatPackageDiff(diffPackages(from, to))).toBe(
      'Upgraded:\n  a 1-1 -> 2-1\nDowngraded:\n  b 1:2-1 -> 1:1-1\nRemoved:\n  c-1-1.noarch\n  d-1-1.i686\nAdded:\n  e-14:3-1.noarch\n',
    );
    expect(formatPackageDiffMerged(diffPackages(from, to))).toBe(
      '!a-1-1.x86_64\n=a-2-1.x86_64\n!b-1:2-1.x86_64\n=b-1:1-1.x86_64\n-c-1-1.noarch\n-d-1-1.i686\n+e-14:3-1.noarch\n',
    );
    expect(summarizePackageDiff(diffPackages(from, to))).toBe('1 upgraded, 1 downgraded, 2 removed, 1 added');
  });

  test('a lone package that changes its architecture is modified', () => {
    const diff = diffPackages(list('x-1-1.noarch'), list('x-1-1.x86_64'));
    expect(diff.upgraded).toHaveLength(1);
    expect(diff.added).toHaveLength(0);
  });

  test('swapping the sides swaps the result; equal lists give nothing', () => {
    const nevra = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      epoch: fc.nat(2),
      version: fc.constantFrom('1', '2', '10'),
      release: fc.constant('1'),
      arch: fc.constantFrom('x86_64', 'i686'),
    });
    const packages = fc.uniqueArray(nevra, { selector: (p) => `${p.name}.${p.arch}`, maxLength: 8 });
    fc.assert(
      fc.property(packages, packages, (a, b) => {
        expect(isEmptyDiff(diffPackages(a, a))).toBe(true);
        const x = diffPackages(a, b);
        const y = diffPackages(b, a);
        expect(x.added.map(formatNevra)).toEqual(y.removed.map(formatNevra));
        expect(x.removed.length + x.upgraded.length + x.downgraded.length).toBeLessThanOrEqual(a.length);
      }),
    );
  });
});
