import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPackage, createRepository, loadRepository, Pool } from '@coppice/rpm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Repository } from '../src/client/repository.ts';
import { RepositoryPackages } from '../src/client/repository-packages.ts';
import { formatNevra } from '../src/nevra.ts';

describe('packages of a repository', () => {
  const dir = mkdtempSync(join(tmpdir(), 'repository-packages-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  beforeAll(() => {
    for (const [name, arch] of [
      ['alpha', 'x86_64'],
      ['alpha-devel', 'x86_64'],
      ['beta', 'noarch'],
      ['gamma', 'i686'],
    ] as const)
      writeFileSync(
        join(dir, `${name}.rpm`),
        buildPackage({ name, arch, version: '1', release: '2', epoch: 3, summary: name, license: 'none' }).bytes(),
      );
    createRepository(dir);
  });
  const repository = (includePackages: string[] = [], excludePackages: string[] = []): Repository =>
    ({ id: 'r', includePackages, excludePackages }) as unknown as Repository;
  const names = (set: RepositoryPackages): string[] => [...set].map((c) => c.nevra.name).sort();
  const open = (r: Repository): RepositoryPackages =>
    new RepositoryPackages(r, 'http://x/y/', loadRepository(dir).table);

  test('includepkgs and excludepkgs are globs on names', () => {
    expect(names(open(repository()))).toEqual(['alpha', 'alpha-devel', 'beta', 'gamma']);
    expect(names(open(repository(['alpha*', 'b?ta'])))).toEqual(['alpha', 'alpha-devel', 'beta']);
    expect(names(open(repository([], ['*-devel', '[g]amma'])))).toEqual(['alpha', 'beta']);
    expect(names(open(repository(['alpha*'], ['*-devel'])))).toEqual(['alpha']);
    expect(open(repository(['nothing'])).count).toBe(0);
  });

  test('every solvable finds its own package, also where some are left out', () => {
    const set = open(repository([], ['alpha', 'beta']));
    const pool = new Pool();
    pool.setArch('x86_64');
    pool.addPackage(pool.addRepo('before'), { name: 'x', evr: '1-1', arch: 'noarch' });
    const repo = pool.addRepo('r');
    const candidate = set.addTo(pool, repo);
    expect(repo.solvables.map((id) => formatNevra(candidate(id).nevra))).toEqual(
      repo.solvables.map((id) => pool.text(id)),
    );
    expect(repo.solvables).toHaveLength(2);
    const [first] = repo.solvables;
    expect(candidate(first!)).toBe(candidate(first!));
    const { source } = candidate(first!);
    expect(source.kind === 'remote' && source.remote).toMatchObject({
      repo: 'r',
      url: expect.stringMatching(/^http:\/\/x\/y\/(alpha-devel|gamma)\.rpm$/),
      checksum: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
  });

  test('parsed packages are kept, and only read when so asked', () => {
    const cacheDir = mkdtempSync(join(dir, 'cache-'));
    loadRepository(dir, { cacheDir, cacheReadOnly: true });
    expect(readdirSync(cacheDir)).toEqual([]);
    const fresh = loadRepository(dir, { cacheDir }).table;
    expect(readdirSync(cacheDir)).toHaveLength(2);
    const again = loadRepository(dir, { cacheDir, cacheReadOnly: true }).table;
    expect(again.packages().map((p) => p.name)).toEqual(fresh.packages().map((p) => p.name));
    // A folder that cannot be written is done without.
    expect(loadRepository(dir, { cacheDir: join(dir, 'alpha.rpm') }).table.count).toBe(4);
  });
});
