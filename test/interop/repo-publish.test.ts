// `coppice repo publish` to an S3-compatible server: what any reader sees at any moment is whole, a broken run is taken up,
// and the original pulls from the bucket.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { original, originalOutput, scratch, skipReason } from './ostree-support.ts';

const root = join(import.meta.dirname, '../..');
const s3 = spawnSync('bash', [join(root, 'test/judges/s3.sh'), '--cached'], { encoding: 'utf8' });
const reason = skipReason ?? (s3.status === 0 ? undefined : 'no S3 server; test/judges/s3.sh fetches one');

/** After how many of its files a run is killed: COPPICE_PUBLISH_KILLS seeded numbers for a longer proof. */
function interruptions(files: number): number[] {
  const count = Number(process.env['COPPICE_PUBLISH_KILLS'] ?? 0);
  if (count === 0) return [3, files - 9, files - 1];
  let seed = 1;
  return Array.from({ length: count }, () => {
    seed = (seed * 48271) % 2147483647;
    return seed % files;
  });
}

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe.skipIf(reason !== undefined)(`publishing to S3 (${reason ?? 'server found'})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);
  let s3rver: ChildProcess;
  let front: Server;
  let endpoint = '';
  /** Paths that were stored, in order. */
  const stored: string[] = [];
  /** Stops the publisher after so many more PUTs. */
  let fuse: { left: number; blow: () => void } | undefined;
  /** Every n-th PUT is refused once. */
  let refuseEvery = 0;
  let puts = 0;
  /** Where everybody is sent. */
  let redirect: string | undefined;

  beforeAll(async () => {
    mkdirSync(at('data'));
    const script = `new (require(${JSON.stringify(s3.stdout.trim())}))({ port: 0, address: '127.0.0.1', silent: true,
      directory: ${JSON.stringify(at('data'))}, configureBuckets: [{ name: 'updates' }] }).run().then(a => console.log(a.port))`;
    s3rver = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    const port = await new Promise<number>((done) =>
      s3rver.stdout!.once('data', (d: Buffer) => done(Number(String(d)))),
    );
    front = createServer((incoming, answer) => {
      if (redirect !== undefined) {
        incoming.resume();
        answer.writeHead(307, { location: redirect }).end();
        return;
      }
      const put = incoming.method === 'PUT';
      if (put) {
        puts++;
        if (refuseEvery > 0 && puts % refuseEvery === 0) {
          incoming.resume();
          incoming.on('end', () => answer.writeHead(503).end('SlowDown'));
          return;
        }
        if (fuse !== undefined && fuse.left-- <= 0) {
          fuse.blow();
          incoming.destroy();
          return;
        }
      }
      const { method, url, headers } = incoming;
      const on = request({ host: '127.0.0.1', port, method, path: url, headers }, (response) => {
        if (put && response.statusCode === 200) stored.push(url!);
        answer.writeHead(response.statusCode!, response.headers);
        response.pipe(answer);
      });
      on.on('error', () => answer.destroy());
      incoming.on('error', () => on.destroy());
      incoming.pipe(on);
    });
    await new Promise<void>((done) => front.listen(0, '127.0.0.1', done));
    endpoint = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    originalOutput('init', `--repo=${at('repo')}`, '--mode=archive');
    mkdirSync(at('tree/usr/bin'), { recursive: true });
    for (let i = 0; i < 25; i++) writeFileSync(at(`tree/usr/bin/tool${i}`), `tool ${i}\n`.repeat(i + 1));
    writeFileSync(at('tree/usr/large'), Buffer.alloc(6_000_000, 'large '));
    release(1);
  });
  afterAll(() => {
    s3rver?.kill();
    front?.closeAllConnections();
    front?.close();
    work.remove();
  });

  function release(n: number): string {
    for (let i = 0; i < 25; i++) appendFileSync(at(`tree/usr/bin/tool${i}`), `release ${n}\n`);
    const repo = `--repo=${at('repo')}`;
    originalOutput(repo, 'commit', '-b', 'stable', `--timestamp=@${n}`, at('tree'));
    if (n > 1) originalOutput(repo, 'static-delta', 'generate', 'stable');
    originalOutput(repo, 'summary', '-u');
    return originalOutput(repo, 'rev-parse', 'stable').trim();
  }

  function publish(secret = 'S3RVER', destination = 's3://updates/os/repo'): Promise<Outcome> {
    const child = spawn(join(root, 'bin/coppice'), ['repo', 'publish', at('repo'), destination], {
      env: {
        ...process.env,
        COPPICE_SOURCE: '1',
        AWS_ACCESS_KEY_ID: 'S3RVER',
        AWS_SECRET_ACCESS_KEY: secret,
        AWS_ENDPOINT_URL: endpoint,
      },
    });
    if (fuse !== undefined) fuse.blow = () => child.kill('SIGKILL');
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (d) => (stdout += d));
    child.stderr.on('data', (d) => (stderr += d));
    return new Promise((done) => child.on('close', (status) => done({ status, stdout, stderr })));
  }

  /** The original as a reader who comes now: the commit it gets. Not a synchronous call, for the front is this process. */
  async function reader(name: string): Promise<string> {
    const repo = `--repo=${at(name)}`;
    originalOutput('init', repo, '--mode=bare-user');
    originalOutput(repo, 'remote', 'add', '--no-gpg-verify', 'o', `${endpoint}/updates/os/repo`);
    const child = spawn('ostree', [repo, 'pull', 'o', 'stable']);
    let stderr = '';
    child.stderr.on('data', (d) => (stderr += d));
    const status = await new Promise((done) => child.on('close', done));
    expect(`${status} ${stderr}`).toBe('0 ');
    expect(original(repo, 'fsck', '-q').status).toBe(0);
    return originalOutput(repo, 'rev-parse', 'o:stable').trim();
  }

  test('everything a reader needs, in an order that is safe, past a server that is busy', async () => {
    refuseEvery = 9;
    const done = await publish();
    refuseEvery = 0;
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(done.stdout).toMatch(/^\d+ files sent \(\d+ bytes\), 0 were there\n$/);
    const rank = (path: string): number =>
      ['.filez', '.dirmeta', '.dirtree', '.commit', '/config', '/refs/heads/stable', '/summary'].findIndex((end) =>
        path.endsWith(end),
      );
    const ranks = stored.map(rank);
    expect(ranks).not.toContain(-1);
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
    expect(await reader('first')).toBe(originalOutput(`--repo=${at('repo')}`, 'rev-parse', 'stable').trim());
  });

  test('killed anywhere, readers see the old release or the new one; the next run finishes', async () => {
    let before = release(2);
    stored.length = 0;
    expect(await publish()).toMatchObject({ status: 0, stderr: '' });
    for (const [round, left] of interruptions(stored.length).entries()) {
      const after = release(round + 3);
      fuse = { left, blow: () => {} };
      const broken = await publish();
      fuse = undefined;
      expect(`${round}: ${broken.status}`).toBe(`${round}: null`);
      expect([before, after]).toContain(await reader(`killed${round}`));
      stored.length = 0;
      const resumed = await publish();
      expect(resumed).toMatchObject({ status: 0, stderr: '' });
      const [, sent, there] = /^(\d+) files sent \(\d+ bytes\), (\d+) were there/.exec(resumed.stdout)!;
      expect(Number(there)).toBeGreaterThanOrEqual(left - 8);
      expect(Number(sent)).toBe(stored.length);
      expect(await reader(`resumed${round}`)).toBe(after);
      before = after;
    }
    const again = await publish();
    expect(again.stdout).toMatch(/^0 files sent \(0 bytes\), \d+ were there/);
  });

  test('credentials stay where they are meant for', async () => {
    const asked: (string | undefined)[] = [];
    const elsewhere = createServer((incoming, answer) => {
      asked.push(incoming.headers.authorization);
      answer.writeHead(404).end();
    });
    await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done));
    const to = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
    redirect = to;
    const refused = await publish();
    redirect = undefined;
    elsewhere.close();
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(`the server sends us to ${to}`);
    expect(asked).toEqual([]);
  });

  test('a bucket that is not there is one clear error', async () => {
    const refused = await publish('S3RVER', 's3://nowhere/x');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/^error: (HEAD|PUT) http:\/\/127\.0\.0\.1:\d+\/nowhere\/x\/\S+: HTTP 404/);
  });
});
