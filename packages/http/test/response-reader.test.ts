import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Headers, ResponseReader } from '../src/response-reader.ts';

interface Seen {
  status: number;
  headers: Headers;
  body: string;
  ended: boolean;
}

/** Reads responses to so many requests from pieces of a connection's bytes. */
function readAll(pieces: readonly Buffer[], requests = 1): { seen: Seen[]; reader: ResponseReader } {
  const seen: Seen[] = [];
  const reader = new ResponseReader({
    onHead: (status, headers) => seen.push({ status, headers, body: '', ended: false }),
    onData: (bytes) => {
      seen.at(-1)!.body += bytes.toString('latin1');
    },
    onEnd: () => {
      seen.at(-1)!.ended = true;
      if (seen.length < requests) reader.expect();
    },
  });
  reader.expect();
  for (const piece of pieces) {
    // The reader may not count on the bytes after the call.
    const lent = Buffer.from(piece);
    reader.push(lent);
    lent.fill(0x2a);
  }
  return { seen, reader };
}

const chunked = (parts: readonly string[]): string =>
  `${parts.map((part) => `${part.length.toString(16)};ext=1\r\n${part}\r\n`).join('')}0\r\n`;

test('responses come out the same however their bytes are cut', () => {
  const responses = [
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "a"\r\n\r\nhello',
    'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n',
    `HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n${chunked(['one', '\r\n\r\n', 'x'.repeat(300)])}\r\n`,
    `HTTP/1.1 206 Partial Content\r\ntransfer-encoding: chunked\r\n\r\n${chunked([])}Trailer: yes\r\n\r\n`,
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\n',
  ];
  const bytes = Buffer.from(responses.join(''), 'latin1');
  const whole = readAll([bytes], responses.length).seen;
  expect(whole.map((s) => [s.status, s.body.length, s.ended])).toEqual([
    [200, 5, true],
    [404, 0, true],
    [200, 307, true],
    [206, 0, true],
    [304, 0, true],
  ]);
  expect(whole[4]!.headers['set-cookie']).toEqual(['a', 'b']);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 40 }), (cuts) => {
      const at = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
      const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i]!, end));
      expect(readAll(pieces, responses.length).seen).toEqual(whole);
    }),
    { numRuns: 200, seed: 7 },
  );
});

test('without a length the body ends with the connection', () => {
  const { seen, reader } = readAll([Buffer.from('HTTP/1.0 200 OK\r\n\r\nall there is')]);
  expect(seen[0]!.ended).toBe(false);
  reader.end();
  expect(seen[0]).toMatchObject({ body: 'all there is', ended: true });
  expect(reader.keepAlive).toBe(false);
});

test.each([
  ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na', true],
  ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\nConnection: close\r\n\r\na', false],
  ['HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na', false],
  ['HTTP/1.0 200 OK\r\ncontent-length: 1\r\nconnection: Keep-Alive\r\n\r\na', true],
  ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab', false],
  ['HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', false],
])('%j leaves the connection open: %s', (text, open) => {
  const { seen, reader } = readAll([Buffer.from(text)]);
  expect(seen[0]!.ended).toBe(true);
  expect(reader.keepAlive).toBe(open);
});

test.each([
  ['', 52],
  ['HTTP/1.1 200 OK\r\ncontent-le', 52],
  ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell', 18],
  ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n', 18],
])('a connection that ends after %j', (text, number) => {
  const { reader } = readAll([Buffer.from(text)]);
  expect(() => reader.end()).toThrow(`[${number}]`);
});

test.each([
  'SSH-2.0-OpenSSH_9\r\n\r\n',
  'HTTP/2 200\r\n\r\n',
  'HTTP/1.1 20 OK\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  'HTTP/1.1 200 OK\r\nno colon\r\n\r\n',
  'HTTP/1.1 200 OK\r\nname : value\r\n\r\n',
  'HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n',
  'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n',
  'HTTP/1.1 200 OK\r\ncontent-length: 0x10\r\n\r\n',
  'HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n',
  'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n',
  `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`,
  'HTTP/1.1 100 Continue\r\n\r\n'.repeat(10_000),
])('%#: what is no response is a network error', (text) => {
  expect(() => readAll([Buffer.from(text)])).toThrow(/^\[(1|8|56|61)\] /);
});
