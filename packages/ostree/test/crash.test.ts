import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isCoppiceError } from '@coppice/base';
import { describe, expect, test } from 'vitest';
import { checkout, prune, Repo, type RepoMode, runFsck } from '../src/index.ts';
import { cutFs, quietFs } from './cut-fs.ts';
import { commitFolder, newFolder, writeTree } from './tree.ts';

const points = Number(process.env['COPPICE_CRASH_POINTS'] ?? 12);

interface World {
  readonly base: string;
  readonly tree: string;
  readonly first: string;
}

/** A repository with one commit on `main`, and a tree that is different. */
function world(mode: RepoMode): World {
  const base = join(newFolder(), 'repo');
  const repo = Repo.create(base, { mode, fs: quietFs() });
  const leaves = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`d${i % 2}/f${i}`, `content ${i}\n`]));
  const tree = writeTree(newFolder(), leaves);
  const first = commitFolder(repo, tree, { ref: 'main' });
  writeTree(tree, { 'd0/new': 'something new\n', 'd2/more': 'x'.repeat(5000), 'd2/link': { link: 'more' } });
  return { base, tree, first };
}

function copyOf(base: string): string {
  const path = join(newFolder(), 'repo');
  cpSync(base, path, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  return path;
}

/** Runs `body` with every kind of cut, spread over all its changes; `check` sees what is left. */
function atEveryPoint(
  base: string,
  kind: 'killed' | 'full',
  body: (repo: Repo) => void,
  check: (path: string) => void,
): void {
  const whole = cutFs(Number.POSITIVE_INFINITY, kind);
  const dry = copyOf(base);
  body(Repo.open(dry, { fs: whole.fs, env: {} }));
  rmSync(dry, { recursive: true });
  const total = whole.count();
  expect(total).toBeGreaterThan(3);
  const step = Math.max(1, Math.floor(total / points));
  for (let after = 0; after < total; after += step) {
    const path = copyOf(base);
    const cut = cutFs(after, kind);
    try {
      body(Repo.open(path, { fs: cut.fs, env: {} }));
    } catch (error) {
      if (kind === 'full') expect(isCoppiceError(error) || (error as { code?: string }).code === 'ENOSPC').toBe(true);
    } finally {
      cut.die();
    }
    check(path);
    rmSync(path, { recursive: true });
  }
}

for (const mode of ['archive', 'bare-user-only'] as const) {
  for (const kind of ['killed', 'full'] as const) {
    describe(`${mode}, ${kind} at any point`, () => {
      test('a commit is there whole or not at all, and can be made again', () => {
        const { base, tree, first } = world(mode);
        const commit = (repo: Repo): string => commitFolder(repo, tree, { ref: 'main', parent: first, timestamp: 1 });
        const wanted = commit(Repo.open(copyOf(base), { fs: quietFs() }));
        atEveryPoint(base, kind, commit, (path) => {
          const repo = Repo.open(path, { fs: quietFs() });
          expect([first, wanted]).toContain(repo.resolveRev('main'));
          expect(runFsck(repo).corrupt).toBe(false);
          expect(commit(repo)).toBe(wanted);
          expect(runFsck(repo)).toMatchObject({ commits: 2, corrupt: false });
        });
      });

      test('prune loses nothing that a ref needs, and leaves no broken commit', () => {
        const { base, tree, first } = world(mode);
        const repo = Repo.open(base, { fs: quietFs() });
        const gone = commitFolder(repo, tree, { ref: 'gone', timestamp: 2 });
        writeTree(tree, { 'd3/later': 'only in the second commit' });
        commitFolder(repo, tree, { ref: 'gone', timestamp: 3, parent: gone });
        repo.setRef('gone', null);
        atEveryPoint(
          base,
          kind,
          (one) => void prune(one, { refsOnly: true }),
          (path) => {
            const one = Repo.open(path, { fs: quietFs() });
            expect(one.resolveRev('main')).toBe(first);
            checkout(one, { commit: first, dest: join(newFolder(), 'out'), mode: 'user' });
            expect(runFsck(one).corrupt).toBe(false);
            prune(one, { refsOnly: true });
            expect(runFsck(one)).toMatchObject({ commits: 1, corrupt: false });
          },
        );
      });
    });
  }
}

test('a checkout that was cut off can be finished with union', () => {
  const { base, first } = world('bare-user-only');
  const out = join(newFolder(), 'out');
  const run = (repo: Repo): void =>
    checkout(repo, { commit: first, dest: out, mode: 'user', overwrite: 'union', fs: repo.fs });
  const whole = cutFs(Number.POSITIVE_INFINITY, 'killed');
  run(Repo.open(copyOf(base), { fs: whole.fs, env: {} }));
  for (let after = 1; after < whole.count(); after++) {
    rmSync(out, { recursive: true, force: true });
    const path = copyOf(base);
    const cut = cutFs(after, 'killed');
    expect(() => run(Repo.open(path, { fs: cut.fs, env: {} }))).toThrow();
    cut.die();
    const repo = Repo.open(path, { fs: quietFs() });
    expect(runFsck(repo).corrupt).toBe(false);
    run(repo);
    rmSync(path, { recursive: true });
  }
});
