import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { Fetcher, type FetcherOptions } from '../src/index.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const servers: Server[] = [];
const fetchers: Fetcher[] = [];

async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function fetcher(options: FetcherOptions = {}): Fetcher {
  const made = new Fetcher({ sleep: async () => {}, env: {}, ...options });
  fetchers.push(made);
  return made;
}

afterEach(async () => {
  for (const made of fetchers.splice(0)) await made.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

test('gives the body, validators and user agent', async () => {
  let agent: string | undefined;
  const base = await serve((request, response) => {
    agent = request.headers['user-agent'];
    response.writeHead(200, { etag: '"1"', 'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT' }).end('hello');
  });
  const got = await fetcher({ userAgent: 'libostree/2022.7' }).bytes(`${base}/x`);
  expect(Buffer.from(got.bytes).toString()).toBe('hello');
  expect(got).toMatchObject({ etag: '"1"', lastModified: 1700000000, notModified: false });
  expect(agent).toBe('libostree/2022.7');
});

test.each([403, 404, 410])('%i is not found and is not tried again', async (status) => {
  let asked = 0;
  const base = await serve((_request, response) => {
    asked++;
    response.writeHead(status).end();
  });
  await expect(fetcher().bytes(base)).rejects.toMatchObject({
    code: 'NotFound',
    message: `Server returned HTTP ${status}`,
  });
  expect(asked).toBe(1);
});

test('other statuses are tried again as often as asked', async () => {
  let asked = 0;
  const base = await serve((_request, response) => {
    response.writeHead(++asked < 4 ? 503 : 200).end('ok');
  });
  expect(Buffer.from((await fetcher({ retries: 3 }).bytes(base)).bytes).toString()).toBe('ok');
  asked = 0;
  await expect(fetcher({ retries: 2 }).bytes(base)).rejects.toMatchObject({ message: 'Server returned HTTP 503' });
  expect(asked).toBe(3);
});

test('a broken transfer goes on by range with the same entity tag', async () => {
  const body = Buffer.from('0123456789'.repeat(5000));
  const ranges: (string | undefined)[] = [];
  const base = await serve((request, response) => {
    ranges.push(request.headers.range);
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers: Record<string, string> = { etag: '"x"', 'content-length': String(body.length - from) };
    if (from > 0) headers['content-range'] = `bytes ${from}-${body.length - 1}/${body.length}`;
    response.writeHead(from > 0 ? 206 : 200, headers);
    if (ranges.length === 1) response.write(body.subarray(0, 20000), () => response.destroy());
    else response.end(body.subarray(from));
  });
  const got = await fetcher().bytes(base);
  expect(Buffer.from(got.bytes).equals(body)).toBe(true);
  expect(ranges).toEqual([undefined, 'bytes=20000-']);
});

test('a server that ignores the range makes the transfer start over', async () => {
  const body = Buffer.alloc(50000, 7);
  let asked = 0;
  const base = await serve((_request, response) => {
    response.writeHead(200, { etag: '"x"', 'content-length': String(body.length) });
    if (++asked === 1) response.write(body.subarray(0, 20000), () => response.destroy());
    else response.end(body);
  });
  expect((await fetcher().bytes(base)).bytes.length).toBe(50000);
});

test('a body over the limit is refused, announced or not', async () => {
  const base = await serve((request, response) => {
    if (request.url === '/announced') response.writeHead(200, { 'content-length': '1000' });
    response.end(Buffer.alloc(1000));
  });
  for (const path of ['announced', 'silent'])
    await expect(fetcher().bytes(`${base}/${path}`, { maxSize: 999 })).rejects.toMatchObject({ code: 'Limit' });
  expect((await fetcher().bytes(`${base}/silent`, { maxSize: 1000 })).bytes.length).toBe(1000);
});

test('a compressed body may not expand over the limit', async () => {
  const base = await serve((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(100000)));
  });
  expect((await fetcher({ compressed: true }).bytes(base)).bytes.length).toBe(100000);
  await expect(fetcher({ compressed: true }).bytes(base, { maxSize: 50000 })).rejects.toMatchObject({ code: 'Limit' });
});

test('nothing is undone that was not asked for', async () => {
  const asked: unknown[] = [];
  const base = await serve((request, response) => {
    asked.push(request.headers['accept-encoding']);
    response.writeHead(200, { 'content-encoding': 'gzip' }).end('plain');
  });
  expect(Buffer.from((await fetcher().bytes(base)).bytes).toString()).toBe('plain');
  await expect(fetcher({ compressed: true }).bytes(base)).rejects.toThrow('[61] Unrecognized or bad HTTP Content');
  expect(asked).toEqual([undefined, 'deflate, gzip, br, zstd']);
});

test.each(['gzip, '.repeat(6), 'constructor', 'gzip, unknown'])(
  'a body in the coding %j is refused',
  async (coding) => {
    const base = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': coding }).end(gzipSync('x'));
    });
    await expect(fetcher({ compressed: true }).bytes(base)).rejects.toThrow('[61]');
  },
);

test('credentials and own headers stay with the first host', async () => {
  const seen: (string | undefined)[] = [];
  const other = await serve((request, response) => {
    seen.push(request.headers.authorization, request.headers['x-key'] as string | undefined);
    response.end('there');
  });
  const base = await serve((request, response) => {
    seen.push(request.headers.authorization, request.headers['x-key'] as string | undefined);
    response.writeHead(302, { location: `${other}/y` }).end();
  });
  const url = base.replace('//', '//foo:bar@');
  const got = await fetcher({ headers: [['X-Key', 'secret']] }).bytes(`${url}/x`);
  expect(Buffer.from(got.bytes).toString()).toBe('there');
  expect(seen).toEqual(['Basic Zm9vOmJhcg==', 'secret', undefined, undefined]);
});

test('redirects end', async () => {
  const base = await serve((_request, response) => void response.writeHead(302, { location: '/again' }).end());
  await expect(fetcher({ retries: 0 }).bytes(base)).rejects.toThrow('[47] Number of redirects hit maximum amount');
  const out = await serve(
    (_request, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  );
  await expect(fetcher({ retries: 0 }).bytes(out)).rejects.toThrow('[1] Unsupported protocol');
});

test('a closed port has curl’s words', async () => {
  const base = await serve(() => {});
  await new Promise((done) => servers.pop()!.close(done));
  await expect(fetcher({ retries: 1 }).bytes(base)).rejects.toMatchObject({
    code: 'Network',
    message: "[7] Couldn't connect to server",
  });
});

test('conditional requests', async () => {
  const base = await serve((request, response) => {
    response.writeHead(request.headers['if-none-match'] === '"1"' ? 304 : 200, { etag: '"1"' }).end();
  });
  expect((await fetcher().bytes(base, { etag: '"1"' })).notModified).toBe(true);
  expect((await fetcher().bytes(base, { etag: '"2"' })).notModified).toBe(false);
});

test('a slow sink holds the transfer', async () => {
  const base = await serve((_request, response) => void response.end(Buffer.alloc(300000)));
  let busy = 0;
  let most = 0;
  let total = 0;
  await fetcher().stream(base, {
    async write(chunk) {
      most = Math.max(most, ++busy);
      total += chunk.length;
      await new Promise((done) => setImmediate(done));
      busy--;
    },
    restart() {},
  });
  expect([most, total]).toEqual([1, 300000]);
});

test('never more requests than allowed, and all of them end', async () => {
  let open = 0;
  let most = 0;
  const base = await serve((_request, response) => {
    most = Math.max(most, ++open);
    setImmediate(() => {
      open--;
      response.end('x');
    });
  });
  const f = fetcher({ maxOutstanding: 3 });
  const all = await Promise.all(Array.from({ length: 30 }, (_, i) => f.bytes(`${base}/${i}`)));
  expect(all.length).toBe(30);
  expect(most).toBeLessThanOrEqual(3);
});

test('abort ends what is under way', async () => {
  const base = await serve(() => {});
  const f = fetcher();
  const waiting = f.bytes(base);
  setImmediate(() => f.abort());
  await expect(waiting).rejects.toMatchObject({ code: 'Cancelled' });
});

test('file URLs', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'http-'));
  writeFileSync(join(dir, 'a b'), 'from disk');
  const f = fetcher();
  expect(Buffer.from((await f.bytes(pathToFileURL(join(dir, 'a b')).href)).bytes).toString()).toBe('from disk');
  await expect(f.bytes(pathToFileURL(join(dir, 'none')).href)).rejects.toMatchObject({ code: 'NotFound' });
  rmSync(dir, { recursive: true });
});

test('plain http through a proxy', async () => {
  const proxy = await serve((request, response) => void response.end(`proxied ${request.url}`));
  const got = await fetcher({ proxy }).bytes('http://example.invalid/thing');
  expect(Buffer.from(got.bytes).toString()).toBe('proxied http://example.invalid/thing');
});
