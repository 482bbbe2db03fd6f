// A server of a repository that goes wrong on purpose, by a seeded plan: late, cut off, reset, damaged, refused, lying
// about lengths, out of date.

import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { resolveStatic } from '@coppice/http';

export type Fault =
  | 'none'
  | 'late'
  | 'cut'
  | 'reset'
  | 'damage'
  | 'status-404'
  | 'status-500'
  | 'status-503'
  | 'long'
  | 'short'
  | 'stale'
  | 'coding'
  | 'range'
  | 'loop'
  | 'header'
  | 'chunk'
  | 'endless';

const faults: readonly Fault[] = [
  'late',
  'cut',
  'reset',
  'damage',
  'status-404',
  'status-500',
  'status-503',
  'long',
  'short',
  'stale',
  'coding',
  'range',
  'loop',
  'header',
  'chunk',
  'endless',
];

/** A small generator of repeatable numbers in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface FaultServer {
  readonly url: string;
  /** Requests answered wrongly so far. */
  readonly done: Fault[];
  /** From now on everything is answered as it should be. */
  heal(): void;
  close(): Promise<void>;
}

export interface FaultPlan {
  readonly root: string;
  readonly seed: number;
  /** Share of requests that go wrong. */
  readonly rate: number;
  /** What `stale` gives for `summary` and `summary.sig`. */
  readonly stale: ReadonlyMap<string, Buffer>;
  /** Speaks TLS with this key and certificate. */
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer } | undefined;
}

function answer(
  plan: FaultPlan,
  fault: Fault,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  random: () => number,
  reset: () => void,
): void {
  const found = resolveStatic(plan.root, request.url ?? '/');
  if (fault.startsWith('status-')) {
    response.writeHead(Number(fault.slice(7))).end();
    return;
  }
  if (found === undefined || !found.stat.isFile()) {
    response.writeHead(404).end();
    return;
  }
  let body: Buffer = readFileSync(found.path);
  if (fault === 'stale') body = plan.stale.get(path) ?? body;
  if (fault === 'damage' && body.length > 0) {
    body = Buffer.from(body);
    body[Math.floor(random() * body.length)]! ^= 1 + Math.floor(random() * 255);
  }
  const half = Math.floor(body.length / 2);
  if (fault === 'reset') {
    reset();
    return;
  }
  if (raw(fault, body, request, response)) return;
  const length = fault === 'long' ? body.length + 10 : fault === 'short' ? Math.max(0, body.length - 5) : body.length;
  response.writeHead(200, { 'content-length': length });
  if (fault === 'cut' || fault === 'long') {
    response.write(fault === 'cut' ? body.subarray(0, half) : body, () => request.socket.destroy());
    return;
  }
  response.end(fault === 'short' ? body.subarray(0, length) : body);
}

/** What Node's own server would not send; true when it has been sent. */
function raw(fault: Fault, body: Buffer, request: IncomingMessage, response: ServerResponse): boolean {
  const { socket } = request;
  if (fault === 'coding')
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
  else if (fault === 'range')
    response.writeHead(206, { 'content-range': `bytes 7-${body.length + 6}/${body.length}` }).end(body.subarray(1));
  else if (fault === 'loop') response.writeHead(301, { location: request.url ?? '/' }).end();
  else if (fault === 'header') socket.end(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(1024 * 1024)}\r\n\r\n`);
  else if (fault === 'chunk')
    socket.end(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nxy\r\n-1\r\n`);
  else if (fault === 'endless') {
    // Whole, with nothing but the end of the connection to say so.
    socket.write('HTTP/1.0 200 OK\r\n\r\n');
    socket.end(body);
  } else return false;
  return true;
}

/** Starts a server; the faults depend on the seed and the order of requests alone. */
export async function startFaultServer(plan: FaultPlan): Promise<FaultServer> {
  const random = randomFrom(plan.seed);
  const done: Fault[] = [];
  let healed = false;
  // Below TLS, where a connection can be reset; by the port of the other side.
  const connections = new Map<number, Socket>();
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const wrong = !healed && random() < plan.rate;
    const fault: Fault = wrong ? faults[Math.floor(random() * faults.length)]! : 'none';
    if (wrong) done.push(fault);
    const path = (request.url ?? '/').slice(1);
    const reset = (): void => void connections.get(request.socket.remotePort ?? 0)?.resetAndDestroy();
    const reply = (): void => answer(plan, fault, path, request, response, random, reset);
    if (fault === 'late') setTimeout(reply, 5);
    else reply();
  };
  const server = plan.tls === undefined ? createServer(serve) : createTlsServer(plan.tls, serve);
  server.on('connection', (socket: Socket) => connections.set(socket.remotePort ?? 0, socket));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `${plan.tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    done,
    heal() {
      healed = true;
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
