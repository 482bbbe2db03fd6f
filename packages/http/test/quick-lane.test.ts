import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quickPath } from '../src/quick-request.ts';
import { type StaticRequest, type StaticServer, serveStatic } from '../src/static-server.ts';

// The quick lane against the complete server: the same bytes come back, whatever is asked and however it is cut.

let dir: string;
let quick: StaticServer;
let complete: StaticServer;
const logged: StaticRequest[] = [];
const cacheControl = (path: string): string | undefined =>
  path.startsWith('objects/') ? 'public, max-age=31536000, immutable' : 'no-cache';

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'coppice-quick-'));
  mkdirSync(join(dir, 'objects/ab'), { recursive: true });
  writeFileSync(join(dir, 'objects/ab/small'), 'small file');
  writeFileSync(join(dir, 'objects/ab/empty'), '');
  writeFileSync(join(dir, 'objects/ab/middle'), Buffer.alloc(100_000, 'middle '));
  writeFileSync(join(dir, 'objects/ab/large'), Buffer.alloc(3_000_001, 'large '));
  writeFileSync(join(dir, 'summary'), 'summary 1');
  quick = await serveStatic(dir, { cacheControl, onRequest: (request) => logged.push(request) });
  complete = await serveStatic(dir, { cacheControl, intercept: () => false });
});
afterAll(async () => {
  await quick.close();
  await complete.close();
  rmSync(dir, { recursive: true });
});

/** What a server sends for these bytes until it says nothing more for the last request, which closes. */
function talk(server: StaticServer, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1');
    let got = '';
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (got += text));
    socket.on('error', reject);
    socket.on('close', () => resolve(got));
    const send = (i: number): void => {
      if (i === pieces.length) return;
      socket.write(pieces[i]!, 'latin1', () => setImmediate(send, i + 1));
    };
    send(0);
  });
}

const request = (path: string, fields = '', method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;
const last = request('/none', 'Connection: close\r\n');
const dateless = (text: string): string => text.replace(/\r\nDate: [^\r]{29}\r\n/g, '\r\nDate: -\r\n');

/** Headers in any order. */
function tidy(text: string): string {
  return dateless(text).replace(/HTTP\/1\.1 (?:[^\r]+\r\n)+\r\n/g, (head) =>
    head.trim().split('\r\n').sort().join('\n'),
  );
}

test.each([
  [
    'one after another',
    ['/objects/ab/small', '/objects/ab/middle', '/summary', '/objects/ab/empty', '/objects/ab/small'],
  ],
  ['large ones', ['/objects/ab/large', '/objects/ab/small', '/objects/ab/large']],
  ['missing ones', ['/nothing', '/objects/ab/nothing', '/objects/ab/small']],
  ['a folder and a path with escapes', ['/objects/ab/', '/objects/ab/sm%61ll', '/objects/ab/small?x=1']],
  ['climbing ones', ['/../summary', '/objects/../../x', '/objects/ab/../../summary']],
])('%s', async (_what, paths) => {
  const text = paths.map((path) => request(path)).join('') + last;
  const wanted = tidy(await talk(complete, [text]));
  expect(tidy(await talk(quick, [text]))).toBe(wanted);
  // Cut anywhere.
  const cut: string[] = [];
  for (let at = 0, step = 7; at < text.length; at += step, step = (step * 5) % 61) cut.push(text.slice(at, at + step));
  expect(tidy(await talk(quick, cut))).toBe(wanted);
});

test.each([
  ['a range', 'Range: bytes=2-4\r\n', 'GET'],
  ['a condition', 'If-None-Match: *\r\n', 'GET'],
  ['a date', 'If-Modified-Since: Sun, 01 Jan 2090 00:00:00 GMT\r\n', 'GET'],
  ['HEAD', '', 'HEAD'],
  ['another method', '', 'DELETE'],
  ['a body', 'Content-Length: 3\r\n\r\nabc', 'GET'],
])('%s between simple requests', async (_what, fields, method) => {
  const between = `${request('/objects/ab/small', fields, method).replace(/(abc)\r\n$/, '$1')}`;
  const text = request('/objects/ab/small') + between + request('/objects/ab/middle') + last;
  expect(tidy(await talk(quick, [text]))).toBe(tidy(await talk(complete, [text])));
});

test('what may change is seen at once, what is gone within a second', async () => {
  const get = (path: string): Promise<string> => talk(quick, [request(path) + last]);
  expect(await get('/summary')).toContain('summary 1');
  writeFileSync(join(dir, 'summary'), 'summary 2');
  expect(await get('/summary')).toContain('summary 2');
  writeFileSync(join(dir, 'objects/ab/gone'), 'here');
  expect(await get('/objects/ab/gone')).toContain('here');
  unlinkSync(join(dir, 'objects/ab/gone'));
  await expect.poll(() => get('/objects/ab/gone'), { timeout: 60_000, interval: 200 }).not.toContain('here');
});

test('a reader that stops holds its own answer only', async () => {
  const slow = connect(quick.port, '127.0.0.1');
  await new Promise((done) => slow.once('connect', done));
  slow.pause();
  slow.write(request('/objects/ab/large').repeat(3) + last);
  expect(await talk(quick, [request('/objects/ab/small') + last])).toContain('small file');
  let got = 0;
  slow.on('data', (bytes: Buffer) => (got += bytes.length));
  slow.resume();
  await new Promise((done) => slow.on('close', done));
  expect(got).toBeGreaterThan(9_000_003);
});

test('requests are logged with what was sent', async () => {
  logged.length = 0;
  const text = await talk(quick, [request('/objects/ab/large') + request('/objects/ab/small') + request('/no') + last]);
  expect(logged.map(({ method, path, status }) => [method, path, status])).toEqual([
    ['GET', '/objects/ab/large', 200],
    ['GET', '/objects/ab/small', 200],
    ['GET', '/no', 404],
    ['GET', '/none', 404],
  ]);
  expect(logged.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(text.length);
});

describe('simple requests', () => {
  const fields = 'Host: a\r\nUser-Agent: x (y; z)\r\nAccept: */*\r\nConnection: Keep-Alive\r\n';
  test('are told by their head', () => {
    expect(quickPath(`GET /a/b.c HTTP/1.1\r\n${fields}\r\n`)).toBe('/a/b.c');
    expect(quickPath(`GET / HTTP/1.1\r\nhost:a\r\n\r\n`)).toBe('/');
  });
  test.each([
    `GET /a HTTP/1.0\r\n${fields}`,
    `POST /a HTTP/1.1\r\n${fields}`,
    `GET http://b/a HTTP/1.1\r\n${fields}`,
    `GET /a%20b HTTP/1.1\r\n${fields}`,
    `GET /a?b HTTP/1.1\r\n${fields}`,
    'GET /a HTTP/1.1\r\n',
    'GET /a HTTP/1.1\r\nAccept: */*\r\n',
    `GET /a HTTP/1.1\r\n${fields}Host: b\r\n`,
    'GET /a HTTP/1.1\r\nHost: a b\r\n',
    `GET /a HTTP/1.1\r\n${fields}Content-Length: 0\r\n`,
    `GET /a HTTP/1.1\r\n${fields}transfer-encoding: chunked\r\n`,
    `GET /a HTTP/1.1\r\n${fields}RANGE: bytes=0-\r\n`,
    `GET /a HTTP/1.1\r\n${fields}If-Range: x\r\n`,
    `GET /a HTTP/1.1\r\n${fields}Upgrade: h2c\r\n`,
    'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n',
    'GET /a HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, upgrade\r\n',
    `GET /a HTTP/1.1\r\n${fields}Name : x\r\n`,
    `GET /a HTTP/1.1\r\n${fields} folded\r\n`,
    `GET /a HTTP/1.1\r\n${fields}no colon\r\n`,
    `GET /a HTTP/1.1\r\n${fields}A: b\rContent-Length: 3\r\n`,
    `GET /a HTTP/1.1\r\n${fields}A: b\nContent-Length: 3\r\n`,
    `GET /a HTTP/1.1\r\n${fields}A: \0\r\n`,
    `GET /a HTTP/1.1\r\n${fields}A: ${'b'.repeat(9000)}\r\n`,
  ])('%#: others are not', (head) => {
    expect(quickPath(`${head}\r\n`)).toBeUndefined();
  });
});
