import { cpSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { diskUsage, dropCorrupt, type ObjectType, Repo, type RepoMode, repair, runFsck } from '../src/index.ts';
import { commitFolder, goldenTree, newFolder, newRepo, writeTree } from './tree.ts';

function pair(mode: RepoMode): { repo: Repo; good: Repo; commit: string } {
  const repo = newRepo(mode);
  const tree = writeTree(newFolder(), { ...goldenTree, 'e/f/g': 'deep' });
  const commit = commitFolder(repo, tree, { ref: 'main' });
  const copy = join(newFolder(), 'copy');
  cpSync(repo.path, copy, { recursive: true, verbatimSymlinks: true });
  return { repo, good: Repo.open(copy), commit };
}

function objectAt(repo: Repo, commit: string, path: string, type: ObjectType): string {
  const [entry] = Array.from(repo.readTree(commit, path));
  return repo.findObject(type, entry!.checksum)!.path;
}

describe.each(['archive', 'bare-user-only'] as const)('repair of %s', (mode) => {
  test('takes missing and corrupt objects from another repository', () => {
    const { repo, good, commit } = pair(mode);
    unlinkSync(objectAt(repo, commit, '/a.txt', 'file'));
    unlinkSync(objectAt(repo, commit, '/e/f', 'dirtree'));
    writeFileSync(objectAt(repo, commit, '/d/run', 'file'), 'junk');
    writeFileSync(objectAt(repo, commit, '/d', 'dirtree'), 'junk');
    const found = repair(repo, undefined);
    expect(found.incomplete).toEqual([commit]);
    expect(found.objects.map(({ type, was, repaired }) => `${type} ${was} ${repaired}`).sort()).toEqual([
      'dirtree corrupt false',
      'dirtree missing false',
      'file missing false',
    ]);
    const result = repair(repo, good);
    expect(result.objects.map(({ type, was, repaired }) => `${type} ${was} ${repaired}`).sort()).toEqual([
      'dirtree corrupt true',
      'dirtree missing true',
      'file corrupt true',
      'file missing true',
    ]);
    expect(result).toMatchObject({ completed: [commit], incomplete: [] });
    expect(runFsck(repo)).toMatchObject({ commits: 1, partial: 0, corrupt: false });
    expect(repair(repo, good).objects).toEqual([]);
  });

  test('leaves a commit marked when the source is no better', () => {
    const { repo, good, commit } = pair(mode);
    for (const one of [repo, good]) unlinkSync(objectAt(one, commit, '/a.txt', 'file'));
    expect(repair(repo, good)).toMatchObject({ incomplete: [commit], completed: [] });
    expect(repo.partialReason(commit)).toBe('fsck');
  });

  test('a commit object itself comes back', () => {
    const { repo, good, commit } = pair(mode);
    const path = repo.findObject('commit', commit)!.path;
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(1));
    expect(repair(repo, good)).toMatchObject({ incomplete: [], completed: [commit] });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  test('corrupt objects can be dropped for a pull to fetch', () => {
    const { repo, commit } = pair(mode);
    writeFileSync(objectAt(repo, commit, '/d/run', 'file'), 'junk');
    const found = repair(repo, undefined);
    dropCorrupt(repo, found);
    expect(repo.isPartial(commit)).toBe(true);
    expect(repo.hasObject('file', found.objects[0]!.checksum)).toBe(false);
  });
});

test('bytes are counted by ref', () => {
  const repo = newRepo('bare-user-only');
  const tree = writeTree(newFolder(), { same: 'x'.repeat(1000), one: 'y'.repeat(100) });
  commitFolder(repo, tree, { ref: 'one', timestamp: 1 });
  writeFileSync(join(tree, 'one'), 'z'.repeat(300));
  const second = commitFolder(repo, tree, { ref: 'two', timestamp: 2 });
  const usage = diskUsage(repo);
  const [one, two] = ['one', 'two'].map((ref) => usage.refs.find((r) => r.ref === ref)!);
  expect(two).toMatchObject({ commit: second, objects: 5 });
  expect(two!.unique - one!.unique).toBe(200);
  expect(usage.shared).toBe(1000 + 12);
  expect(usage.other).toBe(0);
  expect(usage.total).toBe(usage.shared + one!.unique + two!.unique);
  repo.setRef('one', null);
  expect(diskUsage(repo)).toMatchObject({ other: one!.unique, shared: 0, total: usage.total });
});
