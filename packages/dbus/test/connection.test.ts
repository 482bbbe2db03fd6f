// Connections to a bus that is played here, friendly and hostile.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { afterEach, expect, test } from 'vitest';
import { connectBus, type DBusMessage, encodeMessage, MessageFraming } from '../src/index.ts';

let stop: (() => void)[] = [];
afterEach(() => {
  for (const one of stop.splice(0)) one();
  stop = [];
});

/** A bus that does what `say` does with each connection. */
async function bus(say: (socket: Socket) => void): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'coppice-bus-'));
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    stop.push(() => socket.destroy());
    say(socket);
  });
  stop.push(() => {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const path = join(dir, 'bus');
  await new Promise<void>((done) => server.listen(path, done));
  return `unix:path=${path}`;
}

/** Lets the client in, answers Hello, and gives further calls to `serve`. */
function welcoming(serve: (call: DBusMessage, socket: Socket) => void): (socket: Socket) => void {
  return (socket) => {
    const framing = new MessageFraming(1024);
    let begun = false;
    socket.on('data', (data: Buffer) => {
      let rest = data;
      if (!begun) {
        if (data.includes('AUTH')) socket.write('OK 0123456789abcdef0123456789abcdef\r\n');
        const at = data.indexOf('BEGIN\r\n');
        if (at < 0) return;
        begun = true;
        rest = data.subarray(at + 7);
      }
      for (const call of framing.push(rest)) {
        if (call.member === 'Hello') answer(socket, call, 's', [':1.5']);
        else serve(call, socket);
      }
    });
  };
}

function answer(socket: Socket, call: DBusMessage, signature: string, body: DBusMessage['body']): void {
  socket.write(encodeMessage({ type: 'return', serial: 1, replySerial: call.serial, signature, body }, 'big'));
}

const call = { destination: 'org.example.A', path: '/', interface: 'org.example.A', member: 'Do' } as const;

test('calls get their answers, whatever their order, in the byte order of the other side', async () => {
  const calls: DBusMessage[] = [];
  const address = await bus(
    welcoming((one, socket) => {
      calls.push(one);
      if (calls.length < 3) return;
      for (const each of calls.reverse()) answer(socket, each, 's', each.body);
    }),
  );
  const connection = await connectBus(address);
  expect(connection.uniqueName).toBe(':1.5');
  const results = await Promise.all(
    ['a', 'b', 'c'].map((body) => connection.call({ ...call, signature: 's', body: [body] })),
  );
  expect(results.map(({ body }) => body[0])).toEqual(['a', 'b', 'c']);
  connection.close();
  await expect(connection.call(call)).rejects.toThrow('D-Bus connection closed');
});

test('an error that is answered has its name', async () => {
  const address = await bus(
    welcoming(({ serial }, socket) =>
      socket.write(
        encodeMessage({
          type: 'error',
          serial: 1,
          errorName: 'org.freedesktop.DBus.Error.AccessDenied',
          replySerial: serial,
          signature: 's',
          body: ['no'],
        }),
      ),
    ),
  );
  const connection = await connectBus(address);
  const error = await connection.call(call).catch((e: unknown) => e);
  expect(error).toMatchObject({
    code: 'Permission',
    message: 'no',
    data: { dbusError: 'org.freedesktop.DBus.Error.AccessDenied' },
  });
  connection.close();
});

test.each<[string, string, (socket: Socket) => void]>([
  ['goes away', 'Network', (socket) => socket.destroy()],
  ['rejects', 'Permission', (socket) => socket.write('REJECTED KERBEROS\r\n')],
  ['answers nonsense', 'Invalid', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['sends a line without end', 'Limit', (socket) => socket.write('x'.repeat(20_000))],
  ['sends bytes that are no text', 'Invalid', (socket) => socket.write(Buffer.from('OK \u0007\r\n', 'latin1'))],
  ['says more than it is asked', 'Invalid', (socket) => socket.write('OK 00\r\nOK 00\r\n')],
  ['says nothing', 'Network', () => {}],
  ['answers with a malformed message', 'Invalid', welcomingWith(Buffer.alloc(64, 0x78))],
  [
    'announces a message without end',
    'Limit',
    welcomingWith(Buffer.from('6c02000100ffff0101000000 00000000'.replace(' ', ''), 'hex')),
  ],
])('a bus that %s fails what is under way', async (_name, code, say) => {
  const error = await connectBus(await bus(say), { timeoutMs: 200, maxMessage: 4096 }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CoppiceError);
  expect((error as CoppiceError).code).toBe(code);
});

/** Lets the client in and answers everything with the same bytes. */
function welcomingWith(bytes: Buffer): (socket: Socket) => void {
  return (socket) => {
    socket.on('data', (data: Buffer) => {
      if (data.includes('AUTH')) socket.write('OK 00\r\n');
      else socket.write(bytes);
    });
  };
}

test('answers to what nobody asked, and to calls that were given up, are passed over', async () => {
  const address = await bus(
    welcoming((one, socket) => {
      answer(socket, { ...one, serial: 4_000_000_000 }, 's', ['stray']);
      if (one.member !== 'Late') answer(socket, one, '', []);
    }),
  );
  const connection = await connectBus(address);
  await expect(connection.call({ ...call, member: 'Late', timeoutMs: 20 })).rejects.toThrow(
    'no answer from org.example.A',
  );
  expect((await connection.call(call)).body).toEqual([]);
  connection.close();
});

test('the first address that answers is taken', async () => {
  const address = await bus(welcoming(() => {}));
  const connection = await connectBus(`nonce-tcp:x=y;unix:path=/nonexistent;${address}`);
  connection.close();
  await expect(connectBus('unix:path=/nonexistent')).rejects.toThrow('Failed to connect to the message bus');
  await expect(connectBus('nonce-tcp:x=y')).rejects.toThrow('unknown transport');
});
