import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CompressPool, checkout, MutableTree, runFsck } from '../src/index.ts';
import { commitIn, goldenTree, newFolder, newRepo, writeTree } from './tree.ts';

const pool = new CompressPool({ startAfter: 0 });
afterAll(() => pool.close());

/** Sizes around the limit of what travels in shared memory, contents that shrink and that do not, and doubles. */
function folderOfSizes(): string {
  const folder = writeTree(newFolder(), goldenTree);
  let state = 1;
  const noise = (size: number): Buffer =>
    Buffer.from(
      Uint8Array.from({ length: size }, () => {
        state = Math.imul(state, 48271) >>> 0;
        return state & 255;
      }),
    );
  const sizes = [1, 1023, 1024, 50_000, 1 << 20, (1 << 20) + 1, 3_000_000, 17 << 20];
  for (const size of sizes) writeFileSync(join(folder, `text${size}`), Buffer.alloc(size, `text of ${size} `));
  for (const size of sizes.slice(0, 7)) writeFileSync(join(folder, `noise${size}`), noise(size));
  for (let i = 0; i < 30; i++) writeFileSync(join(folder, `double${i}`), Buffer.alloc(5000, `double ${i % 10}`));
  return folder;
}

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

test.each(['archive', 'bare-user'] as const)('fsck of %s with two threads finds what one finds', (mode) => {
  const repo = newRepo(mode);
  const commit = repo.transaction((transaction) => commitIn(transaction, folderOfSizes()));
  expect(runFsck(repo, { pool })).toEqual(runFsck(repo));
  for (const name of ['/noise50000', '/noise3000000', '/text1048577']) {
    const [entry] = Array.from(repo.readTree(commit, name));
    const path = repo.findObject('file', entry!.checksum)!.path;
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 0x55;
    writeFileSync(path, bytes);
  }
  const found = (options: object): string[] => {
    const messages: string[] = [];
    runFsck(repo, { all: true, ...options }, (event) => {
      if (event.type === 'corrupt') messages.push(event.message);
    });
    return messages.sort();
  };
  expect(found({ pool })).toEqual(found({}));
  expect(found({ pool })).toHaveLength(3);
  expect(() => runFsck(repo, { pool })).toThrow('fsck content object');
  expect(pool.busy).toBeLessThanOrEqual(6);
});
