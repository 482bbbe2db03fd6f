// A server of a repository that goes wrong on purpose, by a seeded plan: late, cut off, reset, damaged, refused, lying
// about lengths, out of date.

import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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
  | 'stale';

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
}

function answer(
  plan: FaultPlan,
  fault: Fault,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  random: () => number,
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
    request.socket.resetAndDestroy();
    return;
  }
  const length = fault === 'long' ? body.length + 10 : fault === 'short' ? Math.max(0, body.length - 5) : body.length;
  response.writeHead(200, { 'content-length': length });
  if (fault === 'cut' || fault === 'long') {
    response.write(fault === 'cut' ? body.subarray(0, half) : body, () => request.socket.destroy());
    return;
  }
  response.end(fault === 'short' ? body.subarray(0, length) : body);
}

/** Starts a server; the faults depend on the seed and the order of requests alone. */
export async function startFaultServer(plan: FaultPlan): Promise<FaultServer> {
  const random = randomFrom(plan.seed);
  const done: Fault[] = [];
  let healed = false;
  const server = createServer((request, response) => {
    const wrong = !healed && random() < plan.rate;
    const fault: Fault = wrong ? faults[Math.floor(random() * faults.length)]! : 'none';
    if (wrong) done.push(fault);
    const path = (request.url ?? '/').slice(1);
    const reply = (): void => answer(plan, fault, path, request, response, random);
    if (fault === 'late') setTimeout(reply, 5);
    else reply();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
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
