import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { umask } from 'node:process';
import { afterEach, expect, test } from 'vitest';
import { type CheckoutOptions, checkout, HelperThread, removeBeside } from '../src/index.ts';
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

/** Some thousand files, more than one job's, in directories of every kind of mode. */
function folderOfModes(): string {
  const folder = newFolder();
  for (const [i, mode] of [0o755, 0o700, 0o711, 0o1777, 0o2755, 0o550, 0o775, 0o777].entries())
    for (const below of ['', '/in', '/in/it']) {
      const path = join(folder, `d${i}${below}`);
      mkdirSync(path);
      for (let file = 0; file < 90; file++) writeFileSync(join(path, `f${file}`), `${i} ${below} ${file % 50}`);
      if (below === '/in/it') for (const up of ['/in/it', '/in', '']) chmodSync(join(folder, `d${i}${up}`), mode);
    }
  return folder;
}

test.each([0o022, 0o077])('directories have their modes and no time, hard links are shared, under umask %o', (mask) => {
  const before = umask(mask);
  try {
    const repo = newRepo('bare');
    const commit = repo.transaction((transaction) => commitIn(transaction, folderOfModes(), { modifier: {} }));
    const alone = join(newFolder(), 'alone');
    const together = join(newFolder(), 'together');
    checkout(repo, { commit, dest: alone });
    const wanted = pictureOf(alone).map((entry) => (entry as unknown[]).slice(0, 4));
    rmSync(alone, { recursive: true });
    checkout(repo, { commit, dest: together, helper, helperLinks: true });
    expect(pictureOf(together).map((entry) => (entry as unknown[]).slice(0, 4))).toEqual(wanted);
    const directories = pictureOf(together).filter((entry) => ((entry as number[])[1]! & 0o170000) === 0o040000);
    expect(directories.map((entry) => (entry as unknown[])[5])).toEqual(Array(25).fill(true));
    const { ino } = lstatSync(
      repo.findObject('file', Array.from(repo.readTree(commit, '/d0/in/it/f7'))[0]!.checksum)!.path,
    );
    expect(lstatSync(join(together, 'd0/in/it/f7')).ino).toBe(ino);
    // Both threads remove it, whatever modes are in the way.
    removeBeside(helper, [together])();
    expect(lstatSync(together, { throwIfNoEntry: false })).toBeUndefined();
  } finally {
    umask(before);
  }
});

test('where a parent hands down its group, every directory is given its own', () => {
  const repo = newRepo('bare');
  const commit = repo.transaction((transaction) => commitIn(transaction, folderOfModes(), { modifier: {} }));
  const parent = newFolder();
  chmodSync(parent, 0o2755);
  checkout(repo, { commit, dest: join(parent, 'out'), helper, helperLinks: true });
  checkout(repo, { commit, dest: join(parent, 'alone') });
  const modes = (name: string) => pictureOf(join(parent, name)).map((entry) => (entry as unknown[]).slice(0, 4));
  expect(modes('out')).toEqual(modes('alone'));
  expect(lstatSync(join(parent, 'out/d0/in')).mode & 0o7777).toBe(0o755);
});
