import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CompressPool, checkout, MutableTree, runFsck } from '../src/index.ts';
import { folderOfSizes } from './sizes.ts';
import { commitIn, newFolder, newRepo } from './tree.ts';

const pool = new CompressPool({ startAfter: 0 });
afterAll(() => pool.close());

test('what two threads write is what one writes', () => {
  const folder = folderOfSizes();
  const alone = newRepo('archive');
  const together = newRepo('archive');
  const wanted = alone.transaction((transaction) => commitIn(transaction, folder));
  const commit = together.transaction(
    (transaction) => {
      const made = commitIn(transaction, folder);
      // Objects still on their way are found all the same.
      for (const entry of together.readTree(made)) entry.load();
      return made;
    },
    { compressPool: pool },
  );
  expect(commit).toBe(wanted);
  expect(runFsck(together)).toMatchObject({ commits: 1, corrupt: false });
  expect(Array.from(together.objects()).sort()).toEqual(Array.from(alone.objects()).sort());
  const out = join(newFolder(), 'out');
  checkout(together, { commit, dest: out, mode: 'user' });
  expect(readFileSync(join(out, 'noise3000000')).equals(readFileSync(join(folder, 'noise3000000')))).toBe(true);
});

test('a transaction that is given up leaves nothing running', () => {
  const repo = newRepo('archive');
  const folder = folderOfSizes();
  expect(() =>
    repo.transaction(
      (transaction) => {
        transaction.writeDirectory(folder, new MutableTree());
        throw new Error('enough');
      },
      { compressPool: pool },
    ),
  ).toThrow('enough');
  expect(pool.busy).toBe(0);
  const commit = repo.transaction((transaction) => commitIn(transaction, folder), { compressPool: pool });
  expect(repo.hasObject('commit', commit)).toBe(true);
  expect(runFsck(repo).corrupt).toBe(false);
});
