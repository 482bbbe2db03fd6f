import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Repo } from '@coppice/ostree';
import { buildPackage } from '@coppice/rpm';
import { afterAll, expect, test } from 'vitest';
import { bdbFile, ndbFile } from '../../rpm/test/old-database-files.ts';
import { formatNevra } from '../src/nevra.ts';
import { packageListOfTree, TreeDatabase } from '../src/rpmdb.ts';
import { ImageTree } from '../src/tree/image-tree.ts';

const dir = mkdtempSync(join(tmpdir(), 'coppice-tree-db-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const blobs = ['one', 'two'].map(
  (name) =>
    buildPackage({ name, version: '1', release: '1', arch: 'noarch', summary: name, license: 'MIT' }).header.blob,
);

test.each([
  ['Packages', bdbFile(blobs[0]!, true), ['one-1-1.noarch']],
  ['Packages.db', ndbFile(blobs), ['one-1-1.noarch', 'two-1-1.noarch']],
])('a tree with a database in the older format %s', (file, bytes, expected) => {
  const repo = Repo.create(join(dir, file), { mode: 'bare-user' });
  repo.transaction((txn) => {
    const tree = new ImageTree(repo);
    tree.writeFile(txn, `usr/share/rpm/${file}`, bytes, { mode: 0o644 });
    tree.writeFile(txn, 'usr/share/rpm/.dbenv.lock', new Uint8Array(0), { mode: 0o644 });
    expect(packageListOfTree(tree, join(dir, 'scratch')).map(formatNevra)).toEqual(expected);
    const taken = TreeDatabase.take(tree, join(dir, 'scratch'))!;
    taken.put(txn, tree);
    taken.done();
    // Written back, it is in today's format alone.
    const there = tree.lookup('usr/share/rpm');
    expect(there?.type === 'directory' ? [...there.dir.files.keys()] : []).toEqual(['rpmdb.sqlite']);
    expect(packageListOfTree(tree, join(dir, 'scratch')).map(formatNevra)).toEqual(expected);
  });
});

test('a damaged one is told as such', () => {
  const repo = Repo.create(join(dir, 'damaged'), { mode: 'bare-user' });
  repo.transaction((txn) => {
    const tree = new ImageTree(repo);
    tree.writeFile(txn, 'usr/share/rpm/Packages', Buffer.from('not a database'), { mode: 0o644 });
    expect(() => packageListOfTree(tree, join(dir, 'scratch'))).toThrowError(
      expect.objectContaining({ code: 'Corrupt' }),
    );
  });
});
