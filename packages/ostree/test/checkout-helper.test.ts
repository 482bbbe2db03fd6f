import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type CheckoutOptions, checkout, HelperThread } from '../src/index.ts';
import { folderOfSizes } from './sizes.ts';
import { commitIn, newFolder, newRepo } from './tree.ts';

const helper = new HelperThread({ startAfter: 0 });
afterEach(() => helper.close());

/** Everything in a folder: type, mode, owner, whether directories have no time, links and contents. */
function pictureOf(folder: string): unknown[] {
  const out: unknown[] = [];
  for (const name of (readdirSync(folder, { recursive: true }) as string[]).concat('.').sort()) {
    const path = join(folder, name);
    const { mode, uid, gid, nlink, mtimeMs } = lstatSync(path);
    const type = mode & 0o170000;
    const content =
      type === 0o100000
        ? readFileSync(path).toString('latin1')
        : type === 0o120000
          ? readlinkSync(path)
          : mtimeMs === 0;
    out.push([name, mode, uid, gid, type === 0o040000 ? 0 : nlink, content]);
  }
  return out;
}

const ways: [string, 'archive' | 'bare', Partial<CheckoutOptions>][] = [
  ['archive', 'archive', { mode: 'user', copyEmptyFiles: true }],
  ['archive through its cache', 'archive', { mode: 'user', uncompressedCache: true }],
  ['archive, synced', 'archive', { mode: 'user', fsync: true }],
  ['bare, by copying', 'bare', { mode: 'user', forceCopy: true }],
];

test.each(ways)('what two threads write of %s is what one writes', (_name, mode, options) => {
  const repo = newRepo(mode);
  const commit = repo.transaction((transaction) => commitIn(transaction, folderOfSizes()));
  const [alone, together, subtree] = ['alone', 'together', 'subtree'].map((name) => join(newFolder(), name));
  checkout(repo, { ...options, commit, dest: alone! });
  checkout(repo, { ...options, commit, dest: together!, helper });
  const wanted = pictureOf(alone!);
  expect(wanted.length).toBeGreaterThan(40);
  // Through the cache both are links to the same files.
  const counts = options.uncompressedCache === true ? pictureOf(alone!) : wanted;
  expect(pictureOf(together!)).toEqual(counts);
  checkout(repo, { ...options, commit, dest: subtree!, subpath: '/d', helper });
  expect(readdirSync(subtree!)).toEqual(['run']);
});

test('a damaged object fails a checkout by two threads as it fails one thread', () => {
  const repo = newRepo('archive');
  const commit = repo.transaction((transaction) => commitIn(transaction, folderOfSizes()));
  const [entry] = Array.from(repo.readTree(commit, '/text50000'));
  const path = repo.findObject('file', entry!.checksum)!.path;
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, bytes.length - 3));
  const failure = (options: object): string => {
    const dest = join(newFolder(), 'out');
    try {
      checkout(repo, { commit, dest, mode: 'user', ...options });
    } catch (error) {
      expect(() => lstatSync(join(dest, 'text50000'))).toThrow('ENOENT');
      return (error as Error).message;
    }
    return '';
  };
  expect(failure({})).not.toBe('');
  expect(failure({ helper })).toBe(failure({}));
});

test('files in the way are left to one thread', () => {
  const repo = newRepo('archive');
  const commit = repo.transaction((transaction) => commitIn(transaction, folderOfSizes()));
  const dest = newFolder();
  expect(() => checkout(repo, { commit, dest, mode: 'user', helper })).toThrow('mkdirat: File exists');
  writeFileSync(join(dest, 'a.txt'), 'mine');
  checkout(repo, { commit, dest, mode: 'user', overwrite: 'add', helper });
  expect(readFileSync(join(dest, 'a.txt'), 'utf8')).toBe('mine');
  checkout(repo, { commit, dest, mode: 'user', overwrite: 'union', helper });
  expect(readFileSync(join(dest, 'a.txt'), 'utf8')).toBe('hi\n');
});
