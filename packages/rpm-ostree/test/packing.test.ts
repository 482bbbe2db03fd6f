// Which components of an image share a layer.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { componentsOfManifest } from '../src/container/chunks.ts';
import type { Component } from '../src/container/components.ts';
import { diffManifests, formatManifestDiff } from '../src/container/manifest-diff.ts';
import { binTitle, packComponents } from '../src/container/packing.ts';

function component(name: string, size: number, changes = 0, separate = false): Component {
  return { name, title: name, source: name, changes, age: 0, separate, files: new Map([[name, [name]]]), size };
}

const names = (bins: readonly (readonly Component[])[]): string[][] => bins.map((bin) => bin.map((c) => c.name));
const bySize = (list: Component[]): Component[] => list.sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
const always = Number.POSITIVE_INFINITY;

const components = fc
  .uniqueArray(fc.record({ name: fc.stringMatching(/^[a-z]{1,6}$/), size: fc.nat(1_000_000), changes: fc.nat(20) }), {
    selector: (c) => c.name,
    maxLength: 150,
  })
  .map((list) =>
    bySize([component('UNPACKAGED', 5000, always), ...list.map((c) => component(c.name, c.size, c.changes))]),
  );

describe('packing', () => {
  test('each component is in one layer, there are no more than asked for, and the last one is for later', () => {
    fc.assert(
      fc.property(components, fc.integer({ min: 4, max: 80 }), (list, bins) => {
        const packed = packComponents(list, bins);
        expect(packed.length).toBeLessThanOrEqual(bins);
        expect(packed.at(-1)).toEqual([]);
        expect(
          packed
            .flat()
            .map((c) => c.name)
            .sort(),
        ).toEqual(list.map((c) => c.name).sort());
        // Only the last layer is empty: its digest says where the image ends.
        expect(packed.slice(0, -1).every((bin) => bin.length > 0)).toBe(true);
      }),
      { seed: 8, numRuns: 300 },
    );
  });

  test('after an earlier build all stay where they were; what is new comes last', () => {
    fc.assert(
      fc.property(components, fc.integer({ min: 4, max: 40 }), fc.nat(149), (list, bins, at) => {
        const before = names(packComponents(list, bins));
        const gone = list[at % list.length]!.name;
        const sizes = new Map(list.map((c) => [c.name, (c.size * 7919) % 100_000]));
        const next = bySize([
          ...list.filter((c) => c.name !== gone).map((c) => component(c.name, sizes.get(c.name)!, c.changes)),
          component('NEW', 1),
        ]);
        const packed = names(packComponents(next, bins, before));
        const expected = before.map((bin) => bin.filter((n) => n !== gone));
        expect(packed.slice(0, -1)).toEqual(expected.slice(0, -1).filter((bin) => bin.length > 0));
        expect(packed.at(-1)).toEqual(['NEW']);
      }),
      { seed: 8, numRuns: 300 },
    );
  });

  test('the largest alone, the smallest together, what always changes by itself', () => {
    const list = bySize([
      ...Array.from({ length: 4 }, (_, i) => component(`large${i}`, 10_000_000 + i)),
      ...Array.from({ length: 30 }, (_, i) => component(`medium${i}`, 10_000 + 100 * i, i % 3)),
      ...Array.from({ length: 8 }, (_, i) => component(`small${i}`, 10 + i)),
      component('initramfs', 3_000_000, always),
      component('rest', 100, always),
    ]);
    const packed = names(packComponents(list, 12));
    for (let i = 0; i < 4; i++) expect(packed).toContainEqual([`large${i}`]);
    expect(packed).toContainEqual(Array.from({ length: 8 }, (_, i) => `small${7 - i}`));
    expect(packed).toContainEqual(['initramfs', 'rest']);
  });

  test('components that ask for it have a layer each', () => {
    const list = bySize([
      component('a', 3),
      component('b', 2),
      component('own', 1, 0, true),
      component('r', 1, always),
    ]);
    expect(names(packComponents(list, 6))).toContainEqual(['own']);
    expect(() => packComponents(list, 4)).toThrow('Cannot give 1 components of files a layer each with 4 layers');
  });

  test('what cannot be', () => {
    expect(() => packComponents([], 3)).toThrow('Maximum number of layers must be at least 4');
    expect(() => packComponents([], 4, [[], [], [], [], []])).toThrow(
      'Previous build has 5 layers with components, more than 4',
    );
    expect(() => packComponents([], 4, [])).toThrow('no layers with components');
  });

  test('titles', () => {
    const bin = (n: number): Component[] => Array.from({ length: n }, (_, i) => component(`c${i}`, 1));
    expect([0, 1, 2, 6].map((n) => binTitle(bin(n)))).toEqual([
      'Reserved for new packages',
      'c0',
      'c0 and c1',
      '6 components',
    ]);
  });
});

test('components are read out of a manifest, and two of them compared', () => {
  const layer = (digest: string, size: number, components?: string) => ({
    mediaType: 'x',
    digest,
    size,
    ...(components === undefined ? {} : { annotations: { 'ostree.components': components } }),
  });
  const manifest = (...layers: ReturnType<typeof layer>[]) =>
    ({ schemaVersion: 2, config: layer('c', 1), layers }) as const;
  const old = manifest(layer('0', 1, ''), layer('1', 2000, 'a,b'), layer('2', 5, ''));
  expect(componentsOfManifest(old)).toEqual([['a', 'b'], []]);
  expect(() => componentsOfManifest(manifest(layer('0', 1), layer('1', 1)))).toThrow(
    'Missing ostree.components on prior build',
  );
  const text = formatManifestDiff(diffManifests(old, manifest(layer('3', 1500), layer('1', 2000))));
  expect(text).toBe(
    'Total new layers: 2     Size: 3.5\u00a0kB\nRemoved layers:   2     Size: 6 bytes\nAdded layers:     1     Size: 1.5\u00a0kB\n',
  );
});
