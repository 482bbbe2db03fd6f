import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Repo } from '@coppice/ostree';
import { expect, test } from 'vitest';
import { memoryOutput } from '../src/cli/context.ts';
import { run } from '../src/coppice/repo/serve.ts';

test('who takes gzip is told of what is not there, and gets the rest compressed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'coppice-serve-'));
  try {
    Repo.create(join(dir, 'repo'), { mode: 'archive' });
    const summary = Buffer.alloc(5000, 'summary ');
    writeFileSync(join(dir, 'repo/summary'), summary);
    const [stdout, stderr] = [memoryOutput(), memoryOutput()];
    const said = new Promise<void>((done) => {
      stdout.flush = () => done();
    });
    const context = { program: 'coppice', env: {}, cwd: dir, stdin: { isTTY: false }, stdout, stderr };
    const ended = run(context, ['repo'], { port: '0', host: '127.0.0.1', workers: '1' });
    await said;
    const base = stdout.text.trim();
    const headers = { 'accept-encoding': 'deflate, gzip, br, zstd' };
    for (const name of ['summary.sig', 'delta-indexes/aa/bb.index', 'objects/00/none.commit'])
      expect([name, (await fetch(`${base}${name}`, { headers })).status]).toEqual([name, 404]);
    // The client of this process undoes the coding; its size stays.
    const got = await fetch(`${base}summary`, { headers });
    expect([got.status, got.headers.get('content-encoding')]).toEqual([200, 'gzip']);
    expect(Number(got.headers.get('content-length'))).toBeLessThan(200);
    expect(Buffer.from(await got.arrayBuffer())).toEqual(summary);
    expect((await fetch(`${base}config`, { headers })).headers.get('content-encoding')).toBeNull();
    process.emit('SIGTERM');
    expect(await ended).toBe(0);
    expect(stderr.text).toBe('');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
