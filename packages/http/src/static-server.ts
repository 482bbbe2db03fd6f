// Serves a folder of files over HTTP/1.1: what a repository needs from a static host (RFC 9110: conditional requests,
// single ranges, HEAD). Names are checked component by component and links are never followed out of the folder.

import { createReadStream, type Dirent, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, sep } from 'node:path';
import { CoppiceError } from '@coppice/base';

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
  /** Answers instead of the file when it returns true; for faults in tests and for generated files. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse, path: string) => boolean;
}

export interface StaticServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** The file a URL path names below `root`, or undefined: malformed, climbing, absent, a link out of the folder. */
export function resolveStatic(
  root: string,
  urlPath: string,
): { path: string; relative: string; stat: Stats } | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(urlPath.split('?', 1)[0]!);
  } catch {
    return undefined;
  }
  const parts = decoded.split('/').filter((part) => part !== '' && part !== '.');
  if (!decoded.startsWith('/') || parts.some((part) => part === '..' || part.includes('\0'))) return undefined;
  const relative = parts.join('/');
  try {
    const path = realpathSync(join(root, relative));
    if (path !== root && !path.startsWith(root + sep)) return undefined;
    return { path, relative, stat: statSync(path) };
  } catch {
    return undefined;
  }
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

function respond(root: string, options: StaticServerOptions, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const found = resolveStatic(root, request.url ?? '/');
  if (options.intercept?.(request, response, found?.relative ?? '')) return;
  if (found === undefined || !(found.stat.isFile() || found.stat.isDirectory())) {
    response.writeHead(404).end();
    return;
  }
  const { path, relative, stat } = found;
  if (stat.isDirectory()) {
    const body = listing(path);
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
    return;
  }
  const etag = `"${stat.size.toString(16)}-${Math.round(stat.mtimeMs).toString(16)}-${stat.ino.toString(16)}"`;
  const lastModified = stat.mtime.toUTCString();
  const headers: Record<string, string | number> = {
    etag,
    'last-modified': lastModified,
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
  };
  const cache = options.cacheControl?.(relative);
  if (cache !== undefined) headers['cache-control'] = cache;
  const ifNoneMatch = request.headers['if-none-match'];
  const ifModifiedSince = request.headers['if-modified-since'];
  const fresh =
    ifNoneMatch !== undefined
      ? ifNoneMatch.split(',').some((tag) => tag.trim() === etag || tag.trim() === '*')
      : ifModifiedSince !== undefined && Date.parse(ifModifiedSince) >= Math.floor(stat.mtimeMs / 1000) * 1000;
  if (fresh) {
    response.writeHead(304, headers).end();
    return;
  }
  const ifRange = request.headers['if-range'];
  const wantsRange =
    request.headers.range !== undefined && (ifRange === undefined || ifRange === etag || ifRange === lastModified);
  const range = wantsRange ? parseRange(request.headers.range!, stat.size) : undefined;
  if (range === 'invalid') {
    response.writeHead(416, { 'content-range': `bytes */${stat.size}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: stat.size - 1 };
  headers['content-length'] = end - start + 1;
  if (range !== undefined) headers['content-range'] = `bytes ${start}-${end}/${stat.size}`;
  response.writeHead(range === undefined ? 200 : 206, headers);
  if (request.method === 'HEAD' || stat.size === 0) {
    response.end();
    return;
  }
  const stream = createReadStream(path, { start, end });
  stream.on('error', () => response.destroy());
  response.on('close', () => stream.destroy());
  stream.pipe(response);
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
    respond(root, options, request, response);
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
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
