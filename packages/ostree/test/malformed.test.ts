import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeTar } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { encode } from '@coppice/gvariant';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeSuperblock, superblockType } from '../src/delta/superblock.ts';
import { importArchive, MutableTree, ObjectChecker, Repo } from '../src/index.ts';
import { quietFs } from './cut-fs.ts';
import { commitFolder, goldenTree, newFolder, newRepo, writeTree } from './tree.ts';

const runs = Number(process.env['COPPICE_FUZZ_RUNS'] ?? 400);

/** Runs `body`; only errors that blame the input are allowed. */
function tolerate(body: () => void): void {
  try {
    body();
  } catch (error) {
    if (!(error instanceof CoppiceError) || error.kind === 'bug') throw error;
  }
}

/** Some bytes of `valid` changed, or its end cut off. */
function damaged(valid: Uint8Array): fc.Arbitrary<Buffer> {
  return fc
    .tuple(
      fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }),
      fc.option(fc.nat(valid.length)),
    )
    .map(([changes, cut]) => {
      const bytes = Buffer.from(valid);
      for (const [at, value] of changes) bytes[at] = value;
      return cut === null ? bytes : bytes.subarray(0, cut);
    });
}

test('config', () => {
  const repo = newRepo('archive');
  const path = join(repo.path, 'config');
  const valid = Buffer.from(
    '[core]\nrepo_version=1\nmode=archive-z2\nmin-free-space-size=5MB\nlock-timeout-secs=3\n\n[archive]\nzlib-level=9\n',
  );
  fc.assert(
    fc.property(damaged(valid), (bytes) => {
      writeFileSync(path, bytes);
      tolerate(() => void Repo.open(repo.path));
    }),
    { numRuns: runs },
  );
});

test('refs', () => {
  const repo = newRepo('archive');
  const path = join(repo.path, 'refs/heads/main');
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), damaged(Buffer.from(`${'ab'.repeat(32)}\n`))), (bytes) => {
      writeFileSync(path, bytes);
      tolerate(() => expect(repo.resolveRev('main')).toMatch(/^[0-9a-f]{64}$/));
      tolerate(() => void repo.listRefs());
    }),
    { numRuns: runs },
  );
});

describe.each(['archive', 'bare-user'] as const)('objects of %s', (mode) => {
  test('are refused, or read whole', () => {
    const repo = newRepo(mode);
    const commit = commitFolder(repo, writeTree(newFolder(), { ...goldenTree, big: 'text '.repeat(20_000) }));
    const checker = new ObjectChecker(repo);
    for (const entry of repo.readTree(commit)) {
      if (entry.type !== 'file') continue;
      const { path } = repo.findObject('file', entry.checksum)!;
      const valid = readFileSync(path);
      if (valid.length === 0) continue;
      fc.assert(
        fc.property(damaged(valid), (bytes) => {
          writeFileSync(path, bytes);
          tolerate(() => {
            let size = 0;
            const file = repo.loadFile(entry.checksum);
            for (const piece of file.read()) size += piece.length;
            expect(size).toBe(file.size);
          });
          tolerate(() => checker.check('file', entry.checksum));
        }),
        { numRuns: runs / 4 },
      );
      writeFileSync(path, valid);
    }
  });
});

const plain = {
  mode: 0o644,
  uid: 0,
  gid: 0,
  uname: '',
  gname: '',
  size: 0,
  mtime: 0,
  linkTarget: '',
  devMajor: 0,
  devMinor: 0,
  xattrs: [],
};

test('a delta whose list of objects is cut off', () => {
  const commit = [new Map(), new Uint8Array(0), [], '', '', 0n, new Uint8Array(32), new Uint8Array(32)];
  const part = [0, new Uint8Array(32), 1n, 1n, new Uint8Array(34)];
  const bytes = encode(superblockType, [
    new Map(),
    0n,
    new Uint8Array(0),
    new Uint8Array(32),
    commit,
    new Uint8Array(0),
    [part],
    [],
  ]);
  expect(() => decodeSuperblock(bytes)).toThrow('Invalid checksums array length');
});

describe('archives', () => {
  const tar = (...members: Parameters<typeof writeTar>[0] extends Iterable<infer M> ? M[] : never): Buffer =>
    Buffer.concat(Array.from(writeTar(members, { format: 'pax', blocking: 512 }), (piece) => Buffer.from(piece)));
  const valid = tar(
    { ...plain, path: 'd', type: 'directory', mode: 0o755 },
    { ...plain, path: 'd/file', type: 'file', size: 5, content: [Buffer.from('hello')] },
    { ...plain, path: 'd/hard', type: 'hardlink', linkTarget: 'd/file' },
    { ...plain, path: 'link', type: 'symlink', linkTarget: 'd' },
  );

  test('that are damaged give a typed error or a tree', () => {
    const repo = Repo.open(newRepo('archive').path, { fs: quietFs() });
    fc.assert(
      fc.property(damaged(valid), (bytes) => {
        const transaction = repo.beginTransaction();
        try {
          tolerate(() => importArchive(transaction, new MutableTree(), [bytes], { autocreateParents: true }));
        } finally {
          transaction.abort();
        }
      }),
      { numRuns: runs },
    );
  });

  test.each([
    ['../escape', 'file'],
    ['/absolute', 'file'],
    ['a/../../escape', 'file'],
    ['link/through', 'file'],
  ] as const)('with %s write nothing outside', (path, type) => {
    const repo = newRepo('archive');
    const outside = join(repo.path, '..');
    const bytes = tar(
      { ...plain, path: 'link', type: 'symlink', linkTarget: '../..' },
      { ...plain, path, type, size: 1, content: [Buffer.from('x')] },
    );
    const before = readdirSync(outside);
    mkdirSync(join(outside, 'cwd'));
    tolerate(() =>
      repo.transaction((transaction) => {
        const root = new MutableTree();
        importArchive(transaction, root, [bytes], { autocreateParents: true });
        transaction.writeTree(root);
      }),
    );
    expect(readdirSync(outside).sort()).toEqual([...before, 'cwd'].sort());
    expect(existsSync('/absolute')).toBe(false);
  });
});
