import { randomFillSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StaticServer, serveStatic } from '@coppice/http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addRemote, CompressPool, type PullOptions, pull, Repo, runFsck } from '../src/index.ts';
import { commitIn, goldenTree, newFolder, writeTree } from './tree.ts';

// What a second thread stores is what one stores, and it is refused in the same words.

const env = { OSTREE_GPG_HOME: '/nonexistent', OSTREE_SKIP_CACHE: '1' };
const pool = new CompressPool({ startAfter: 0 });
let source: Repo;
let commit: string;
let server: StaticServer;
/** Paths that the server gives damaged. */
const damaged = new Map<string, (bytes: Buffer) => Buffer>();

beforeAll(async () => {
  source = Repo.create(join(newFolder(), 'source'), { mode: 'archive', env });
  const folder = writeTree(newFolder(), goldenTree);
  for (let i = 0; i < 40; i++) writeFileSync(join(folder, `small${i}`), `${i} `.repeat(i * 70));
  // Too large to travel in memory, and large once it is unpacked.
  writeFileSync(join(folder, 'noise'), randomFillSync(Buffer.alloc(1_500_000)));
  writeFileSync(join(folder, 'text'), Buffer.alloc(5_000_000, 'text '));
  commit = source.transaction((transaction) => {
    const made = commitIn(transaction, folder);
    transaction.setRef('main', made);
    return made;
  });
  server = await serveStatic(source.path, {
    intercept: (_request, response, path) => {
      const damage = damaged.get(path.replace(/^\//, ''));
      if (damage === undefined) return false;
      response.end(damage(readFileSync(join(source.path, path))));
      return true;
    },
  });
});
afterAll(async () => {
  await server.close();
  pool.close();
});

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder for one test: repositories are many small files, which are slow to delete all at once. */
function shortLived(): string {
  const folder = mkdtempSync(join(tmpdir(), 'coppice-threads-'));
  folders.push(folder);
  return folder;
}

function target(mode: 'archive' | 'bare' | 'bare-user' | 'bare-user-only'): Repo {
  const repo = Repo.create(join(shortLived(), 'target'), { mode, env });
  addRemote(repo, 'origin', { url: server.url, keys: [['gpg-verify', false]] });
  return repo;
}

function fetch(repo: Repo, options: Partial<PullOptions> = {}): ReturnType<typeof pull> {
  const quick = { fetcher: { sleep: async () => {}, env: {} }, retries: 0 };
  return pull(repo, { remote: 'origin', refs: ['main'], ...quick, ...options });
}

const timeless = (status: string | undefined): string | undefined => status?.replace(/ in \d+ seconds/, '');

describe.each(['archive', 'bare', 'bare-user', 'bare-user-only'] as const)('into a %s repository', (mode) => {
  const skipped = mode === 'bare' && process.getuid?.() !== 0;
  const cases: Partial<PullOptions>[] = [{ disableFsync: true }];
  if (mode === 'bare-user') cases.push({}, { bareUserOnlyFiles: true });
  test.skipIf(skipped).each(cases)(
    `the same objects with %j${skipped ? ' (owners can be set by root only)' : ''}`,
    async (options) => {
      const alone = target(mode);
      const together = target(mode);
      const [one, two] = [await fetch(alone, options), await fetch(together, { ...options, compressPool: pool })];
      expect(timeless(two.status)).toBe(timeless(one.status));
      expect(runFsck(together)).toMatchObject({ commits: 1, corrupt: false });
      expect(Array.from(together.objects()).sort()).toEqual(Array.from(alone.objects()).sort());
      expect(readdirSync(join(together.path, 'tmp')).filter((name) => name !== 'cache')).toEqual([]);
      expect(pool.busy).toBe(0);
    },
  );
});

describe.each(['bare-user-only'] as const)('%s: damage', (mode) => {
  const tail = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 40);
  const flip = (bytes: Buffer): Buffer => {
    bytes[bytes.length - 3]! ^= 0x55;
    return bytes;
  };
  const header = (at: number, value: number) => (bytes: Buffer) => {
    bytes[at] = value;
    return bytes;
  };
  test.each([
    ['cut', tail],
    ['flipped', flip],
    ['with another size', header(15, 1)],
    ['with a huge size', header(8, 0x10)],
    ['of another owner', header(19, 9)],
    ['of another kind', header(26, 0x20)],
    ['set-id', header(26, 0x89)],
    ['empty', () => Buffer.alloc(0)],
    ['three bytes', () => Buffer.from('abc')],
  ] as const)('an object that is %s', async (what, damage) => {
    const files = Array.from(source.readTree(commit)).filter((entry) => entry.type === 'file');
    // What goes through a file is refused in other words where its length or its header is wrong.
    for (const name of what === 'flipped' ? ['/small30', '/noise'] : ['/small30']) {
      const found = files.find((entry) => entry.path === name)!.checksum;
      damaged.set(`objects/${found.slice(0, 2)}/${found.slice(2)}.filez`, damage);
      try {
        const alone = target(mode);
        const together = target(mode);
        const failure = async (repo: Repo, options: Partial<PullOptions>): Promise<string> =>
          fetch(repo, { ...options, disableFsync: true }).then(
            () => 'no failure',
            (error: Error) => error.message,
          );
        const wanted = await failure(alone, {});
        expect(wanted).not.toBe('no failure');
        expect(await failure(together, { compressPool: pool })).toBe(wanted);
        expect(together.hasObject('file', found)).toBe(false);
        damaged.clear();
        await fetch(together, { compressPool: pool, disableFsync: true });
        expect(runFsck(together)).toMatchObject({ commits: 1, corrupt: false });
      } finally {
        damaged.clear();
      }
    }
  });
});

test('an object that cannot be written fails the pull', async () => {
  const repo = target('bare-user');
  writeFileSync(join(repo.path, 'objects', commit.slice(0, 2)), 'in the way');
  await expect(fetch(repo, { compressPool: pool, disableFsync: true })).rejects.toMatchObject({ kind: 'environment' });
});

describe('from a repository on this machine', () => {
  const local = (): { from: Repo; commit: string } => {
    const from = Repo.create(join(shortLived(), 'from'), { mode: 'bare-user', env });
    const folder = writeTree(shortLived(), goldenTree);
    for (let i = 0; i < 200; i++) writeFileSync(join(folder, `file${i}`), `${i}`);
    return {
      from,
      commit: from.transaction((transaction) => {
        const made = commitIn(transaction, folder);
        transaction.setRef('main', made);
        return made;
      }),
    };
  };
  const into = (from: Repo, repo: Repo, options: Partial<PullOptions> = {}): ReturnType<typeof pull> =>
    pull(repo, { remote: `file://${from.path}`, refs: ['main'], disableFsync: true, ...options });

  test.each([{}, { untrusted: true }])('the same objects with %j', async (options) => {
    const { from } = local();
    const [alone, together] = [target('bare-user'), target('bare-user')];
    const [one, two] = [
      await into(from, alone, options),
      await into(from, together, { ...options, compressPool: pool }),
    ];
    expect(two.status).toBe(one.status);
    expect(runFsck(together)).toMatchObject({ commits: 1, corrupt: false });
    expect(Array.from(together.objects()).sort()).toEqual(Array.from(alone.objects()).sort());
    expect(pool.busy).toBe(0);
  });

  test('what its parent has is found there', async () => {
    const { from } = local();
    const child = Repo.create(join(shortLived(), 'child'), { mode: 'bare-user', env });
    child.config.setString('core', 'parent', from.path);
    child.writeConfig();
    const own = Repo.open(child.path, { env });
    own.setRef('main', from.resolveRev('main'));
    const [alone, together] = [target('bare-user'), target('bare-user')];
    const [one, two] = [await into(own, alone), await into(own, together, { compressPool: pool })];
    expect(two.status).toBe(one.status);
    expect(runFsck(together)).toMatchObject({ commits: 1, corrupt: false });
  });

  test.each(['file', 'dirtree'] as const)('a %s that is not there is one clear error', async (type) => {
    const { from, commit: made } = local();
    const entry = Array.from(from.readTree(made)).find(({ path }) => path === (type === 'file' ? '/file7' : '/'))!;
    const checksum = entry.checksum ?? from.loadCommit(made).tree;
    rmSync(join(from.path, 'objects', checksum.slice(0, 2), `${checksum.slice(2)}.${type}`));
    const failure = async (options: Partial<PullOptions>): Promise<unknown> =>
      into(from, target('bare-user'), options).then(
        () => 'no failure',
        (error: Error) => error.message,
      );
    const wanted = await failure({});
    expect(wanted).toContain(checksum);
    expect(await failure({ compressPool: pool })).toBe(wanted);
  });
});
