// What pull-local says of a repository that lacks objects or has damaged ones, and what it links, beside the original.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ours, theirs } from './ostree-runners.ts';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

const modes = ['archive', 'bare', 'bare-user', 'bare-user-only'] as const;
type Mode = (typeof modes)[number];

describe.skipIf(skipReason !== undefined)(`pull-local that fails (${skipReason ?? 'ostree found'})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);
  const paths = new Map<string, string>();

  beforeAll(() => {
    mkdirSync(at('tree/dir'), { recursive: true });
    writeFileSync(at('tree/plain'), 'plain\n');
    writeFileSync(at('tree/dir/large'), Buffer.alloc(300_000, 'large '));
    for (const mode of modes) {
      const repo = at(mode);
      originalOutput('init', `--repo=${repo}`, `--mode=${mode}`);
      const owner = ['--owner-uid=0', '--owner-gid=0', '--no-xattrs', '--timestamp=@1'];
      const commit = originalOutput(`--repo=${repo}`, 'commit', '-b', 'main', ...owner, at('tree')).trim();
      const checksum = (path: string, field: number): string =>
        originalOutput(`--repo=${repo}`, 'ls', '-C', '-d', 'main', path).trim().split(/ +/)[field]!;
      const place = (sum: string, end: string): string => `objects/${sum.slice(0, 2)}/${sum.slice(2)}.${end}`;
      const end = mode === 'archive' ? 'filez' : 'file';
      paths.set(`${mode} file`, place(checksum('/dir/large', 4), end));
      paths.set(`${mode} dirtree`, place(checksum('/dir', 4), 'dirtree'));
      paths.set(`${mode} dirmeta`, place(checksum('/dir', 5), 'dirmeta'));
      paths.set(`${mode} commit`, place(commit, 'commit'));
    }
  });
  afterAll(() => work.remove());

  /** A repository of its own to be damaged; nothing in it is linked. */
  function copyOf(mode: Mode): string {
    const copy = at('damaged');
    rmSync(copy, { recursive: true, force: true });
    execFileSync('cp', ['-a', at(mode), copy]);
    return copy;
  }

  /** The same from both; gives our status and where our repository is. */
  async function both(from: string, to: Mode, flags: readonly string[]): Promise<{ status: number; repo: string }> {
    const results = [];
    for (const side of ['theirs', 'ours'] as const) {
      const repo = at(`target-${side}`);
      rmSync(repo, { recursive: true, force: true });
      originalOutput('init', `--repo=${repo}`, `--mode=${to}`);
      const args = [`--repo=${repo}`, 'pull-local', ...flags, from, 'main'];
      results.push(side === 'theirs' ? theirs(args) : await ours(args));
    }
    const [original, mine] = results;
    expect(mine).toEqual(original);
    return { status: mine!.status, repo: at('target-ours') };
  }

  const pairs: readonly (readonly [Mode, Mode])[] = [
    ['bare', 'bare'],
    ['archive', 'archive'],
    ['archive', 'bare-user'],
    ['bare-user', 'bare-user-only'],
    ['bare-user', 'archive'],
    ['bare-user-only', 'bare-user-only'],
  ];
  test.each(pairs)('from %s to %s, of what is missing or damaged', async (from, to) => {
    for (const flags of [[], ['--untrusted']]) {
      for (const kind of ['file', 'dirtree', 'dirmeta', 'commit']) {
        const damaged = copyOf(from);
        const object = join(damaged, paths.get(`${from} ${kind}`)!);
        rmSync(object);
        expect((await both(damaged, to, flags)).status).toBe(1);
      }
    }
    const damaged = copyOf(from);
    appendFileSync(join(damaged, paths.get(`${from} file`)!), 'damage');
    await both(damaged, to, ['--untrusted']);
  });

  test('regular files of bare-user are linked into bare-user-only, whatever their attributes', async () => {
    const { repo, status } = await both(at('bare-user'), 'bare-user-only', []);
    expect(status).toBe(0);
    expect(statSync(join(repo, paths.get('bare-user file')!)).nlink).toBeGreaterThan(1);
  });
});
