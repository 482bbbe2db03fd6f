import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Fetcher, type FetcherOptions } from '../src/index.ts';

const open: { fetchers: Fetcher[]; servers: Server[]; sockets: Set<Socket> } = {
  fetchers: [],
  servers: [],
  sockets: new Set(),
};
afterEach(async () => {
  for (const fetcher of open.fetchers.splice(0)) await fetcher.close();
  for (const socket of open.sockets) socket.destroy();
  for (const server of open.servers.splice(0)) await new Promise((done) => server.close(done));
});

/** A server that is told of every request text and answers with bytes of its own. */
async function serve(answer: (socket: Socket, request: string, connection: number) => void): Promise<string> {
  let connections = 0;
  const server = createServer((socket) => {
    const connection = connections++;
    open.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => answer(socket, bytes.toString('latin1'), connection));
  });
  open.servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function fetcher(options: FetcherOptions = {}): Fetcher {
  const made = new Fetcher({ env: {}, sleep: async () => {}, retries: 0, ...options });
  open.fetchers.push(made);
  return made;
}

const hello = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello';

test('one connection serves one request after another', async () => {
  const requests: string[] = [];
  const seen = new Set<number>();
  const url = await serve((socket, request, connection) => {
    requests.push(request);
    seen.add(connection);
    socket.write(hello);
  });
  const client = fetcher({ userAgent: 'test/1' });
  for (let i = 0; i < 20; i++)
    expect(Buffer.from((await client.bytes(`${url}/${i}?q`)).bytes).toString()).toBe('hello');
  expect(seen.size).toBe(1);
  expect(requests[3]).toBe(
    `GET /3?q HTTP/1.1\r\nhost: ${url.slice(7)}\r\nconnection: keep-alive\r\naccept: */*\r\nuser-agent: test/1\r\n\r\n`,
  );
});

test('a connection that the server closed while it was idle costs no retry', async () => {
  const url = await serve((socket, request, connection) => {
    if (connection === 0 && request.startsWith('GET /second')) socket.destroy();
    else socket.write(hello);
  });
  const client = fetcher();
  await client.bytes(`${url}/first`);
  expect(Buffer.from((await client.bytes(`${url}/second`)).bytes).toString()).toBe('hello');
});

test('what a server says unasked ends the connection, not the next answer', async () => {
  const url = await serve((socket, _request, connection) =>
    socket.write(connection === 0 ? `${hello}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil` : hello),
  );
  const client = fetcher();
  for (let i = 0; i < 3; i++) expect(Buffer.from((await client.bytes(`${url}/${i}`)).bytes).toString()).toBe('hello');
});

test.each([
  ['closes at once', (socket: Socket) => socket.destroy(), 52],
  ['ends in the head', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nconte'), 52],
  ['ends in the body', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello'), 18],
  ['resets', (socket: Socket) => socket.resetAndDestroy(), 56],
  ['speaks something else', (socket: Socket) => socket.write('220 mail.example.com ESMTP\r\n\r\n'), 1],
] as const)('a server that %s', async (_what, answer, number) => {
  const url = await serve((socket) => answer(socket));
  await expect(fetcher().bytes(`${url}/x`)).rejects.toMatchObject({ code: 'Network', data: { curl: number } });
});

test('no line can be smuggled in through a header', async () => {
  const requests: string[] = [];
  const url = await serve((socket, request) => {
    requests.push(request);
    socket.write(hello);
  });
  for (const header of [
    ['X', 'a\r\nY: b'],
    ['X\r\nY', 'a'],
    ['X', 'a\0'],
    ['X', '\u{1f600}'],
  ] as const)
    await expect(fetcher({ headers: [header] }).bytes(`${url}/x`)).rejects.toMatchObject({ code: 'Network' });
  expect(requests).toEqual([]);
});

test('a transfer that is too slow is ended', async () => {
  const url = await serve((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nh'));
  await expect(fetcher({ lowSpeedBytes: 10, lowSpeedSeconds: 1 }).bytes(`${url}/x`)).rejects.toMatchObject({
    data: { curl: 28 },
  });
});

test('chunks and close-delimited bodies', async () => {
  const url = await serve((socket, request) => {
    if (request.startsWith('GET /chunks'))
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n');
    else socket.end('HTTP/1.0 200 OK\r\n\r\nhello');
  });
  const client = fetcher();
  for (const path of ['chunks', 'close', 'chunks'])
    expect(Buffer.from((await client.bytes(`${url}/${path}`)).bytes).toString()).toBe('hello');
});
