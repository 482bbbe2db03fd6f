// Static deltas both ways: what ours makes the original applies, and the other way round, with one thread and with two.
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type StaticServer, serveStatic } from '@coppice/http';
import { addRemote, applyOffline, CompressPool, generateDelta, pull, Repo, runFsck } from '@coppice/ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { original, originalOutput, scratch, skipReason } from './ostree-support.ts';

const env = { OSTREE_SKIP_CACHE: '1', OSTREE_GPG_HOME: '/nonexistent' };

/** Bytes that look like code: some repeat, none compress away. */
function code(size: number, seed: number): Buffer {
  const out = Buffer.alloc(size);
  let state = seed;
  for (let i = 0; i < size; i += 4) {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    if (state >>> 28 < 5 && i > 4096) out.copy(out, i, i - 4096, i - 4092);
    else out.writeInt32LE(state, Math.min(i, size - 4));
  }
  return out;
}

/** What a rebuild does: something new near the start, addresses behind it shifted. */
function rebuilt(old: Buffer, seed: number): Buffer {
  const out = Buffer.concat([
    old.subarray(0, 900),
    Buffer.from(`rebuilt ${seed} `.repeat(seed + 1)),
    old.subarray(900),
  ]);
  for (let at = 1024; at + 8 < out.length; at += 600 + ((at * 7 + seed) % 5000))
    out.writeUInt32LE((out.readUInt32LE(at) + 64) >>> 0, at);
  return out;
}

describe.skipIf(skipReason !== undefined)(`deltas with the original (${skipReason ?? 'ostree found'})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);
  const pool = new CompressPool({ startAfter: 0 });
  const sizes = [10, 3000, 20_000, 70_000, 300_000, 2_000_000];
  let from = '';
  let to = '';
  let server: StaticServer;

  beforeAll(async () => {
    const tree = at('tree');
    mkdirSync(tree);
    sizes.forEach((size, i) => void writeFileSync(join(tree, `prog${i}.so`), code(size, i + 1)));
    writeFileSync(join(tree, 'moved.so'), Buffer.concat([code(400_000, 21), code(400_000, 22)]));
    writeFileSync(join(tree, 'same'), 'same');
    originalOutput('init', `--repo=${at('source')}`, '--mode=archive');
    const commit = (...rest: string[]): string =>
      originalOutput(`--repo=${at('source')}`, 'commit', '-b', 'main', `--tree=dir=${tree}`, ...rest).trim();
    from = commit();
    sizes.forEach((size, i) => void writeFileSync(join(tree, `prog${i}.so`), rebuilt(code(size, i + 1), i)));
    writeFileSync(join(tree, 'moved.so'), Buffer.concat([code(400_000, 22), code(400_000, 21)]));
    writeFileSync(join(tree, 'new'), code(5000, 40), { mode: 0o755 });
    to = commit();
    server = await serveStatic(at('source'));
  });
  afterAll(async () => {
    await server.close();
    pool.close();
    work.remove();
  });

  const generate = (...rest: string[]): string =>
    originalOutput(`--repo=${at('source')}`, 'static-delta', 'generate', `--from=${from}`, `--to=${to}`, ...rest);
  const weight = (folder: string): number =>
    readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  /** A repository that has the old commit. */
  const started = (name: string): string => {
    const path = at(name);
    rmSync(path, { recursive: true, force: true });
    originalOutput('init', `--repo=${path}`, '--mode=bare-user');
    originalOutput(`--repo=${path}`, 'pull-local', at('source'), from);
    originalOutput(`--repo=${path}`, 'refs', '--create=origin:main', from);
    return path;
  };

  test.each([
    { inline: false, bigEndian: false, maxChunk: 32_000_000 },
    { inline: true, bigEndian: true, maxChunk: 32_000_000 },
    // Several parts, of which two are compressed at a time.
    { inline: false, bigEndian: false, maxChunk: 300_000 },
  ])('the original applies ours: %j', async (options) => {
    for (const compat of ['2022.7', '2026.4'] as const) {
      const folder = at(`ours-${compat}`);
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      const source = Repo.open(at('source'), { env, compat });
      await generateDelta(source, { from, to, filename: join(folder, 'superblock'), ...options });
      expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
      const repo = started('theirs');
      originalOutput(`--repo=${repo}`, 'static-delta', 'apply-offline', join(folder, 'superblock'));
      originalOutput(`--repo=${repo}`, 'refs', '--create=done', to);
      const { stdout, stderr } = original(`--repo=${repo}`, 'fsck');
      expect(stdout + stderr).toContain('no errors found');
    }
  });

  test('ours is not larger than theirs', async () => {
    for (const side of ['ours', 'theirs']) mkdirSync(at(`weigh-${side}`));
    const source = Repo.open(at('source'), { env, compat: '2022.7' });
    await generateDelta(source, { from, to, filename: join(at('weigh-ours'), 'superblock') });
    generate(`--filename=${join(at('weigh-theirs'), 'superblock')}`);
    expect(weight(at('weigh-ours')) / weight(at('weigh-theirs'))).toBeLessThan(1.02);
  });

  test('ours applies theirs, offline and in a pull with a second thread', async () => {
    mkdirSync(at('offline'));
    generate('--inline', `--filename=${join(at('offline'), 'superblock')}`);
    const alone = Repo.open(started('alone'), { env, compat: '2022.7' });
    expect(applyOffline(alone, join(at('offline'), 'superblock'), undefined)).toBe(to);
    generate('--max-chunk-size=1');
    originalOutput(`--repo=${at('source')}`, 'summary', '-u');
    const together = Repo.open(started('together'), { env, compat: '2022.7' });
    addRemote(together, 'origin', { url: server.url, keys: [['gpg-verify', false]] });
    const options = { remote: 'origin', refs: ['main'], requireStaticDeltas: true, compressPool: pool } as const;
    const { status } = await pull(together, options);
    expect(status).toContain(' delta parts, ');
    for (const repo of [alone, together]) {
      repo.setRef('done', to);
      expect(runFsck(repo)).toMatchObject({ corrupt: false });
      const { stdout, stderr } = original(`--repo=${repo.path}`, 'fsck');
      expect(stdout + stderr).toContain('no errors found');
    }
    expect(Array.from(together.objects()).sort()).toEqual(Array.from(alone.objects()).sort());
  });

  test('the original applies a patch of a file that was compared window by window', async () => {
    const tree = at('large');
    mkdirSync(tree);
    const old = code(26 * 1024 * 1024, 77);
    writeFileSync(join(tree, 'large.so'), old);
    const commit = (branch: string): string =>
      originalOutput(`--repo=${at('source')}`, 'commit', '-b', branch, `--tree=dir=${tree}`).trim();
    const before = commit('large');
    writeFileSync(join(tree, 'large.so'), rebuilt(old, 3));
    const after = commit('large');
    mkdirSync(at('windows'));
    const filename = join(at('windows'), 'superblock');
    await generateDelta(Repo.open(at('source'), { env, compat: '2022.7' }), { from: before, to: after, filename });
    expect(weight(at('windows'))).toBeLessThan(old.length / 50);
    originalOutput('init', `--repo=${at('large-target')}`, '--mode=bare-user');
    originalOutput(`--repo=${at('large-target')}`, 'pull-local', at('source'), before);
    originalOutput(`--repo=${at('large-target')}`, 'static-delta', 'apply-offline', filename);
    originalOutput(`--repo=${at('large-target')}`, 'refs', '--create=done', after);
    const { stdout, stderr } = original(`--repo=${at('large-target')}`, 'fsck');
    expect(stdout + stderr).toContain('no errors found');
  });
});
