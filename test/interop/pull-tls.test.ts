// How a pull reaches its server: authorities, client certificates, HTTP/2, proxies, passwords, headers and cookies, each
// asked of the original first.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join, normalize } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ours } from './ostree-runners.ts';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

function theirs(args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile('ostree', [...args], { env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' } }, (error, stdout, stderr) =>
      done({ status: error === null ? 0 : 1, stdout, stderr }),
    );
  });
}

interface Seen {
  readonly version: string;
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  readonly own: string | undefined;
  /** Name in the client's certificate. */
  readonly client: string | undefined;
}

describe.skipIf(skipReason !== undefined)(`reaching a server (${skipReason ?? 'ostree found'})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);
  const open: { close(): unknown }[] = [];
  const sockets = new Set<Socket>();
  let seen: Seen[] = [];
  let tunnels: string[] = [];
  let [plain, secure, strict, old, proxy, lockedProxy, elsewhere] = ['', '', '', '', '', '', ''];

  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: work.path, stdio: 'ignore' });
  };

  function answer(
    request: IncomingMessage | Http2ServerRequest,
    response: Pick<ServerResponse, 'writeHead' | 'end'>,
    password: string | undefined,
  ): void {
    const peer = (request.socket as TLSSocket).getPeerCertificate?.();
    const { authorization, cookie } = request.headers;
    const own = request.headers['x-own'];
    seen.push({
      version: request.httpVersion,
      authorization,
      cookie,
      own: typeof own === 'string' ? own : undefined,
      client: peer?.subject?.CN as string | undefined,
    });
    if (password !== undefined && authorization !== `Basic ${Buffer.from(password).toString('base64')}`) {
      response.writeHead(401);
      response.end();
      return;
    }
    try {
      const body = readFileSync(join(at('repo'), normalize(request.url!)));
      response.writeHead(200);
      response.end(body);
    } catch {
      response.writeHead(404);
      response.end();
    }
  }

  async function listen(server: Server | ReturnType<typeof createSecureServer>, host = '127.0.0.1'): Promise<number> {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    open.push(server);
    await new Promise<void>((done) => server.listen(0, host, done));
    return (server.address() as AddressInfo).port;
  }

  function makeProxy(password: string | undefined): Server {
    const server = createServer((request, response) => {
      // A plain request through a proxy names its server whole.
      tunnels.push(`GET ${new URL(request.url!).pathname === '/summary' ? request.url : 'object'}`);
      request.url = new URL(request.url!).pathname;
      answer(request, response, undefined);
    });
    server.on('connect', (request: IncomingMessage, socket: Socket) => {
      const given = request.headers['proxy-authorization'];
      tunnels.push(`CONNECT ${request.url} ${given ?? ''}`);
      if (password !== undefined && given !== `Basic ${Buffer.from(password).toString('base64')}`) {
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="p"\r\n\r\n');
        return;
      }
      const [host, port] = request.url!.split(':') as [string, string];
      const on = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(on).pipe(socket);
      });
      for (const end of [on, socket]) {
        sockets.add(end);
        end.on('error', () => {});
      }
    });
    return server;
  }

  beforeAll(async () => {
    mkdirSync(at('tree'));
    for (let i = 0; i < 20; i++) writeFileSync(at(`tree/file${i}`), `file ${i}\n`);
    originalOutput('init', `--repo=${at('repo')}`, '--mode=archive');
    originalOutput(`--repo=${at('repo')}`, 'commit', '-b', 'main', at('tree'));
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl(
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=Test authority',
      '-days',
      '2',
    );
    writeFileSync(at('ext'), 'subjectAltName=IP:127.0.0.1,IP:127.0.0.2\n');
    for (const name of ['server', 'client']) {
      openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=test ${name}`);
      const sign = ['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
      openssl(...sign, '-out', `${name}.pem`, '-days', '2', '-extfile', 'ext');
    }
    const material = { cert: readFileSync(at('server.pem')), key: readFileSync(at('server.key')), allowHTTP1: true };
    const ca = readFileSync(at('ca.pem'));
    plain = `http://127.0.0.1:${await listen(createServer((q, r) => answer(q, r, 'user:word')))}`;
    secure = `https://127.0.0.1:${await listen(createSecureServer(material, (q, r) => answer(q, r as never, undefined)))}`;
    const asking = { ...material, ca, requestCert: true, rejectUnauthorized: true };
    strict = `https://127.0.0.1:${await listen(createSecureServer(asking, (q, r) => answer(q, r as never, undefined)))}`;
    const curious = createSecureServer({ ...asking, rejectUnauthorized: false }, (q, r) =>
      answer(q, r as never, undefined),
    );
    elsewhere = `https://127.0.0.2:${await listen(curious, '127.0.0.2')}`;
    const first = { ...material, ALPNProtocols: ['http/1.1'] };
    old = `https://127.0.0.1:${await listen(createSecureServer(first, (q, r) => answer(q, r as never, undefined)))}`;
    proxy = `http://127.0.0.1:${await listen(makeProxy(undefined))}`;
    lockedProxy = `http://me:secret@127.0.0.1:${await listen(makeProxy('me:secret'))}`;
  });
  afterAll(() => {
    for (const server of open) server.close();
    for (const socket of sockets) socket.destroy();
    work.remove();
  });

  interface Case {
    readonly name: string;
    readonly url: () => string;
    /** Keys of the remote. */
    readonly set?: () => readonly string[];
    readonly before?: (repo: string) => void;
    readonly args?: readonly string[];
    readonly fails?: boolean;
    /** Words of an error that comes from the TLS library differ. */
    readonly ownWords?: RegExp;
    /** HTTP version of ours where the original's is another. */
    readonly version?: string;
  }
  const ca = (): string => `tls-ca-path=${at('ca.pem')}`;
  const client = (): string[] => [
    `tls-client-cert-path=${at('client.pem')}`,
    `tls-client-key-path=${at('client.key')}`,
  ];
  const cases: Case[] = [
    { name: 'an authority of the remote, over HTTP/2', url: () => secure, set: () => [ca()] },
    { name: 'a server without HTTP/2', url: () => old, set: () => [ca()] },
    // libcurl takes HTTP/2 all the same where the server offers it; ours does what the key says.
    { name: 'http2=false', url: () => secure, set: () => [ca(), 'http2=false'], version: '1.1' },
    { name: 'an unknown authority', url: () => secure, fails: true, ownWords: /\[60\] / },
    { name: 'any authority', url: () => secure, set: () => ['tls-permissive=true'] },
    { name: 'a client certificate', url: () => strict, set: () => [ca(), ...client()] },
    { name: 'no client certificate', url: () => strict, set: () => [ca()], fails: true, ownWords: /\[\d+\] / },
    { name: 'a certificate without key', url: () => strict, set: () => [ca(), client()[0]!], fails: true },
    {
      name: 'an authority that is not there',
      url: () => secure,
      set: () => ['tls-ca-path=/nonexistent'],
      fails: true,
      ownWords: /./,
    },
    { name: 'a password in the URL', url: () => plain.replace('//', '//user:word@') },
    {
      name: 'a wrong password',
      url: () => plain.replace('//', '//user:wrong@'),
      args: ['--network-retries=0'],
      fails: true,
    },
    {
      name: 'headers and cookies',
      url: () => secure,
      set: () => [ca()],
      args: ['--http-header=X-Own=value'],
      before: (repo) => originalOutput(`--repo=${repo}`, 'remote', 'add-cookie', 'o', '127.0.0.1', '/', 'sweet', 'yes'),
    },
    { name: 'a proxy for https', url: () => secure, set: () => [ca(), `proxy=${proxy}`] },
    { name: 'a proxy with a password', url: () => secure, set: () => [ca(), `proxy=${lockedProxy}`] },
    {
      name: 'a proxy that wants a password',
      url: () => secure,
      set: () => [ca(), `proxy=${lockedProxy.replace('me:secret@', '')}`],
      fails: true,
      ownWords: /\[56\] /,
    },
    { name: 'a proxy for http', url: () => 'http://repo.invalid', set: () => [`proxy=${proxy}`] },
    {
      name: 'a proxy that is not there',
      url: () => secure,
      set: () => [ca(), 'proxy=http://127.0.0.1:1'],
      fails: true,
    },
  ];

  async function side(name: 'ours' | 'theirs', c: Case) {
    const repo = at(`side-${name}`);
    rmSync(repo, { recursive: true, force: true });
    originalOutput('init', `--repo=${repo}`, '--mode=bare-user');
    const keys = (c.set?.() ?? []).map((key) => `--set=${key}`);
    originalOutput(`--repo=${repo}`, 'remote', 'add', '--no-gpg-verify', ...keys, 'o', c.url());
    c.before?.(repo);
    [seen, tunnels] = [[], []];
    const done = await (name === 'ours' ? ours : theirs)([`--repo=${repo}`, 'pull', ...(c.args ?? []), 'o', 'main']);
    const unique = (list: readonly unknown[]): string[] =>
      [...new Set(list.map((item) => JSON.stringify(item)))].sort();
    return { done, seen: unique(seen), tunnels: unique(tunnels) };
  }

  test.each(cases)('$name', async (c) => {
    const expected = await side('theirs', c);
    const actual = await side('ours', c);
    expect(expected.done.status === 0, expected.done.stderr).toBe(c.fails !== true);
    expect(actual.done.status === 0, actual.done.stderr).toBe(c.fails !== true);
    const words = (text: string): string => text.replaceAll(/:\d+\//g, ':PORT/');
    if (c.ownWords === undefined) expect(words(actual.done.stderr)).toBe(words(expected.done.stderr));
    else {
      expect(expected.done.stderr).toMatch(c.ownWords);
      expect(actual.done.stderr).toMatch(c.ownWords);
    }
    if (c.version === undefined) expect(actual.seen).toEqual(expected.seen);
    else expect(actual.seen.join()).toContain(`"version":"${c.version}"`);
    expect(actual.tunnels).toEqual(expected.tunnels);
  });

  // The original shows it to whomever it is sent to.
  test.each([
    { where: 'another host', to: () => elsewhere, shown: undefined },
    { where: 'the same host', to: () => strict, shown: 'test client' },
  ])('a client certificate after a redirect to $where', async ({ to, shown }) => {
    const material = { cert: readFileSync(at('server.pem')), key: readFileSync(at('server.key')), allowHTTP1: true };
    const moved = createSecureServer(material, (request, response) => {
      response.writeHead(302, { location: `${to()}${request.url}` });
      response.end();
    });
    const url = `https://127.0.0.1:${await listen(moved)}`;
    const c = { name: '', url: () => url, set: () => [ca(), ...client()] };
    const names = async (which: 'ours' | 'theirs') => {
      const { done, seen: told } = await side(which, c);
      expect(done.status, done.stderr).toBe(0);
      return [...new Set(told.map((one) => (JSON.parse(one) as Seen).client))];
    };
    expect(await names('theirs')).toEqual(['test client']);
    expect(await names('ours')).toEqual([shown]);
  });
});
