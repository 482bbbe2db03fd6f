// What goes wrong between a client and a server, over HTTP, over TLS and through proxies: the original and ours say the same
// and ask for the same, with the same headers, whichever client of ours carries it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ours, theirsAside } from './ostree-runners.ts';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

const ok = (body: string | Buffer, fields = ''): Buffer =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${fields}\r\n`),
    Buffer.from(body as string),
  ]);
const status = (code: number, fields = ''): string => `HTTP/1.1 ${code} Text\r\ncontent-length: 0\r\n${fields}\r\n`;

describe.skipIf(skipReason !== undefined)(`what goes wrong on the way (${skipReason ?? 'ostree found'})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  let seen: string[] = [];
  let summary: Buffer;
  const ports: Record<string, number> = {};

  const coded =
    (coding: string, encode: (bytes: Buffer) => Buffer) =>
    (file: string): { send: string | Buffer } => ({
      send: file === 'summary' ? ok(encode(summary), `content-encoding: ${coding}\r\n`) : status(404),
    });

  /** By the first part of the path; the rest is the file. Undefined: the connection is closed without a word. */
  const answers: Record<string, (file: string, scheme: string) => { send?: string | Buffer; close?: boolean }> = {
    fine: (file) => ({ send: file === 'summary' ? ok(summary) : status(404) }),
    chunked: (file) =>
      file === 'summary'
        ? {
            send: Buffer.concat([
              Buffer.from(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${summary.length.toString(16)}\r\n`),
              summary,
              Buffer.from('\r\n0\r\n\r\n'),
            ]),
          }
        : { send: status(404) },
    'until-close': (file) =>
      file === 'summary'
        ? { send: Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), summary]), close: true }
        : { send: status(404), close: true },
    moved: (file) => ({ send: status(302, `location: /fine/${file}\r\n`) }),
    permanent: (file) => ({ send: status(308, `location: /fine/${file}\r\n`) }),
    relative: (file) => ({ send: status(301, `location: ../fine/${file}\r\n`) }),
    away: (file, scheme) => ({
      send: status(302, `location: ${scheme}://localhost:${ports[scheme]}/fine/${file}\r\n`),
    }),
    'to-file': () => ({ send: status(302, `location: file:///etc/passwd\r\n`) }),
    'to-nowhere': () => ({ send: status(302) }),
    closed: () => ({ close: true }),
    cut: () => ({ send: 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort', close: true }),
    'cut-chunk': () => ({ send: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\nshort', close: true }),
    garbage: () => ({ send: 'SSH-2.0-OpenSSH\r\n\r\n', close: true }),
    'bad-chunk': () => ({ send: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n', close: true }),
    'bad-length': () => ({ send: 'HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n', close: true }),
    forbidden: () => ({ send: status(403) }),
    gone: () => ({ send: status(410) }),
    password: () => ({ send: status(401, 'www-authenticate: Basic realm="x"\r\n') }),
    broken: () => ({ send: status(500) }),
    busy: () => ({ send: status(503, 'retry-after: 1\r\n') }),
    teapot: () => ({ send: status(418) }),
    identity: coded('identity', (bytes) => bytes),
    gzip: coded('x-gzip', gzipSync),
    deflate: coded('deflate', deflateSync),
    'bare-deflate': coded('deflate', deflateRawSync),
    brotli: coded('br', brotliCompressSync),
    zstd: coded('zstd', zstdCompressSync),
    twice: coded('deflate, gzip', (bytes) => gzipSync(deflateSync(bytes))),
    'not-gzip': coded('gzip', (bytes) => bytes),
    'unknown-coding': coded('compress', (bytes) => bytes),
    'more-than-gzip': coded('gzip', (bytes) => Buffer.concat([gzipSync(bytes), Buffer.from('more')])),
    expands: coded('gzip', () => gzipSync(Buffer.alloc(64 * 1024 * 1024))),
  };

  function serve(socket: Socket, scheme: string): void {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end).split('\r\n');
        text = text.slice(end + 4);
        note(head, scheme);
        const path = new URL(head[0]!.split(' ')[1]!, 'http://x').pathname.split('/');
        const { send, close } = answers[path[1]!]?.(path.slice(2).join('/'), scheme) ?? { send: status(404) };
        if (send !== undefined) socket.write(send);
        if (close === true) socket.end();
      }
    });
  }

  /** Requests by what matters: method and path, and the fields that a server acts on. */
  function note(head: readonly string[], scheme: string): void {
    const fields = head
      .slice(1)
      .map((line) => line.replace(/^([^:]*):\s*/, (_, name: string) => `${name.toLowerCase()}: `))
      .filter((line) => /^(authorization|proxy-authorization|cookie|accept-encoding|x-own|range|if-|host)/.test(line))
      .map((line) => line.replace(/:\d+$/, ':PORT'))
      .sort();
    seen.push(`${scheme} ${head[0]!.split(' ').slice(0, 2).join(' ').replace(/:\d+/, ':PORT')} ${fields.join(', ')}`);
  }

  function makeProxy(mode: 'open' | 'locked' | 'refusing' | 'mute'): Server {
    return createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (bytes: Buffer) => {
        const head = bytes.toString('latin1').split('\r\n\r\n')[0]!.split('\r\n');
        const given = head.find((line) => /^proxy-authorization:/i.test(line))?.replace(/^[^:]*: */, '');
        if (head[0]!.startsWith('CONNECT')) note(head, 'proxy');
        if (mode === 'mute') return socket.end();
        if (mode === 'refusing') return socket.end(status(403));
        if (mode === 'locked' && given !== `Basic ${Buffer.from('u ser:p@ss').toString('base64')}`)
          return socket.end(status(407, 'proxy-authenticate: Basic realm="p"\r\n'));
        const [method, target] = head[0]!.split(' ') as [string, string];
        if (method !== 'CONNECT') {
          serve(socket, 'http');
          socket.emit('data', bytes);
          return undefined;
        }
        const [host, port] = target.split(':') as [string, string];
        const on = connect(Number(port), host, () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          socket.pipe(on).pipe(socket);
        });
        on.on('error', () => socket.destroy());
        return undefined;
      });
    });
  }

  async function listen(name: string, server: Server): Promise<void> {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    ports[name] = (server.address() as AddressInfo).port;
  }

  beforeAll(async () => {
    const openssl = (...args: string[]): void => {
      execFileSync('openssl', args, { cwd: work.path, stdio: 'ignore' });
    };
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    for (const ca of ['ca', 'other-ca'])
      openssl(
        'req',
        '-x509',
        ...newKey,
        '-days',
        '30',
        '-subj',
        `/CN=${ca}`,
        '-keyout',
        `${ca}.key`,
        '-out',
        `${ca}.pem`,
      );
    const certificate = (name: string, ca: string, names: string, days: string): void => {
      writeFileSync(at(`${name}.ext`), `subjectAltName=${names}\n`);
      openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
      const sign = ['x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial'];
      openssl(...sign, '-days', days, '-extfile', `${name}.ext`, '-out', `${name}.pem`);
    };
    const own = 'IP:127.0.0.1,DNS:localhost';
    certificate('https', 'ca', own, '30');
    certificate('unknown', 'other-ca', own, '30');
    certificate('expired', 'ca', own, '0');
    certificate('misnamed', 'ca', 'DNS:other.example', '30');
    certificate('strict', 'ca', own, '30');
    mkdirSync(at('tree'));
    originalOutput(`--repo=${at('source')}`, 'init', '--mode=archive');
    originalOutput(`--repo=${at('source')}`, 'commit', '-b', 'main', '--timestamp=@1', at('tree'));
    originalOutput(`--repo=${at('source')}`, 'summary', '-u');
    summary = readFileSync(at('source/summary'));
    await listen(
      'http',
      createServer((socket) => serve(socket, 'http')),
    );
    for (const name of ['https', 'unknown', 'expired', 'misnamed', 'strict']) {
      const material = { cert: readFileSync(at(`${name}.pem`)), key: readFileSync(at(`${name}.key`)) };
      const asks =
        name === 'strict' ? { requestCert: true, rejectUnauthorized: true, ca: readFileSync(at('ca.pem')) } : {};
      const server = createTlsServer({ ...material, ...asks }, (socket) => serve(socket, 'https'));
      server.on('tlsClientError', () => {});
      await listen(name, server);
    }
    for (const mode of ['open', 'locked', 'refusing', 'mute'] as const) await listen(mode, makeProxy(mode));
    // One that talks no TLS, and a port where nobody listens.
    await listen(
      'clear',
      createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    await listen('nobody', createServer());
    servers.at(-1)!.close();
    if (Date.now() % 1000 > 0) await new Promise((done) => setTimeout(done, 1100 - (Date.now() % 1000)));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
    work.remove();
  });

  async function compare(url: string, set: readonly string[], proxy?: string): Promise<void> {
    const results: unknown[] = [];
    const cookie = `127.0.0.1\tFALSE\t/\tFALSE\t0\tname\tvalue\n`;
    for (const run of [theirsAside, ours]) {
      rmSync(at('client'), { recursive: true, force: true });
      const repo = `--repo=${at('client')}`;
      originalOutput(repo, 'init', '--mode=archive');
      const keys = [...set, ...(proxy === undefined ? [] : [`proxy=${proxy}`])].map((key) => `--set=${key}`);
      originalOutput(repo, 'remote', 'add', '--no-gpg-verify', `--set=tls-ca-path=${at('ca.pem')}`, ...keys, 'o', url);
      writeFileSync(at('client/o.cookies.txt'), cookie);
      seen = [];
      const done = await run([repo, 'remote', 'refs', 'o']);
      // Ours tries again where the original does not.
      results.push({ ...done, seen: [...new Set(seen)].sort() });
    }
    expect(results[1]).toEqual(results[0]);
  }

  const ways = ['http', 'https', 'https through a proxy'] as const;
  describe.each(ways)('%s', (way) => {
    const scheme = way.split(' ')[0]!;
    // Through a tunnel the same client talks the same; each try of what fails takes its time.
    const few = ['fine', 'moved', 'away', 'closed', 'garbage', 'forbidden', 'password'];
    test.each(way.includes('proxy') ? few : Object.keys(answers))('%s', async (name) => {
      const proxy = way.includes('proxy') ? `http://127.0.0.1:${ports['open']}` : undefined;
      await compare(`${scheme}://127.0.0.1:${ports[scheme]}/${name}`, [], proxy);
    });
  });

  test.each(['unknown', 'expired', 'misnamed', 'clear', 'nobody'])('a server that is %s', async (name) => {
    await compare(`https://127.0.0.1:${ports[name]}/fine`, []);
    await compare(`https://127.0.0.1:${ports[name]}/fine`, [], `http://127.0.0.1:${ports['open']}`);
  });

  test.each([
    ['locked', ''],
    ['locked', 'u%20ser:p%40ss@'],
    ['locked', 'u:wrong@'],
    ['refusing', ''],
    ['mute', ''],
    ['nobody', ''],
  ])('a proxy that is %s, as %j', async (name, user) => {
    for (const scheme of ['http', 'https'])
      await compare(`${scheme}://127.0.0.1:${ports[scheme]}/fine`, [], `http://${user}127.0.0.1:${ports[name]}`);
  });

  test.each([
    ['http', 'away'],
    ['https', 'away'],
    ['http', 'moved'],
    ['https', 'moved'],
    ['http', 'password'],
  ])('%s: a name and password in the address, %s', async (scheme, name) => {
    await compare(`${scheme}://user:pass@127.0.0.1:${ports[scheme]}/${name}`, []);
  });
});
