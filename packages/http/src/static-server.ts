// Serves a folder of files over HTTP/1.1: what a repository needs from a static host (RFC 9110: conditional requests,
// single ranges, HEAD). Names are checked component by component and links are never followed out of the folder.

import {
  closeSync,
  createReadStream,
  type Dirent,
  readdirSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { CoppiceError } from '@coppice/base';
import { QuickLane, stalled } from './quick-lane.ts';
import { entityTag, httpDate, type OpenedFile, StaticFolder } from './static-folder.ts';

export interface StaticRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly bytes: number;
  readonly ms: number;
  readonly remote: string;
}

export interface StaticServerOptions {
  /** Default 127.0.0.1: loopback only. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** PEM certificate chain and key make it HTTPS. */
  readonly tls?: {
    readonly cert: string | Uint8Array;
    readonly key: string | Uint8Array;
    readonly ca?: string | Uint8Array;
  };
  /** Cache-Control for a path below the folder; default: a day for content-addressed paths is the caller's business, none otherwise. */
  readonly cacheControl?: (path: string) => string | undefined;
  readonly onRequest?: (request: StaticRequest) => void;
  /** The folder is there a second time below this first component of URL paths. */
  readonly alsoBelow?: string;
  /** Answers instead of the file when it returns true; for faults in tests and for generated files. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse, path: string) => boolean;
  /** The paths for which `intercept` is asked; default all. */
  readonly intercepted?: (path: string) => boolean;
}

export interface StaticServer {
  readonly url: string;
  readonly port: number;
  /** Stops. Answers that are on their way have `graceMs` (default 0) milliseconds to get through. */
  close(graceMs?: number): Promise<void>;
}

/** `bytes=a-b`, `bytes=a-`, `bytes=-n`; `invalid` when it cannot be satisfied, undefined for several ranges or another unit (then the whole file is sent, as RFC 9110 allows). */
function parseRange(header: string, size: number): { start: number; end: number } | 'invalid' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  if (match[1] === '') {
    const suffix = Number(match[2]);
    return suffix === 0 || size === 0 ? 'invalid' : { start: Math.max(0, size - suffix), end: size - 1 };
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start >= size || start > end ? 'invalid' : { start, end };
}

function listing(path: string): string {
  const rows = readdirSync(path, { withFileTypes: true })
    .map((entry: Dirent) => `${entry.name}${entry.isDirectory() ? '/' : ''}`)
    .sort();
  const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  return `<!doctype html><meta charset="utf-8">\n${rows.map((row) => `<a href="${encodeURI(row).replace(/"/g, '%22')}">${escapeHtml(row)}</a><br>\n`).join('')}`;
}

/** Bodies up to this size are read at once and leave in one write with their head; larger ones are streamed. */
const wholeSize = 256 * 1024;
const streamPiece = 256 * 1024;

function respond(
  folder: StaticFolder,
  options: StaticServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const relative = folder.relativePath(request.url ?? '/');
  const file = relative === undefined ? undefined : folder.open(relative);
  let held = file !== undefined;
  try {
    const asked = relative === undefined || options.intercepted?.(relative) !== false;
    if (asked && options.intercept?.(request, response, file === undefined ? '' : relative!)) return;
    if (file === undefined || !(file.stat.isFile() || file.stat.isDirectory())) {
      response.writeHead(404, { 'content-length': 0 }).end();
      return;
    }
    if (file.stat.isDirectory()) {
      const body = listing(file.path);
      const headers = { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(body) };
      response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : body);
      return;
    }
    if (sendFile(file, options.cacheControl?.(relative!), request, response)) held = false;
  } finally {
    if (held) closeSync(file!.fd);
  }
}

/** Answers with a file or a range of it. True when the descriptor was passed on. */
function sendFile(
  file: OpenedFile,
  cache: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const { fd, stat } = file;
  const etag = entityTag(stat);
  const lastModified = httpDate(stat);
  const headers: Record<string, string | number> = {
    etag,
    'last-modified': lastModified,
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
  };
  if (cache !== undefined) headers['cache-control'] = cache;
  if (isFresh(request, stat, etag)) {
    response.writeHead(304, headers).end();
    return false;
  }
  const ifRange = request.headers['if-range'];
  const wantsRange =
    request.headers.range !== undefined && (ifRange === undefined || ifRange === etag || ifRange === lastModified);
  const range = wantsRange ? parseRange(request.headers.range!, stat.size) : undefined;
  if (range === 'invalid') {
    response.writeHead(416, { 'content-range': `bytes */${stat.size}` }).end();
    return false;
  }
  const { start, end } = range ?? { start: 0, end: stat.size - 1 };
  const length = end - start + 1;
  headers['content-length'] = length;
  if (range !== undefined) headers['content-range'] = `bytes ${start}-${end}/${stat.size}`;
  const status = range === undefined ? 200 : 206;
  if (request.method === 'HEAD' || length === 0) {
    response.writeHead(status, headers).end();
    return false;
  }
  if (length <= wholeSize) {
    const body = Buffer.allocUnsafe(length);
    let have = 0;
    while (have < length) {
      const n = readSync(fd, body, have, length - have, start + have);
      if (n === 0) break;
      have += n;
    }
    // A file that shrinks while it is read cannot be sent as announced.
    if (have < length) response.destroy();
    else response.writeHead(status, headers).end(body);
    return false;
  }
  response.writeHead(status, headers);
  const stream = createReadStream('', { fd, start, end, highWaterMark: streamPiece });
  stream.on('error', () => response.destroy());
  response.on('close', () => stream.destroy());
  stream.pipe(response);
  return true;
}

function isFresh(request: IncomingMessage, stat: Stats, etag: string): boolean {
  const ifNoneMatch = request.headers['if-none-match'];
  if (ifNoneMatch !== undefined) return ifNoneMatch.split(',').some((tag) => tag.trim() === etag || tag.trim() === '*');
  const since = request.headers['if-modified-since'];
  return since !== undefined && Date.parse(since) >= Math.floor(stat.mtimeMs / 1000) * 1000;
}

/** Connections come to the quick lane first, which gives those to the server that want more. */
function quickLane(server: Server, folder: StaticFolder, options: StaticServerOptions): QuickLane | undefined {
  const { intercept, intercepted, cacheControl, onRequest } = options;
  if (intercept !== undefined && intercepted === undefined) return undefined;
  const event = options.tls === undefined ? 'connection' : 'secureConnection';
  const usual = server.listeners(event) as ((socket: Socket) => void)[];
  const lane = new QuickLane(folder, {
    passes: (path) => intercept !== undefined && intercepted!(path),
    cacheControl: (path) => cacheControl?.(path),
    onRequest,
    hand: (socket) => {
      for (const listener of usual) listener.call(server, socket);
    },
  });
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => lane.take(socket));
  // Handshakes take long: who has one behind him waits for those who come with him.
  if (event === 'secureConnection') server.on('connection', () => lane.expect());
  return lane;
}

/** Starts serving the folder `dir`. Throws `NotFound` when it is not a folder, `Io` when the port is taken. */
export async function serveStatic(dir: string, options: StaticServerOptions = {}): Promise<StaticServer> {
  let root: string;
  try {
    root = realpathSync(dir);
    if (!statSync(root).isDirectory()) throw new Error('not a directory');
  } catch (error) {
    throw new CoppiceError('NotFound', `${dir}: not a folder that can be served`, { cause: error });
  }
  const folder = new StaticFolder(root, options.alsoBelow);
  const listener: RequestListener = (request, response) => {
    const begun = performance.now();
    if (options.onRequest !== undefined) {
      const before = request.socket.bytesWritten;
      response.on('close', () =>
        options.onRequest!({
          method: request.method ?? '',
          path: request.url ?? '',
          status: response.statusCode,
          bytes: request.socket.bytesWritten - before,
          ms: performance.now() - begun,
          remote: request.socket.remoteAddress ?? '',
        }),
      );
    }
    try {
      respond(folder, options, request, response);
    } catch {
      // The disk fails, or there are no free descriptors.
      if (response.headersSent) response.destroy();
      else response.writeHead(503, { 'content-length': 0, connection: 'close' }).end();
    }
  };
  // Importing node:http reads all its exports, some of which load a whole HTTP client; asked for here, it costs nothing
  // to those who serve nothing.
  const server: Server =
    options.tls === undefined
      ? process.getBuiltinModule('node:http').createServer(listener)
      : process.getBuiltinModule('node:https').createServer(
          {
            cert: Buffer.from(options.tls.cert),
            key: Buffer.from(options.tls.key),
            ...(options.tls.ca === undefined
              ? {}
              : { ca: Buffer.from(options.tls.ca), requestCert: true, rejectUnauthorized: true }),
          },
          listener,
        );
  // Those who take nothing of their answer do not hold it for ever.
  server.timeout = stalled;
  const quick = quickLane(server, folder, options);
  // Those that are not beyond their handshake are no connections of the server's yet.
  const raw = new Set<Socket>();
  if (options.tls !== undefined) {
    server.on('connection', (socket: Socket) => {
      raw.add(socket);
      socket.on('close', () => raw.delete(socket));
    });
  }
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new CoppiceError('Io', `cannot listen on ${host}:${options.port ?? 0}: ${error.code ?? error.message}`, {
          cause: error,
        }),
      ),
    );
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}/`,
    port,
    close: (graceMs = 0) =>
      new Promise((resolve) => {
        const end = (): void => {
          server.closeAllConnections();
          quick?.close();
          for (const socket of raw) socket.destroy();
        };
        const timer = graceMs > 0 ? setTimeout(end, graceMs) : undefined;
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        if (timer === undefined) end();
        else {
          server.closeIdleConnections();
          quick?.leave();
        }
      }),
  };
}
