// Links by content, on a file system that shares extents: what we make and what the original makes, and each going on with
// what the other left.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Repo, type RepoMode, runFsck } from '@coppice/ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run } from '../../packages/coppice/src/ostree/main.ts';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

const { path: base, remove } = scratch();
const mounted = join(base, 'xfs');

/** Why not here: needs root, mkfs.xfs and a loop device, which containers often lack. */
const unable = ((): string | undefined => {
  if (skipReason !== undefined) return skipReason;
  const image = join(base, 'image');
  writeFileSync(image, '');
  truncateSync(image, 512 << 20);
  mkdirSync(mounted);
  if (spawnSync('mkfs.xfs', ['-q', '-m', 'reflink=1', image]).status !== 0) return 'mkfs.xfs is missing';
  if (spawnSync('mount', ['-o', 'loop', image, mounted]).status !== 0) return 'no loop device, or no xfs';
  return undefined;
})();
if (unable !== undefined) console.warn(`skipped: ${unable}`);

function links(repo: string): string[] {
  const out: string[] = [];
  for (const head of readdirSync(join(repo, 'objects')).sort())
    for (const name of readdirSync(join(repo, 'objects', head)).sort())
      if (name.endsWith('.payload-link'))
        out.push(`${head}/${name} -> ${readlinkSync(join(repo, 'objects', head, name))}`);
  return out;
}

async function ours(...args: string[]): Promise<string> {
  const stdout = memoryOutput();
  const env = { ...process.env, COPPICE_COMPAT: 'ostree=2022.7' };
  const status = await run(
    { program: 'ostree', env, cwd: mounted, stdin: { isTTY: false }, stdout, stderr: memoryOutput() },
    args,
  );
  expect(status).toBe(0);
  return stdout.text;
}

function usedBlocks(): number {
  spawnSync('sync', ['-f', mounted]);
  return Number(spawnSync('stat', ['-f', '-c', '%f', mounted], { encoding: 'utf8' }).stdout);
}

describe.skipIf(unable !== undefined)(`payload links ${unable ?? ''}`, () => {
  beforeAll(() => {
    for (const [name, mode] of [
      ['one', 0o644],
      ['two', 0o755],
    ] as const) {
      const tree = join(mounted, name);
      mkdirSync(tree);
      writeFileSync(join(tree, 'big'), Buffer.alloc(20_000_000, 'shared content '), { mode });
      writeFileSync(join(tree, 'small'), Buffer.alloc(100_000, 'less '), { mode });
      writeFileSync(join(tree, 'tiny'), 'under the threshold', { mode });
    }
  });
  afterAll(() => {
    if (unable === undefined) spawnSync('umount', ['--lazy', mounted]);
    remove();
  });

  // The original makes none in a bare-user-only repository, and none where attributes are left out.
  test.each<RepoMode>(['bare', 'bare-user'])('%s', async (mode) => {
    const theirs = join(mounted, `theirs-${mode}`);
    const mine = join(mounted, `ours-${mode}`);
    const commit = (repo: string, tree: string, second: number): string[] => [
      `--repo=${repo}`,
      'commit',
      '-b',
      'main',
      `--timestamp=@${second}`,
      join(mounted, tree),
    ];
    originalOutput('init', `--repo=${theirs}`, `--mode=${mode}`);
    originalOutput(`--repo=${theirs}`, 'config', 'set', 'core.payload-link-threshold', '1000');
    cpSync(theirs, mine, { recursive: true });
    const free = usedBlocks();
    expect(await ours(...commit(mine, 'one', 1))).toBe(originalOutput(...commit(theirs, 'one', 1)));
    expect(links(mine)).toEqual(links(theirs));
    expect(links(mine)).toHaveLength(2);
    const between = usedBlocks();
    // Each now takes the other's repository on.
    expect(await ours(...commit(theirs, 'two', 2))).toBe(originalOutput(...commit(mine, 'two', 2)));
    expect(links(mine)).toEqual(links(theirs));
    // The second commit takes no space for its contents, whoever wrote it.
    expect(between - usedBlocks()).toBeLessThan((free - between) / 10);
    for (const repo of [mine, theirs]) {
      expect(originalOutput(`--repo=${repo}`, 'fsck', '-q')).toContain('no errors found');
      expect(runFsck(Repo.open(repo)).corrupt).toBe(false);
    }
    // Pruned alike: links go with the last file they lead to.
    for (const repo of [mine, theirs]) originalOutput(`--repo=${repo}`, 'refs', '--delete', 'main');
    originalOutput(`--repo=${theirs}`, 'prune', '--refs-only');
    await ours(`--repo=${mine}`, 'prune', '--refs-only');
    expect(links(mine)).toEqual(links(theirs));
    originalOutput(`--repo=${mine}`, 'fsck');
  });
});
