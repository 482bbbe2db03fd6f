import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TarMember, writeTar } from '@coppice/archive';
import { isCoppiceError } from '@coppice/base';
import { type ArchiveImportOptions, exportArchive, importArchive, MutableTree, Repo } from '@coppice/ostree';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'coppice-import-'));
let repo: Repo;
beforeAll(() => {
  repo = Repo.create(join(folder, 'repo'), { mode: 'archive' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const common = { uid: 0, gid: 0, uname: '', gname: '', mtime: 0, devMajor: 0, devMinor: 0, xattrs: [], linkTarget: '' };
const dir = (path: string): TarMember => ({ ...common, path, type: 'directory', mode: 0o755, size: 0 });
const file = (path: string, text: string): TarMember => ({
  ...common,
  path,
  type: 'file',
  mode: 0o644,
  size: Buffer.byteLength(text),
  content: [Buffer.from(text)],
});
const link = (path: string, linkTarget: string, type: 'symlink' | 'hardlink' = 'symlink'): TarMember => ({
  ...common,
  path,
  type,
  mode: 0o777,
  size: 0,
  linkTarget,
});

function commit(bytes: Iterable<Uint8Array>, options: ArchiveImportOptions = {}): string {
  return repo.transaction((transaction) => {
    const tree = new MutableTree();
    importArchive(transaction, tree, bytes, options);
    return transaction.writeCommit({
      metadata: new Map(),
      parent: undefined,
      subject: '',
      body: '',
      timestamp: 0,
      ...transaction.writeTree(tree),
    });
  });
}

function paths(commit: string): string[] {
  return Array.from(repo.readTree(commit), (entry) => entry.path);
}

const tar = (...members: TarMember[]): Iterable<Uint8Array> => writeTar(members, { format: 'pax' });

describe('importing archives', () => {
  it('gives back what it exports', () => {
    const first = commit(tar(dir('.'), file('a', 'hi\n'), link('l', 'a'), dir('d'), file('d/f', 'x')));
    expect(paths(first)).toEqual(['/', '/a', '/l', '/d', '/d/f']);
    const again = commit(exportArchive(repo, first));
    expect(repo.loadCommit(again).tree).toBe(repo.loadCommit(first).tree);
  });

  it('makes parents when asked, and hard links whose target comes later', () => {
    const made = commit(tar(link('x/l', 'y/f', 'hardlink'), file('y/f', 'z')), { autocreateParents: true });
    expect(paths(made)).toEqual(['/', '/x', '/x/l', '/y', '/y/f']);
  });

  // The messages are those of ostree 2022.7 (which crashes on a path through a link).
  it.each<[string, TarMember[], string]>([
    ['leads out', [dir('.'), file('a/../../b', '')], `While making relative path "a/../../b":Invalid uplink '..'`],
    ['lacks a parent', [dir('.'), file('d/f', '')], 'No such file or directory: d'],
    [
      'lacks a target',
      [dir('.'), link('l', 'nope', 'hardlink')],
      'ostree-tar: Processing deferred hardlink nope: Failed to find object',
    ],
    ['goes through a link', [dir('.'), link('l', '/etc'), file('l/f', '')], 'No such file or directory: l'],
    [
      'has a device',
      [dir('.'), { ...common, path: 'c', type: 'char', mode: 0o600, size: 0 }],
      'Unsupported file type for path "c"',
    ],
    ['puts a file over a directory', [dir('.'), dir('x'), file('x', '')], "Can't replace directory with file: x"],
  ])('refuses an archive that %s', (_, members, message) => {
    expect(() => commit(tar(...members))).toThrow(message);
  });

  it('meets damaged archives with its own errors, and writes nothing outside', () => {
    const whole = Buffer.concat([
      ...tar(dir('.'), file('a', 'hi\n'), link('l', 'a'), dir('d'), file('d/f', 'x'.repeat(2000))),
    ]);
    const edits = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(edits, fc.nat(whole.length), fc.boolean(), (list, cut, autocreateParents) => {
        const bytes = Buffer.from(whole.subarray(0, cut));
        for (const [at, byte] of list) if (at < bytes.length) bytes[at] = byte;
        try {
          repo.transaction((transaction) => {
            importArchive(transaction, new MutableTree(), [bytes], { autocreateParents });
          });
        } catch (error) {
          expect(isCoppiceError(error) && error.code !== 'Bug' ? '' : String(error)).toBe('');
        }
      }),
      { seed: 21, numRuns: 400 },
    );
    expect(readdirSync(folder)).toEqual(['repo']);
  });
});
