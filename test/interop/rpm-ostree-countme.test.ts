// The number that a system reports itself with, against the one that dnf sends. The edges are the same; rpm-ostree calls the
// window that counting began in the first, dnf counts how many were before.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { countmeBucket } from '@coppice/rpm-ostree';
import { expect, test } from 'vitest';
import { skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('dnf');
const week = 604_800;
const monday = 345_600;

test.skipIf(reason !== undefined)(`the same number as dnf for the same number of weeks ${reason ?? ''}`, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'coppice-countme-dnf-'));
  // dnf is waited for, so the server has a thread of its own.
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const asked = [];
     const server = require('node:http').createServer((q, a) => { asked.push(q.url); a.writeHead(404).end(); });
     server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
     parentPort.on('message', () => { parentPort.postMessage(asked.splice(0)); });`,
    { eval: true },
  );
  const heard = <T>(): Promise<T> =>
    new Promise((resolve) => worker.once('message', resolve as (value: unknown) => void));
  try {
    const port = await heard<number>();
    mkdirSync(join(dir, 'repos'));
    writeFileSync(
      join(dir, 'repos/x.repo'),
      `[x]\nname=x\nmetalink=http://127.0.0.1:${port}/metalink?repo=x\nenabled=1\ncountme=1\ngpgcheck=0\n`,
    );
    const dnf = (): void => {
      const settings = ['reposdir=repos', 'persistdir=persist', 'cachedir=cache'];
      const args = settings.map((s) => `--setopt=${s.replace('=', `=${dir}/`)}`);
      spawnSync('dnf', ['-q', '-y', 'makecache', '--refresh', '--releasever=31', ...args], { encoding: 'utf8' });
    };
    dnf();
    const [folder] = readdirSync(join(dir, 'persist/repos'));
    worker.postMessage('');
    await heard<string[]>();
    const now = Math.floor(Date.now() / 1000);
    const window = monday + Math.floor((now - monday) / week) * week;
    for (const weeks of [0, 1, 3, 4, 5, 23, 24, 25, 80]) {
      const epoch = window - (weeks + 1) * week;
      // Version, first window, last window, chances left before it is sent: this is the last.
      writeFileSync(join(dir, 'persist/repos', folder!, 'countme'), `0 ${epoch} ${monday} 1`);
      dnf();
      worker.postMessage('');
      const asked = await heard<string[]>();
      const sent = asked.map((u) => /countme=(\d)/.exec(u)?.[1]).find((n) => n !== undefined);
      expect([weeks, sent]).toEqual([weeks, String(countmeBucket({ epoch: epoch + week, window: epoch }, now))]);
    }
  } finally {
    await worker.terminate();
    rmSync(dir, { recursive: true });
  }
});
