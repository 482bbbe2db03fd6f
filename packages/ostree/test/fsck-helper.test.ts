import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type FsckEvent, HelperThread, Repo, runFsck } from '../src/index.ts';
import { SharedWork } from '../src/thread/shared-work.ts';
import { folderOfSizes } from './sizes.ts';
import { commitIn, newRepo } from './tree.ts';

const helper = new HelperThread({ startAfter: 0 });
afterEach(() => helper.close());

function messages(repo: Repo, options: object): string[] {
  const out: string[] = [];
  runFsck(repo, { all: true, ...options }, (event: FsckEvent) => {
    if (event.type === 'corrupt' || event.type === 'missing') out.push(event.message);
  });
  return out;
}

test.each(['archive', 'bare', 'bare-user'] as const)('fsck of %s with two threads finds what one finds', (mode) => {
  const repo = newRepo(mode);
  const commit = repo.transaction((transaction) => commitIn(transaction, folderOfSizes()));
  expect(runFsck(repo, { helper })).toEqual(runFsck(repo));
  const pathOf = (name: string): string => {
    const [entry] = Array.from(repo.readTree(commit, name));
    return repo.findObject('file', entry!.checksum)!.path;
  };
  for (const name of ['/noise50000', '/noise3000000', '/text1048577']) {
    const path = pathOf(name);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 0x55;
    writeFileSync(path, bytes);
  }
  const alone = messages(repo, {});
  expect(alone).toHaveLength(3);
  expect(messages(repo, { helper })).toEqual(alone);
  expect(() => runFsck(repo, { helper })).toThrow('fsck content object');
  // What is missing makes a commit partial, and partial ones are left out.
  rmSync(pathOf('/double7'));
  expect(messages(repo, { helper })).toHaveLength(4);
  expect(runFsck(repo, { helper })).toMatchObject({ commits: 0, partialByFsck: 1 });
});

test('a helper that cannot open the repository leaves all to the caller', () => {
  const repo = newRepo('bare');
  repo.transaction((transaction) => commitIn(transaction, folderOfSizes()));
  const elsewhere = Repo.open(repo.path);
  const config = readFileSync(join(repo.path, 'config'));
  writeFileSync(join(repo.path, 'config'), '[core]\nrepo_version=9\n');
  try {
    expect(runFsck(elsewhere, { helper })).toMatchObject({ corrupt: false });
  } finally {
    writeFileSync(join(repo.path, 'config'), config);
  }
});

test('every task is taken once, and the end is waited for only where there was a beginning', () => {
  const work = SharedWork.create(1001);
  const other = SharedWork.of(work.memory);
  expect(other.count).toBe(1001);
  const [mine, theirs] = [work.take(), other.take('end')];
  const taken: number[] = [];
  for (;;) {
    const [a, b] = [mine.next(), theirs.next()];
    for (const one of [a, b]) if (one.done !== true) taken.push(one.value);
    if (a.done === true && b.done === true) break;
  }
  expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 1001 }, (_, i) => i));
  other.markDone(7);
  expect([work.isDone(7), work.isDone(8)]).toEqual([true, false]);
  work.finish();
  expect(other.begin()).toBe(false);
});
