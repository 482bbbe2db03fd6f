// HTTPS: simple requests are answered in turns from the quick lane, others by the complete server, on one connection.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type StaticServer, serveStatic } from '../src/static-server.ts';

const why = spawnSync('openssl', ['version']).error === undefined ? undefined : 'openssl is not installed';
if (why !== undefined && process.env['CI'] === 'true') throw new Error(why);

describe.skipIf(why !== undefined)(`over TLS (${why ?? 'openssl found'})`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'coppice-tls-'));
  let server: StaticServer;
  beforeAll(async () => {
    mkdirSync(join(dir, 'www/objects'), { recursive: true });
    writeFileSync(join(dir, 'www/objects/small'), 'small file');
    writeFileSync(join(dir, 'www/objects/large'), '');
    truncateSync(join(dir, 'www/objects/large'), 3_000_000);
    const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost'];
    spawnSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert]);
    server = await serveStatic(join(dir, 'www'), {
      tls: { cert: readFileSync(cert), key: readFileSync(key) },
      cacheControl: () => 'public, immutable',
      alsoBelow: '0',
    });
  });
  afterAll(async () => {
    await server?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  function open(): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        socket.removeListener('error', reject).on('error', () => {});
        resolve(socket);
      }).on('error', reject);
    });
  }
  /** What comes until `end` stands in it. */
  function until(socket: TLSSocket, end: string | number): Promise<string> {
    return new Promise((resolve) => {
      let text = '';
      const more = (data: Buffer): void => {
        text += data.toString('latin1');
        if (typeof end === 'number' ? text.length < end : !text.includes(end)) return;
        socket.removeListener('data', more);
        resolve(text);
      };
      socket.on('data', more);
    });
  }
  const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;

  test('one connection is answered by both', async () => {
    const socket = await open();
    socket.write(get('/objects/small') + get('/0/objects/small'));
    const both = await until(socket, 600);
    expect(both.match(/small file/g)).toHaveLength(2);
    expect(both).toContain('cache-control: public, immutable');
    socket.write(get('/objects/missing'));
    expect(await until(socket, '\r\n\r\n')).toContain('404 Not Found');
    socket.write(get('/objects/small', 'Range: bytes=0-4\r\n'));
    const part = await until(socket, '\r\n\r\nsmall');
    expect(part).toContain('206 Partial Content');
    expect(part.endsWith('\r\n\r\nsmall')).toBe(true);
    socket.write(get('/objects/large'));
    expect((await until(socket, 3_000_000)).length).toBeGreaterThan(3_000_000);
    socket.destroy();
  });

  test('many at once are all answered', async () => {
    const sockets = await Promise.all(Array.from({ length: 100 }, open));
    const answers = sockets.map(async (socket) => {
      socket.write(get('/objects/small'));
      return until(socket, 'small file');
    });
    for (const text of await Promise.all(answers)) expect(text.startsWith('HTTP/1.1 200 OK')).toBe(true);
    for (const socket of sockets) socket.destroy();
  });

  test('one that never begins its handshake does not keep the server from stopping', async () => {
    const other = await serveStatic(join(dir, 'www'), {
      tls: { cert: readFileSync(join(dir, 'cert.pem')), key: readFileSync(join(dir, 'key.pem')) },
    });
    const socket = connectPlain(other.port, '127.0.0.1').on('error', () => {});
    await new Promise((connected) => socket.once('connect', connected));
    await other.close();
    socket.destroy();
  });
});
