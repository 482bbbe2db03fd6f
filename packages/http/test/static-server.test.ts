import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StaticServer, serveStatic } from '../src/static-server.ts';

let dir: string;
let server: StaticServer;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'coppice-static-'));
  mkdirSync(join(dir, 'root/sub'), { recursive: true });
  writeFileSync(join(dir, 'root/sub/file'), '0123456789');
  writeFileSync(join(dir, 'root/empty'), '');
  writeFileSync(join(dir, 'secret'), 'secret');
  symlinkSync(join(dir, 'secret'), join(dir, 'root/out'));
  symlinkSync('sub/file', join(dir, 'root/in'));
  server = await serveStatic(join(dir, 'root'));
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

/** A raw request: `fetch` would tidy the path up. */
function get(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const call = request({ port: server.port, host: '127.0.0.1', path, headers, method }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, body, headers: response.headers }));
    });
    call.on('error', reject);
    call.end();
  });
}

test.each([
  ['/sub/file', 200, '0123456789'],
  ['//sub/./file?x', 200, '0123456789'],
  ['/in', 200, '0123456789'],
  ['/empty', 200, ''],
  ['/none', 404, ''],
  ['/out', 404, ''],
  ['/../secret', 404, ''],
  ['/sub/../../secret', 404, ''],
  ['/%2e%2e/secret', 404, ''],
  ['/%zz', 404, ''],
  ['/sub%00', 404, ''],
])('GET %s', async (path, status, body) => {
  expect(await get(path)).toMatchObject({ status, body });
});

test.each([
  ['bytes=2-4', 206, '234'],
  ['bytes=8-', 206, '89'],
  ['bytes=-3', 206, '789'],
  ['bytes=5-100', 206, '56789'],
  ['bytes=10-', 416, ''],
  ['bytes=4-2', 416, ''],
  ['bytes=1-2,4-5', 200, '0123456789'],
  ['lines=1-2', 200, '0123456789'],
])('range %s', async (range, status, body) => {
  expect(await get('/sub/file', { range })).toMatchObject({ status, body });
});

test('conditional requests, HEAD and other methods', async () => {
  const first = await get('/sub/file');
  const etag = first.headers['etag'] as string;
  expect((await get('/sub/file', { 'if-none-match': etag })).status).toBe(304);
  expect((await get('/sub/file', { 'if-modified-since': first.headers['last-modified'] as string })).status).toBe(304);
  expect((await get('/sub/file', { 'if-none-match': '"other"' })).status).toBe(200);
  expect((await get('/sub/file', { range: 'bytes=1-2', 'if-range': '"other"' })).status).toBe(200);
  expect(await get('/sub/file', {}, 'HEAD')).toMatchObject({
    status: 200,
    body: '',
    headers: { 'content-length': '10' },
  });
  expect((await get('/sub/file', {}, 'POST')).status).toBe(405);
});

test('a missing folder is refused', async () => {
  await expect(serveStatic(join(dir, 'none'))).rejects.toThrow('not a folder');
});
