import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Variant, VariantDict } from '@coppice/gvariant';
import { describe, expect, test } from 'vitest';
import { checkout, deleteCommit, diffTrees, MutableTree, prune, Repo, type RepoMode, runFsck } from '../src/index.ts';
import { commitFolder, goldenMetadata, goldenTree, newFolder, newRepo, writeTree } from './tree.ts';

const golden = '87a1799a138a423b584c7e78c08c58231fb69d7e71e529525efc88305befe0a1';
const goldenOptions = { ref: 'main', subject: 'sub', body: 'body', timestamp: 1700000000, metadata: goldenMetadata };
// bare would need root for owner 0:0; the tests against the original have it.
const modes: readonly RepoMode[] = ['bare-user', 'bare-user-only', 'archive'];

describe.each(modes)('%s', (mode) => {
  test('the golden tree gets the checksum that the original gives it', () => {
    const repo = newRepo(mode);
    const commit = commitFolder(repo, writeTree(newFolder(), goldenTree), goldenOptions);
    expect(commit).toBe(golden);
    expect(repo.resolveRev('main')).toBe(golden);
    expect(runFsck(repo)).toEqual({ commits: 1, partial: 0, partialByFsck: 0, corrupt: false });
    expect(Array.from(repo.readTree(commit), ({ path, type }) => `${type} ${path}`)).toEqual([
      'directory /',
      'file /a.txt',
      'file /empty',
      'file /lnk',
      'directory /d',
      'file /d/run',
    ]);
    expect(repo.readFileBytes(commit, '/a.txt')?.toString()).toBe('hi\n');
    expect(repo.readFileBytes(commit, '/lnk')).toBeUndefined();
    expect(repo.readFileBytes(commit, '/d/none')).toBeUndefined();
  });

  test('a second commit of the same tree writes only the commit', () => {
    const repo = newRepo(mode);
    const folder = writeTree(newFolder(), goldenTree);
    commitFolder(repo, folder, { timestamp: 1 });
    repo.transaction((transaction) => {
      const root = new MutableTree();
      transaction.writeDirectory(folder, root, { canonicalPermissions: true });
      transaction.writeTree(root);
      expect(transaction.stats).toMatchObject({ metadataWritten: 0, contentTotal: 4, contentWritten: 0 });
    });
  });

  test('contents of every size come back', () => {
    const repo = newRepo(mode);
    const sizes = [0, 1, 1023, 65536, 1048575, 1048576, 1048577, 20 * 1048576];
    const folder = newFolder();
    for (const size of sizes) writeFileSync(join(folder, `f${size}`), Buffer.alloc(size, `line ${size}\n`));
    const commit = commitFolder(repo, folder);
    const out = join(newFolder(), 'out');
    checkout(repo, { commit, dest: out, mode: 'user' });
    for (const size of sizes) {
      expect(readFileSync(join(out, `f${size}`)).equals(readFileSync(join(folder, `f${size}`)))).toBe(true);
    }
    expect(runFsck(repo).corrupt).toBe(false);
  });

  test('damage is found, told and, on request, removed', () => {
    const repo = newRepo(mode);
    const commit = commitFolder(repo, writeTree(newFolder(), goldenTree), { ref: 'main' });
    const [entry] = Array.from(repo.readTree(commit, '/d/run'));
    const object = repo.findObject('file', entry!.checksum)!.path;
    const bytes = readFileSync(object);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(object, bytes);
    expect(() => runFsck(repo)).toThrow(`In commits ${commit}: fsck content object ${entry!.checksum}: `);
    const events: string[] = [];
    const result = runFsck(repo, { delete: true }, (event) => events.push(event.type));
    expect(result).toMatchObject({ corrupt: true, partialByFsck: 1 });
    expect(events).toContain('marked-partial');
    expect(repo.partialReason(commit)).toBe('fsck');
    expect(runFsck(repo)).toMatchObject({ commits: 0, partial: 1, partialByFsck: 1, corrupt: false });
  });
});

describe('transactions', () => {
  test('what was staged before a failure is taken up again', () => {
    const repo = newRepo('archive');
    const folder = writeTree(newFolder(), goldenTree);
    expect(() =>
      repo.transaction((transaction) => {
        transaction.writeDirectory(folder, new MutableTree(), { canonicalPermissions: true });
        throw new Error('enough');
      }),
    ).toThrow('enough');
    expect(Array.from(repo.objects())).toEqual([]);
    repo.transaction((transaction) => {
      expect(transaction.resumed).toBe(true);
      transaction.writeDirectory(folder, new MutableTree(), { canonicalPermissions: true });
      expect(transaction.stats.contentWritten).toBe(0);
    });
    expect(Array.from(repo.objects()).length).toBeGreaterThan(4);
    expect(readdirSync(join(repo.path, 'tmp'))).toEqual(['cache']);
  });

  test('a wrong checksum stores nothing', () => {
    const repo = newRepo('archive');
    const header = { uid: 0, gid: 0, mode: 0o100644, symlinkTarget: '', xattrs: [] };
    repo.transaction((transaction) => {
      expect(() => transaction.writeContent(header, Buffer.from('x'), '0'.repeat(64))).toThrow(
        "Corrupted file object; checksum expected='0000",
      );
      expect(() => transaction.writeContent(header, [Buffer.from('x')], '0'.repeat(64))).toThrow('Corrupted file');
      expect(() => transaction.writeMetadata('dirtree', Buffer.from([0]), '0'.repeat(64))).toThrow('Corrupted dirtree');
      expect(() => transaction.writeMetadata('dirtree', Buffer.from([1, 2, 3]))).toThrow('Not normal form');
    });
    expect(Array.from(repo.objects())).toEqual([]);
  });

  test('space that must stay free is not written to', () => {
    const repo = newRepo('archive');
    repo.config.setString('core', 'min-free-space-size', '8000TB');
    repo.writeConfig();
    const folder = writeTree(newFolder(), goldenTree);
    expect(() => commitFolder(repo, folder)).toThrow('min-free-space-size 8388608000MB would be exceeded, at least');
    expect(readdirSync(join(repo.path, 'tmp')).filter((name) => !name.endsWith('-lock'))).toEqual(['cache']);
  });

  test('one at a time', () => {
    const repo = newRepo('archive');
    repo.transaction(() => {
      expect(() => repo.beginTransaction()).toThrow('running already');
    });
  });

  test('prune waits for a transaction of another process, and gives up', () => {
    const repo = newRepo('archive');
    repo.config.setInteger('core', 'lock-timeout-secs', 0);
    repo.writeConfig();
    const other = Repo.open(repo.path);
    repo.transaction(() => {
      expect(() => prune(other)).toThrow('Locking repo exclusive failed: Resource temporarily unavailable');
    });
    expect(prune(other).pruned).toBe(0);
  });
});

describe('refs', () => {
  const commit = 'a'.repeat(64);
  test('are listed, resolved, aliased and deleted', () => {
    const repo = newRepo('archive');
    repo.setRef('a/b', commit);
    repo.setRef('origin:x/y', commit);
    repo.setRefAlias('alias', 'a/b');
    writeFileSync(join(repo.path, 'refs/heads/.hidden'), 'junk');
    expect(new Map([...repo.listRefs()].sort())).toEqual(
      new Map([
        ['a/b', commit],
        ['alias', commit],
        ['origin:x/y', commit],
      ]),
    );
    expect(repo.listRefs(undefined, { aliases: true })).toEqual(new Map([['alias', 'a/b']]));
    expect([...repo.listRefs('a', { cutPrefix: true }).keys()]).toEqual(['b']);
    expect([...repo.listRefs('a').keys()]).toEqual(['a/b']);
    expect(repo.resolveRev('x/y')).toBe(commit);
    expect(() => repo.resolveRev('none')).toThrow("Refspec 'none' not found");
    repo.setRef('a/b', null);
    expect(repo.tryResolveRev('a/b')).toBeUndefined();
    repo.setRef('a', commit);
    expect(() => repo.setRef('a/c', commit)).toThrow('Conflict: a exists under a');
  });

  test.each(['../x', '/x', 'a//b', 'a/../b', '.x', 'a b', '', 'x:y:z', 'a\0b', '€'])('%j is no ref', (name) => {
    const repo = newRepo('archive');
    expect(() => repo.setRef(name, commit)).toThrow(/Invalid ref/);
  });

  test('a checksum is no ref name', () => {
    expect(() => newRepo('archive').setRef(commit, commit)).toThrow('looks like a checksum');
  });

  test('prefixes and parents resolve', () => {
    const repo = newRepo('archive');
    const folder = writeTree(newFolder(), goldenTree);
    const first = commitFolder(repo, folder);
    const second = commitFolder(repo, folder, { parent: first, ref: 'main' });
    expect(repo.resolveRev('main^')).toBe(first);
    expect(repo.resolveRev(second.slice(0, 12))).toBe(second);
    expect(() => repo.resolveRev('main^^')).toThrow(`Commit ${first} has no parent`);
  });
});

describe('opening', () => {
  test.each([
    ['[core]\nrepo_version=2\nmode=bare\n', "Invalid repository version '2'"],
    ['[core]\nrepo_version=1\nmode=odd\n', "Invalid mode 'odd' in repository configuration"],
    ['[core]\nrepo_version=1\nmin-free-space-size=5KB\n', "Invalid min-free-space-size '5KB'"],
    ['[core]\nrepo_version=1\nmin-free-space-percent=100\n', 'Invalid min-free-space-percent'],
    ['no group', ''],
  ])('refuses %j', (config, message) => {
    const repo = newRepo('archive');
    writeFileSync(join(repo.path, 'config'), config);
    expect(() => Repo.open(repo.path)).toThrow(message);
  });

  test('nothing there', () => {
    expect(() => Repo.open(newFolder())).toThrow('opendir(objects): No such file or directory');
  });

  test('a parent lends objects and refs', () => {
    const parent = newRepo('archive');
    const commit = commitFolder(parent, writeTree(newFolder(), goldenTree), { ref: 'main' });
    const child = newRepo('archive');
    child.config.setString('core', 'parent', parent.path);
    child.writeConfig();
    const opened = Repo.open(child.path);
    expect(opened.resolveRev('main')).toBe(commit);
    expect(opened.readFileBytes(commit, '/a.txt')?.toString()).toBe('hi\n');
    expect(Array.from(opened.objects())).toEqual([]);
  });
});

describe('trees', () => {
  test('names that are not UTF-8 and special files are refused', () => {
    const repo = newRepo('archive');
    const folder = newFolder();
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x41])]), 'x');
    expect(() => commitFolder(repo, folder)).toThrow('Invalid UTF-8');
  });

  test('changes keep what was not touched', () => {
    const repo = newRepo('archive');
    const first = commitFolder(repo, writeTree(newFolder(), { ...goldenTree, 'e/f/g': 'deep' }));
    const second = repo.transaction((transaction) => {
      const root = MutableTree.fromCommit(repo, first);
      root.remove('empty');
      root.ensureDir('e').ensureDir('f').replaceFile('h', root.files.get('a.txt')!);
      expect(() => root.ensureDir('a.txt')).toThrow('file with directory');
      expect(() => root.replaceFile('d', first)).toThrow('directory with file');
      expect(() => root.replaceFile('../x', first)).toThrow('Invalid');
      return transaction.writeCommit({
        metadata: new VariantDict([['k', Variant.string('v')]]),
        parent: first,
        subject: '',
        body: '',
        timestamp: 0,
        ...transaction.writeTree(root),
      });
    });
    expect(Array.from(diffTrees(repo, first, second), ({ type, path }) => `${type} ${path}`)).toEqual([
      'added /e/f/h',
      'removed /empty',
    ]);
    expect(Array.from(diffTrees(repo, first, first))).toEqual([]);
  });

  test('a directory without metadata is no tree', () => {
    const repo = newRepo('archive');
    expect(() => repo.transaction((t) => t.writeTree(new MutableTree()))).toThrow("Can't commit an empty tree");
  });

  test('filters leave out, change and may not change the type', () => {
    const repo = newRepo('archive');
    const folder = writeTree(newFolder(), goldenTree);
    const commit = commitFolder(repo, folder, {
      modifier: {
        filter: (path, entry) =>
          path === '/d' ? 'skip' : path === '/a.txt' ? { ...entry, uid: 7, mode: 0o104711 } : 'allow',
      },
    });
    const entries = Array.from(repo.readTree(commit));
    expect(entries.map(({ path }) => path)).toEqual(['/', '/a.txt', '/empty', '/lnk']);
    const file = entries[1]!;
    expect(file.type === 'file' && file.load().header).toMatchObject({ uid: 7, mode: 0o104711 });
    const broken = {
      filter: (_path: string, entry: { uid: number; gid: number; mode: number }) => ({ ...entry, mode: 0o644 }),
    };
    expect(() => commitFolder(repo, folder, { modifier: broken })).toThrow('file type');
  });
});

describe('checkout', () => {
  test('refuses a destination that exists, and a way out of it', () => {
    const repo = newRepo('bare-user-only');
    const commit = commitFolder(repo, writeTree(newFolder(), goldenTree));
    const dest = newFolder();
    expect(() => checkout(repo, { commit, dest, mode: 'user' })).toThrow('mkdirat: File exists');
    const outside = newFolder();
    symlinkSync(outside, join(dest, 'd'));
    expect(() => checkout(repo, { commit, dest, mode: 'user', overwrite: 'union' })).toThrow(
      'opendir(d): Not a directory',
    );
    expect(readdirSync(outside)).toEqual([]);
    const other = newFolder();
    mkdirSync(join(other, 'real'));
    symlinkSync('real', join(other, 'd'));
    checkout(repo, { commit, dest: other, mode: 'user', overwrite: 'union' });
    expect(readdirSync(join(other, 'real'))).toEqual(['run']);
  });

  test('links, copies on request, and never shares empty files', () => {
    const repo = newRepo('bare-user-only');
    const commit = commitFolder(repo, writeTree(newFolder(), goldenTree));
    const at = (options: object): string => {
      const dest = join(newFolder(), 'out');
      checkout(repo, { commit, dest, mode: 'user', ...options });
      return dest;
    };
    const linked = at({});
    expect(statSync(join(linked, 'a.txt')).nlink).toBe(2);
    expect(statSync(join(linked, 'empty')).nlink).toBe(1);
    expect(statSync(join(linked, 'd')).mtimeMs).toBe(0);
    expect(statSync(join(at({ forceCopy: true }), 'a.txt')).nlink).toBe(1);
    expect(readdirSync(at({ subpath: '/d' }))).toEqual(['run']);
    expect(readdirSync(at({ subpath: '/a.txt' }))).toEqual(['a.txt']);
    expect(readdirSync(at({ filter: (path: string) => (path === '/d' ? 'skip' : 'allow') })).sort()).toEqual([
      'a.txt',
      'empty',
      'lnk',
    ]);
  });

  test('overwrite modes', () => {
    const repo = newRepo('archive');
    const commit = commitFolder(repo, writeTree(newFolder(), goldenTree));
    const at = (overwrite: 'union' | 'add' | 'identical', text: string): string => {
      const dest = writeTree(newFolder(), { 'a.txt': text, extra: 'kept' });
      checkout(repo, { commit, dest, mode: 'user', overwrite });
      expect(readFileSync(join(dest, 'extra'), 'utf8')).toBe('kept');
      return readFileSync(join(dest, 'a.txt'), 'utf8');
    };
    expect(at('union', 'mine')).toBe('hi\n');
    expect(at('add', 'mine')).toBe('mine');
    expect(at('identical', 'hi\n')).toBe('hi\n');
    expect(() => at('identical', 'ho\n')).toThrow('File exists');
  });

  test('whiteouts remove what they name', () => {
    const repo = newRepo('archive');
    const commit = commitFolder(
      repo,
      writeTree(newFolder(), { '.wh.gone': '', 'opaque/.wh..wh..opq': '', 'opaque/new': 'n', '.wh...': '' }),
    );
    const dest = writeTree(newFolder(), { gone: 'x', 'opaque/old': 'o', stays: 's' });
    checkout(repo, { commit, dest, mode: 'user', overwrite: 'union', whiteouts: true });
    expect(readdirSync(dest).sort()).toEqual(['opaque', 'stays']);
    expect(readdirSync(join(dest, 'opaque'))).toEqual(['new']);
  });
});

describe('prune', () => {
  test('keeps what refs reach to the depth asked for', () => {
    const repo = newRepo('archive');
    const folder = newFolder();
    let parent: string | undefined;
    const commits: string[] = [];
    for (let i = 0; i < 4; i++) {
      writeFileSync(join(folder, 'file'), `version ${i}`);
      parent = commitFolder(repo, folder, { ref: 'main', timestamp: i, ...(parent === undefined ? {} : { parent }) });
      commits.push(parent);
    }
    const left = (): string[] => commits.filter((commit) => repo.hasObject('commit', commit));
    expect(prune(repo, { refsOnly: true }).pruned).toBe(0);
    expect(prune(repo, { refsOnly: true, depth: 1, noPrune: true }).pruned).toBe(6);
    expect(left()).toEqual(commits);
    expect(prune(repo, { refsOnly: true, depth: 1 }).pruned).toBe(6);
    expect(left()).toEqual(commits.slice(2));
    expect(() => deleteCommit(repo, commits[3]!)).toThrow(`Commit '${commits[3]}' is referenced by 'main'`);
    deleteCommit(repo, commits[2]!);
    expect(repo.hasObject('tombstone-commit', commits[2]!)).toBe(true);
    expect(readFileSync(join(repo.path, 'config'), 'utf8')).toContain('tombstone-commits=true');
  });

  test('old leftovers in tmp go, the cache stays', () => {
    const repo = newRepo('archive');
    const old = join(repo.path, 'tmp/old');
    writeFileSync(old, 'x');
    utimesSync(old, 0, 0);
    writeFileSync(join(repo.path, 'tmp/fresh'), 'x');
    repo.transaction(() => {});
    expect(readdirSync(join(repo.path, 'tmp')).sort()).toEqual(['cache', 'fresh']);
    expect(lstatSync(join(repo.path, 'tmp/cache')).isDirectory()).toBe(true);
  });
});
