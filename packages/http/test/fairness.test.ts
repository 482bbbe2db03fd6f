import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StaticServer, serveStatic } from '../src/static-server.ts';
import { Turns } from '../src/turns.ts';

let dir: string;
let server: StaticServer;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'coppice-fair-'));
  mkdirSync(join(dir, 'objects'));
  writeFileSync(join(dir, 'objects/small'), 'small file');
  writeFileSync(join(dir, 'objects/middle'), Buffer.alloc(120_000, 'middle '));
  writeFileSync(join(dir, 'objects/large'), '');
  truncateSync(join(dir, 'objects/large'), 40_000_000);
  server = await serveStatic(dir, { cacheControl: () => 'public, immutable' });
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

const request = (path: string): string => `GET /objects/${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

function open(to = server): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(to.port, '127.0.0.1', () => {
      // Ends of tests come as they come.
      socket.removeListener('error', reject).on('error', () => {});
      resolve(socket);
    }).on('error', reject);
  });
}

/** Waits until the connection has brought so many bytes. */
function bytes(socket: Socket, count: number): Promise<void> {
  return new Promise((resolve) => {
    let got = 0;
    const more = (data: Buffer): void => {
      got += data.length;
      if (got < count) return;
      socket.removeListener('data', more);
      resolve();
    };
    socket.on('data', more);
  });
}

const rounds = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise<void>((done) => setImmediate(done));
};

test('requests wait while connections arrive', async () => {
  const [turns, answered] = [new Turns(() => 0), [] as string[]];
  expect(turns.holds).toBe(false);
  for (const name of ['a', 'b', 'c']) {
    turns.arrived();
    expect(turns.holds).toBe(true);
    turns.queue(() => answered.push(name));
    await rounds(1);
    expect(answered).toEqual([]);
  }
  await rounds(2);
  expect(answered).toEqual(['a', 'b', 'c']);
  expect(turns.holds).toBe(false);
});

test('but not for ever', async () => {
  let now = 0;
  const [turns, answered] = [new Turns(() => now), [] as number[]];
  for (let i = 0; i < 100; i++) {
    turns.arrived();
    const asked = i;
    turns.queue(() => answered.push(i - asked));
    now++;
    await rounds(1);
  }
  await rounds(3);
  expect(answered).toHaveLength(100);
  expect(Math.max(...answered)).toBeLessThan(40);
});

test('of many connections that come at once and ask again and again nobody is left behind', async () => {
  const counts: number[] = new Array<number>(150).fill(0);
  let most = 0;
  const sockets: Socket[] = [];
  const begun = performance.now();
  await new Promise<void>((resolve, reject) => {
    for (let i = 0; i < counts.length; i++) {
      const socket = connect(server.port, '127.0.0.1').on('error', reject);
      sockets.push(socket);
      socket.on('data', () => {
        counts[i]!++;
        if (counts.every((n) => n > 0)) {
          most = Math.max(...counts);
          resolve();
        } else socket.write(request('small'));
      });
      socket.write(request('small'));
    }
  });
  for (const socket of sockets) socket.destroy();
  // One connection is taken in a round: without turns the first asks about as often as there are others, in much less time than
  // that many waits. A wait lasts 25 ms at most, and a machine that is busy may need several.
  expect(most).toBeLessThan(10 + (performance.now() - begun) / 25);
});

test('a connection that asks for very much at once does not keep others waiting', async () => {
  const [greedy, other] = [await open(), await open()];
  let served = 0;
  greedy.on('data', (data: Buffer) => (served += data.toString('latin1').split('HTTP/1.1 200').length - 1));
  const answered = bytes(other, 10);
  greedy.write(request('small').repeat(3000));
  other.write(request('small'));
  await answered;
  expect(served).toBeLessThan(2000);
  greedy.destroy();
  other.destroy();
});

test('large answers to many do not keep small ones waiting', async () => {
  const large = await Promise.all(Array.from({ length: 20 }, () => open()));
  let got = 0;
  for (const socket of large) {
    socket.on('data', (data: Buffer) => (got += data.length));
    socket.write(request('large'));
  }
  const small = await open();
  for (let i = 0; i < 20; i++) {
    const answered = bytes(small, 10);
    small.write(request('small'));
    await answered;
  }
  // Each of twenty rounds brings a piece to each, and what is in sockets besides.
  expect(got).toBeLessThan(400_000_000);
  for (const socket of [...large, small]) socket.destroy();
});

test('a thousand idle connections are no matter', async () => {
  const idle = await Promise.all(Array.from({ length: 1000 }, () => open()));
  const one = await open();
  const answered = bytes(one, 120_000);
  one.write(request('middle'));
  await answered;
  for (const socket of [...idle, one]) socket.destroy();
});

test('a server that stops ends who waits and lets answers through', async () => {
  const stopping = await serveStatic(dir);
  const [idle, busy] = [await open(stopping), await open(stopping)];
  idle.resume();
  const ended = new Promise<void>((done) => idle.on('close', () => done()));
  const all = bytes(busy, 40_000_000);
  const begun = new Promise((done) => busy.once('data', done));
  busy.write(request('large'));
  await begun;
  // It takes as long as the answer does, not the time that is given.
  const closed = stopping.close(1_000_000);
  await ended;
  await all;
  await closed;
  await expect(open(stopping)).rejects.toThrow('ECONNREFUSED');
});

test('a server that stops cuts off who does not read when the time is up', async () => {
  const stopping = await serveStatic(dir);
  const deaf = await open(stopping);
  const begun = new Promise((done) => deaf.once('readable', done));
  deaf.write(request('large'));
  await begun;
  await stopping.close(100);
  deaf.destroy();
});
