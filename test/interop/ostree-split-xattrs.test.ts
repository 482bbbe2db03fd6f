// Reading a bare-split-xattrs repository, beside the original: the suite's fixture, and one made out of a bare repository.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addAttributes } from './ostree-identical.ts';
import { ours, theirs } from './ostree-runners.ts';
import { splitXattrs } from './ostree-split.ts';
import { describeTree, originalOutput, scratch, skipReason } from './ostree-support.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);
const fixture = '/usr/libexec/installed-tests/libostree/bare-split-xattrs-basic.tar.xz';

describe.skipIf(skipReason !== undefined)('bare-split-xattrs', () => {
  const { path: base, remove } = scratch();
  const made = join(base, 'made');
  afterAll(remove);
  beforeAll(() => {
    const tree = join(base, 'tree');
    mkdirSync(join(tree, 'd'), { recursive: true });
    addAttributes(tree);
    writeFileSync(join(tree, 'd/plain'), 'plain');
    writeFileSync(join(tree, 'empty'), '');
    symlinkSync('d/plain', join(tree, 'link'));
    originalOutput('init', `--repo=${made}`, '--mode=bare');
    originalOutput(`--repo=${made}`, 'commit', '-b', 'main', '--timestamp=@1', tree);
    splitXattrs(made);
    if (existsSync(fixture)) spawnSync('tar', ['--same-permissions', '--same-owner', '-xaf', fixture, '-C', base]);
  });

  const calls: readonly (readonly string[])[] = [
    ['refs'],
    ['log', 'REV'],
    ['show', 'REV'],
    ['show', '--raw', 'REV'],
    ['ls', '-RCX', 'REV'],
    ['fsck', '-q'],
    ['fsck', '--all'],
    ['export', 'REV'],
    ['prune', '--refs-only', '--no-prune'],
    ['commit', '--orphan', 'BASE/tree'],
  ];

  test.each([
    ["the suite's", 'repo', 'd614c428015227259031b0f19b934dade908942fd71c49047e0daa70e7800a5d'],
    ['a made one', 'made', 'main'],
  ])('%s', async (_name, folder, rev) => {
    const repo = join(base, folder);
    if (!existsSync(repo)) return;
    for (const call of calls) {
      const args = [`--repo=${repo}`, ...call.map((word) => word.replace('REV', rev).replace('BASE', base))];
      expect([call, await ours(args)]).toEqual([call, await theirs(args)]);
    }
    for (const flags of [[], ['-U'], ['-U', '-H'], ['-H'], ['-C'], ['-U', '-C'], ['-U', '-M']]) {
      const seen: unknown[] = [];
      for (const [side, runner] of [
        ['theirs', theirs],
        ['ours', ours],
      ] as const) {
        const out = join(base, `out-${side}`);
        const said = await runner([`--repo=${repo}`, 'checkout', ...flags, rev, out]);
        seen.push([flags, said, said.status === 0 ? describeTree(out, { times: true, links: true }) : []]);
        spawnSync('rm', ['-rf', out]);
      }
      expect(seen[1]).toEqual(seen[0]);
    }
    // Other modes take what it holds.
    const copies = [];
    for (const [side, runner] of [
      ['theirs', theirs],
      ['ours', ours],
    ] as const) {
      const copy = join(base, `copy-${folder}-${side}`);
      await runner([`--repo=${copy}`, 'init', '--mode=archive']);
      copies.push([
        await runner([`--repo=${copy}`, 'pull-local', repo, rev]),
        originalOutput(`--repo=${copy}`, 'ls', '-RCX', rev),
      ]);
      originalOutput(`--repo=${copy}`, 'fsck', '-q');
    }
    expect(copies[1]).toEqual(copies[0]);
  });
});
