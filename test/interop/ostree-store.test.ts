// Commits, objects on disk and checkouts, byte for byte against the original.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Variant } from '@coppice/gvariant';
import {
  type CheckoutOptions,
  type CommitModifier,
  checkout,
  diffTrees,
  MutableTree,
  prune,
  Repo,
  type RepoMode,
  runFsck,
} from '@coppice/ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeTree, oddTree, original, originalOutput, scratch, skipReason } from './ostree-support.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);
const modes: readonly RepoMode[] = ['bare', 'bare-user', 'bare-user-only', 'archive'];

/** Names, modes, owners, attributes and content of every object; the deflate bytes of `.filez` may differ. */
function objects(repo: string): string[] {
  const out: string[] = [];
  for (const line of describeTree(join(repo, 'objects'))) {
    const path = line.slice(0, line.indexOf(' '));
    if (!path.endsWith('.filez')) {
      out.push(line);
      continue;
    }
    const bytes = readFileSync(join(repo, 'objects', path));
    out.push(
      `${line.split(' ').slice(0, 6).join(' ')} ${bytes.subarray(0, 8 + bytes.readUInt32BE(0)).toString('hex')}`,
    );
  }
  return out;
}

function commit(repo: Repo, folder: string, modifier: CommitModifier = {}): string {
  return repo.transaction((transaction) => {
    const root = new MutableTree();
    transaction.writeDirectory(folder, root, modifier);
    const checksum = transaction.writeCommit({
      metadata: new Map([['ostree.ref-binding', Variant.strings(['main'])]]),
      parent: undefined,
      subject: 'subject',
      body: '',
      timestamp: 1234567890,
      ...transaction.writeTree(root),
    });
    transaction.setRef('main', checksum);
    return checksum;
  });
}

const flags = ['commit', '-b', 'main', '-s', 'subject', '--timestamp=@1234567890'];

describe.skipIf(skipReason !== undefined)('against the original', () => {
  const { path: base, remove } = scratch();
  const tree = join(base, 'tree');
  afterAll(remove);
  beforeAll(() => oddTree(tree));

  describe.each(modes)('%s', (mode) => {
    const theirs = join(base, `theirs-${mode}`);
    const ours = join(base, `ours-${mode}`);

    test('the same tree gives the same commit and the same objects on disk', () => {
      originalOutput('init', `--repo=${theirs}`, `--mode=${mode}`);
      const repo = Repo.create(ours, { mode });
      expect(readFileSync(join(ours, 'config'), 'utf8')).toBe(readFileSync(join(theirs, 'config'), 'utf8'));
      const wanted = originalOutput(`--repo=${theirs}`, ...flags, tree).trim();
      expect(commit(repo, tree)).toBe(wanted);
      expect(objects(ours)).toEqual(objects(theirs));
      for (const line of describeTree(join(ours, 'objects'), { times: true })) {
        if (/\.file .*? now /.test(line) && !/ 1207/.test(line))
          throw new Error(`mtime is not 0: ${line.slice(0, 120)}`);
      }
      originalOutput(`--repo=${ours}`, 'fsck');
      expect(runFsck(Repo.open(theirs)).corrupt).toBe(false);
    });

    test.each<[string, string[], CommitModifier]>([
      ['canonical permissions', ['--canonical-permissions'], { canonicalPermissions: true }],
      ['no xattrs', ['--no-xattrs'], { skipXattrs: true }],
      ['owner', ['--owner-uid=12', '--owner-gid=13'], { filter: (_path, entry) => ({ ...entry, uid: 12, gid: 13 }) }],
    ])('%s', (_name, extra, modifier) => {
      const wanted = originalOutput(`--repo=${theirs}`, ...flags, '--parent=none', ...extra, tree).trim();
      expect(commit(Repo.open(ours), tree, modifier)).toBe(wanted);
      originalOutput(`--repo=${theirs}`, ...flags, '--parent=none', tree);
      commit(Repo.open(ours), tree);
    });

    test.each<[string[], Partial<CheckoutOptions>]>([
      [[], {}],
      [['-U'], { mode: 'user', uncompressedCache: true }],
      [['-C'], { forceCopy: true }],
      [['-U', '-C'], { mode: 'user', forceCopy: true }],
      [['-H'], { noCopyFallback: true }],
      [['-U', '-H'], { mode: 'user', noCopyFallback: true }],
      [['-U', '-M'], { mode: 'user', bareUserOnlyDirs: true }],
      [['--subpath=/d'], { subpath: '/d' }],
      [['--subpath=/capable'], { subpath: '/capable' }],
    ])('checkout %j', (extra, options) => {
      const [a, b] = [join(base, 'out-theirs'), join(base, 'out-ours')];
      for (const path of [a, b]) rmSync(path, { recursive: true, force: true });
      const run = original(`--repo=${theirs}`, 'checkout', ...extra, 'main', a);
      const repo = Repo.open(theirs);
      let message = '';
      try {
        checkout(repo, { commit: repo.resolveRev('main'), dest: b, ...options });
      } catch (error) {
        message = `error: ${(error as Error).message}\n`;
      }
      expect(message).toBe(run.stderr);
      if (run.status === 0) expect(describeTree(b, { times: true })).toEqual(describeTree(a, { times: true }));
      const linked = (root: string): string[] => linkedPaths(root);
      if (run.status === 0) expect(linked(b)).toEqual(linked(a));
    });

    test.each<[string[], CheckoutOptions['overwrite']]>([
      [['--union'], 'union'],
      [['--union-add'], 'add'],
    ])('over what is there %j', (extra, overwrite) => {
      const [a, b] = [join(base, 'over-theirs'), join(base, 'over-ours')];
      for (const path of [a, b]) {
        rmSync(path, { recursive: true, force: true });
        spawnSync('mkdir', ['-p', join(path, 'd')]);
        writeFileSync(join(path, 'a.txt'), 'other\n');
        writeFileSync(join(path, 'extra'), 'kept');
        writeFileSync(join(path, 'd/run'), '');
      }
      originalOutput(`--repo=${theirs}`, 'checkout', '-U', ...extra, 'main', a);
      const repo = Repo.open(theirs);
      checkout(repo, {
        commit: repo.resolveRev('main'),
        dest: b,
        mode: 'user',
        uncompressedCache: true,
        ...(overwrite === undefined ? {} : { overwrite }),
      });
      expect(describeTree(b)).toEqual(describeTree(a));
    });
  });

  test('names that are not UTF-8, and special files, are refused by both', () => {
    const odd = join(base, 'bytes');
    spawnSync('mkdir', [odd]);
    writeFileSync(Buffer.concat([Buffer.from(`${odd}/`), Buffer.from([0x41, 0xff])]), 'x');
    expect(original(`--repo=${join(base, 'theirs-archive')}`, 'commit', '-b', 'x', odd).status).not.toBe(0);
    expect(() => commit(Repo.open(join(base, 'ours-archive')), odd)).toThrow();
    const special = join(base, 'special');
    spawnSync('mkdir', [special]);
    spawnSync('mkfifo', [join(special, 'pipe')]);
    const { stderr } = original(`--repo=${join(base, 'theirs-archive')}`, 'commit', '-b', 'x', special);
    expect(() => commit(Repo.open(join(base, 'ours-archive')), special)).toThrow(stderr.replace('error: ', '').trim());
  });

  test('prune deletes the same objects and counts the same', () => {
    const [a, b] = [join(base, 'prune-theirs'), join(base, 'prune-ours')];
    originalOutput('init', `--repo=${a}`, '--mode=archive');
    const folder = join(base, 'versions');
    spawnSync('mkdir', [folder]);
    for (let i = 0; i < 5; i++) {
      writeFileSync(join(folder, `file${i % 3}`), `version ${i}`);
      originalOutput(`--repo=${a}`, 'commit', '-b', i % 2 === 0 ? 'even' : 'odd', folder);
    }
    originalOutput(`--repo=${a}`, 'refs', '--delete', 'odd');
    spawnSync('cp', ['-a', a, b]);
    const said = originalOutput(`--repo=${a}`, 'prune', '--refs-only', '--depth=1');
    const result = prune(Repo.open(b), { refsOnly: true, depth: 1 });
    expect(said).toContain(`Total objects: ${result.total}\n`);
    expect(said).toContain(`Deleted ${result.pruned} objects`);
    expect(objects(b)).toEqual(objects(a));
  });

  test('diff lists what the original lists', () => {
    const repo = join(base, 'diff');
    originalOutput('init', `--repo=${repo}`, '--mode=archive');
    const one = originalOutput(`--repo=${repo}`, ...flags, tree).trim();
    const changed = join(base, 'changed');
    spawnSync('cp', ['-a', tree, changed]);
    rmSync(join(changed, 'd/deep'), { recursive: true });
    writeFileSync(join(changed, 'a.txt'), 'ho\n');
    spawnSync('mkdir', ['-p', join(changed, 'fresh/er')]);
    writeFileSync(join(changed, 'fresh/er/file'), 'new');
    const two = originalOutput(`--repo=${repo}`, ...flags, changed).trim();
    const theirs = originalOutput(`--repo=${repo}`, 'diff', one, two)
      .split('\n')
      .filter((line) => line !== '');
    const letters = { added: 'A', removed: 'D', modified: 'M' } as const;
    const listed = Array.from(diffTrees(Repo.open(repo), one, two));
    const lines = new Set(listed.map(({ type, path }) => `${letters[type]}    ${path}`));
    for (const line of theirs) expect(lines).toContain(line);
  });
});

function linkedPaths(root: string): string[] {
  const out: string[] = [];
  const visit = (path: string): void => {
    const stat = lstatSync(join(root, path));
    if (stat.isFile() && stat.nlink > 1) out.push(path);
    if (stat.isDirectory()) for (const name of readdirSync(join(root, path)).sort()) visit(`${path}/${name}`);
  };
  if (existsSync(root)) visit('');
  return out;
}
