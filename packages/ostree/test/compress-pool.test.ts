import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CompressPool, checkout, MutableTree, Repo, runFsck } from '../src/index.ts';
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

test.each(['archive', 'bare', 'bare-user', 'bare-user-only'] as const)(
  'files of a repository of mode %s written by two threads',
  (mode) => {
    const folder = folderOfSizes();
    const alone = newRepo(mode);
    const together = newRepo(mode);
    const wanted = alone.transaction((transaction) => commitIn(transaction, folder));
    for (const options of [{}, { resumable: true }, { fsync: false }, { perObjectFsync: true }]) {
      const commit = together.transaction(
        (transaction) => {
          const made = commitIn(transaction, folder);
          for (const entry of together.readTree(made)) entry.load();
          return made;
        },
        { compressPool: pool, ...options },
      );
      expect(commit).toBe(wanted);
      expect(runFsck(together)).toMatchObject({ commits: 1, corrupt: false });
    }
    expect(Array.from(together.objects()).sort()).toEqual(Array.from(alone.objects()).sort());
    const out = join(newFolder(), 'out');
    checkout(together, { commit: wanted, dest: out, mode: 'user' });
    expect(readFileSync(join(out, 'noise3000000')).equals(readFileSync(join(folder, 'noise3000000')))).toBe(true);
  },
);

test('a file that the other thread cannot write fails the transaction', () => {
  const repo = newRepo('bare');
  const folder = folderOfSizes();
  expect(() =>
    repo.transaction(
      (transaction) => {
        const staging = readdirSync(join(repo.path, 'tmp')).find((name) => name.startsWith('staging-'))!;
        transaction.writeDirectory(folder, new MutableTree());
        // Nothing can be made in a directory that is gone.
        for (const path of [join(repo.path, 'tmp', `${staging}`)]) renameSync(path, join(repo.path, 'tmp', 'gone'));
        transaction.writeDirectory(otherFolder(), new MutableTree());
        transaction.commit();
      },
      { compressPool: pool },
    ),
  ).toThrow('No such file or directory');
  expect(pool.busy).toBe(0);
});

test.each(['archive', 'bare'] as const)(
  'no space for a large file of a %s repository is told before it is handed over',
  (mode) => {
    const made = newRepo(mode);
    appendFileSync(join(made.path, 'config'), '\n[core]\nmin-free-space-size=900000GB\n');
    const repo = Repo.open(made.path);
    const folder = newFolder();
    writeFileSync(join(folder, 'large'), Buffer.alloc(3_000_000, 'large'));
    expect(() =>
      repo.transaction((transaction) => transaction.writeDirectory(folder, new MutableTree()), { compressPool: pool }),
    ).toThrow('Writing content object: min-free-space-size 921600000MB would be exceeded');
    expect(pool.busy).toBe(0);
  },
);

/** Small files that no other folder has. */
function otherFolder(): string {
  const folder = newFolder();
  for (let i = 0; i < 50; i++) writeFileSync(join(folder, `f${i}`), `other ${i}`);
  return folder;
}

test.each(['archive', 'bare-user'] as const)(
  'a tree committed again to a repository of mode %s, with changes',
  (mode) => {
    const folder = newFolder();
    const file = (i: number): string => join(folder, `f${i}`);
    for (let i = 0; i < 300; i++) writeFileSync(file(i), `content ${i % 140}\n`.repeat(i % 40));
    const alone = newRepo(mode);
    const together = newRepo(mode);
    const commitTo = (repo: Repo, options: { compressPool?: CompressPool }): [string, unknown] =>
      repo.transaction((transaction) => {
        const made = commitIn(transaction, folder);
        transaction.drain();
        return [made, { ...transaction.stats }];
      }, options);
    const both = (): void => expect(commitTo(together, { compressPool: pool })).toEqual(commitTo(alone, {}));
    both();
    both();
    // New ones among known ones, a longer and a shorter one, and a link in place of a file.
    for (const i of [150, 151, 220, 299]) writeFileSync(file(i), `new ${i}`);
    appendFileSync(file(200), 'more');
    writeFileSync(file(201), '');
    rmSync(file(202));
    symlinkSync('f200', file(202));
    both();
    expect(runFsck(together)).toMatchObject({ corrupt: false });
    expect(Array.from(together.objects()).sort()).toEqual(Array.from(alone.objects()).sort());
  },
);

test('a file that is gone once the other thread comes to it fails the transaction', () => {
  const repo = newRepo('archive');
  const folder = newFolder();
  for (let i = 0; i < 300; i++) writeFileSync(join(folder, `f${i}`), `content ${i}`);
  repo.transaction((transaction) => commitIn(transaction, folder));
  const last = readdirSync(folder).at(-1)!;
  const remove = (path: string): 'allow' => {
    // The others are on their way by then.
    if (path === `/${last}`) for (const name of readdirSync(folder)) rmSync(join(folder, name), { force: true });
    return 'allow';
  };
  expect(() =>
    repo.transaction((transaction) => transaction.writeDirectory(folder, new MutableTree(), { filter: remove }), {
      compressPool: pool,
    }),
  ).toThrow(/^openat\(.*\): No such file or directory$/);
  expect(pool.busy).toBe(0);
});
