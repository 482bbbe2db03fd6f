// Pulls that run out of space while two threads store: one clear error, and once there is room the next pull finishes with
// what is there. On small file systems in memory, which only root can mount. COPPICE_FULL_DISK_RUNS=50 makes the long run.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isCoppiceError } from '@coppice/base';
import { type StaticServer, serveStatic } from '@coppice/http';
import { addRemote, CompressPool, generateDelta, pull, Repo, runFsck } from '@coppice/ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { original, originalOutput, scratch, skipReason } from './ostree-support.ts';
import { randomFrom } from './pull-fault-server.ts';

const runs = Number(process.env['COPPICE_FULL_DISK_RUNS'] ?? 6);
const env = { OSTREE_SKIP_CACHE: '1', OSTREE_GPG_HOME: '/nonexistent' };
const canMount = process.getuid?.() === 0;
const reason = skipReason ?? (canMount ? undefined : 'only root mounts file systems');

describe.skipIf(reason !== undefined)(`pulls onto full disks (${reason ?? `${runs} sizes`})`, () => {
  const work = scratch();
  const source = join(work.path, 'source');
  const mountPoint = join(work.path, 'mounted');
  const pool = new CompressPool({ startAfter: 0 });
  let [from, to] = ['', ''];
  let server: StaticServer;

  const mount = (...args: string[]): void => {
    expect(spawnSync('mount', ['-t', 'tmpfs', ...args, 'tmpfs', mountPoint]).status).toBe(0);
  };

  beforeAll(async () => {
    const tree = join(work.path, 'tree');
    mkdirSync(tree);
    mkdirSync(mountPoint);
    originalOutput('init', `--repo=${source}`, '--mode=archive');
    const commit = (version: number): string => {
      const random = randomFrom(version);
      for (let i = 0; i < 300; i++) {
        if (version > 1 && i % 3 === 0) continue;
        const size = i % 60 === 0 ? 600_000 : Math.floor(random() * 20_000);
        writeFileSync(
          join(tree, `file${i}`),
          Buffer.from(Array.from({ length: size }, (_, at) => (at % 7 === 0 ? random() * 256 : at))),
        );
      }
      return originalOutput(`--repo=${source}`, 'commit', '-b', 'main', `--tree=dir=${tree}`).trim();
    };
    [from, to] = [commit(1), commit(2)];
    await generateDelta(Repo.open(source), { from, to });
    originalOutput(`--repo=${source}`, 'summary', '-u');
    server = await serveStatic(source);
  });
  afterAll(async () => {
    await server?.close();
    pool.close();
    spawnSync('umount', [mountPoint]);
    work.remove();
  });

  test('every size', async () => {
    let full = 0;
    for (let seed = 1; seed <= runs; seed++) {
      const random = randomFrom(seed);
      // Every other run pulls the update by a delta onto a disk that the old commit leaves little room on.
      const delta = seed % 2 === 0;
      const [least, most] = delta ? [7_500_000, 12_000_000] : [300_000, 7_000_000];
      const mode = delta ? 'bare-user' : (['bare-user', 'archive', 'bare'] as const)[seed % 3]!;
      mount('-o', `size=${Math.floor(least + random() * (most - least))}`);
      try {
        const repo = Repo.create(join(mountPoint, 'repo'), { mode, env });
        // Space is to run out where it is written, not where it is counted.
        originalOutput('config', `--repo=${repo.path}`, 'set', 'core.min-free-space-percent', '0');
        const target = Repo.open(repo.path, { env });
        addRemote(target, 'origin', { url: server.url, keys: [['gpg-verify', false]] });
        const fetch = async (commit: string): Promise<unknown> => {
          try {
            await pull(target, { remote: 'origin', refs: ['main'], overrideCommits: [commit], compressPool: pool });
            return undefined;
          } catch (error) {
            return error;
          }
        };
        const failure = (delta ? await fetch(from) : undefined) ?? (await fetch(to));
        if (failure !== undefined) {
          full++;
          if (!isCoppiceError(failure)) throw failure;
          expect(`${seed}: ${failure.message}`).toMatch(/No space left on device|free space/);
          expect(failure.message).not.toContain('\n');
          expect(failure.kind).not.toBe('bug');
        }
        mount('-o', 'remount,size=64m');
        expect(await fetch(to)).toBeUndefined();
        expect(target.resolveRev('origin:main')).toBe(to);
        expect(target.isPartial(to)).toBe(false);
        const check = original(`--repo=${repo.path}`, 'fsck');
        expect(`${seed}: ${check.stderr}${check.stdout.split('\n').at(-2)}`).toContain('no errors found');
        expect(runFsck(Repo.open(repo.path, { env }))).toMatchObject({ corrupt: false, partial: 0 });
      } finally {
        spawnSync('umount', [mountPoint]);
      }
    }
    expect(full).toBeGreaterThan(0);
    console.log(`full disks: ${full} of ${runs} pulls ran out of space`);
  });
});
