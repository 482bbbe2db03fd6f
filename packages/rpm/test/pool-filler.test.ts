import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addTable,
  field,
  metadataChunks,
  Pool,
  packageXml,
  type RepoDependency,
  type RepositoryPackage,
  readPrimary,
} from '../src/index.ts';

const lists = [
  'provides',
  'requires',
  'conflicts',
  'obsoletes',
  'suggests',
  'enhances',
  'recommends',
  'supplements',
] as const;

const dependency: fc.Arbitrary<RepoDependency> = fc.record({
  name: fc.constantFrom('a', 'b', 'lib.so', '/usr/bin/x', '(a or b)', 'rpmlib(X)', 'ü', 'noarch'),
  flags: fc.constantFrom(0, 2, 8, 12),
  evr: fc.constantFrom('1-1', '2:1.0-3', '1'),
});

const somePackage = (name: string, depends: RepoDependency[], arch: string, vendor: string): RepositoryPackage => {
  const clean = depends.map((d) => (d.flags === 0 || d.name.startsWith('(') ? { ...d, flags: 0, evr: '' } : d));
  const empty = Object.fromEntries(lists.map((kind) => [kind, [] as RepoDependency[]]));
  return {
    ...(empty as Record<(typeof lists)[number], RepoDependency[]>),
    name,
    epoch: '0',
    version: '1',
    release: '1',
    evr: '1-1',
    arch,
    checksum: { type: 'sha256', value: 'aa' },
    summary: '',
    description: '',
    packager: '',
    url: '',
    license: '',
    vendor,
    group: '',
    buildHost: '',
    sourceRpm: '',
    time: { file: 0, build: 0 },
    size: { package: 0, installed: 0, archive: 0 },
    location: { href: 'x.rpm' },
    headerRange: { start: 0, end: 0 },
    provides: [{ name, flags: 8, evr: '1-1' }],
    requires: clean,
    recommends: clean.slice(1).filter((d) => !d.name.startsWith('rpmlib(')),
    files: ['/usr/bin/x', '/etc/y'],
  };
};

const packages = fc.array(
  fc
    .tuple(
      fc.constantFrom('a', 'b', 'c', 'lib.so', 'ü'),
      fc.array(dependency, { maxLength: 5 }),
      fc.constantFrom('noarch', 'x86_64', 'src'),
      fc.constantFrom('', 'V'),
    )
    .map((parts) => somePackage(...parts)),
  { maxLength: 6 },
);

/** All that a pool says, as text. */
function told(pool: Pool): unknown {
  const text = (id: number): string =>
    id < 0x40000000
      ? pool.ids.text(id)
      : `(${text(pool.ids.relName(id))} ${pool.ids.relFlag(id)} ${text(pool.ids.relEvr(id))})`;
  return pool.repos.map((repo) =>
    repo.solvables.map((p) => [
      pool.text(p),
      pool.ids.text(pool.vendors.data[p]!),
      Object.values(field).map((which) => pool.list(p, which).map(text)),
      pool.list(p, field.requires).map((dep) => pool.providers.list(dep).map((q) => pool.text(q))),
    ]),
  );
}

describe('a pool filled from tables', () => {
  it('says what one filled package by package says, whatever was there before', () => {
    fc.assert(
      fc.property(packages, packages, packages, (own, first, second) => {
        const [one, two] = [new Pool(), new Pool()];
        for (const pool of [one, two]) {
          const repo = pool.addRepo('own');
          for (const pkg of own) pool.addPackage(repo, pkg);
        }
        for (const [name, all] of [
          ['first', first],
          ['second', second],
        ] as const) {
          const repo = one.addRepo(name);
          for (const pkg of all) if (pkg.arch !== 'src') one.addPackage(repo, pkg);
          const xml = metadataChunks(
            'primary',
            all.length,
            all.map((pkg) => packageXml('primary', pkg)),
          );
          const table = readPrimary(xml);
          addTable(two, two.addRepo(name), table, (i) => table.archOf(i) === 'src');
          // Strings that come later find those of the tables.
          for (const pool of [one, two]) pool.addPackage(pool.repos[0]!, somePackage('later', [], 'noarch', 'V'));
        }
        expect(told(two)).toEqual(told(one));
        expect(two.ids.lookup('never there')).toBe(0);
      }),
      { seed: 4, numRuns: 150 },
    );
  });
});
