import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Repo } from '../src/index.ts';
import { WholeTrees } from '../src/pull/whole-trees.ts';
import { commitFolder, newFolder } from './tree.ts';

test('only directories with all that is below them are whole', () => {
  const repo = Repo.create(join(newFolder(), 'repo'), { mode: 'bare-user' });
  const folder = newFolder();
  for (const dir of ['a/b', 'a/c', 'd']) {
    mkdirSync(join(folder, dir), { recursive: true });
    writeFileSync(join(folder, dir, 'file'), dir);
  }
  const commit = commitFolder(repo, folder);
  const { tree } = repo.loadCommit(commit);
  const look = (): WholeTrees => {
    const trees = new WholeTrees(repo);
    for (const _ of trees.look(tree));
    return trees;
  };
  const directory = (path: string): string => {
    let at = tree;
    for (const name of path.split('/')) at = repo.loadDirTree(at).dirs.find((dir) => dir.name === name)!.tree;
    return at;
  };
  expect(look().below(tree)).toEqual([directory('a'), directory('d')]);
  expect(look().below(directory('d'))).toEqual([]);

  const found = [...repo.readTree(commit)].find((entry) => entry.path === '/a/b/file')!;
  unlinkSync(repo.findObject('file', (found as { checksum: string }).checksum)!.path);
  const trees = look();
  for (const path of ['a', 'a/b']) expect(trees.below(directory(path))).toBeUndefined();
  expect(trees.below(tree)).toBeUndefined();
  for (const path of ['a/c', 'd']) expect(trees.below(directory(path))).toEqual([]);

  unlinkSync(repo.findObject('dirtree', directory('d'))!.path);
  expect(look().below(tree)).toBeUndefined();
});
