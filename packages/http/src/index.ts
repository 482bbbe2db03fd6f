// @coppice/http: fetching over http, https and file: TLS, proxies, HTTP/2, cookies, credentials that stay with their host,
// retries, resume by range, size and speed limits, back-pressure. Failures carry libcurl's numbers and texts.

export type { Cookie } from './cookie-jar.ts';
// Cookie files.
export { cookieHeader, formatCookie, parseCookieJar } from './cookie-jar.ts';
export type { BodySink } from './exchange.ts';
// Failures.
export { curlError, statusError } from './failure.ts';
export type { FetcherOptions, FetchInfo, FetchOptions, StreamSink } from './fetcher.ts';
// The fetcher.
export { Fetcher } from './fetcher.ts';
export { proxyFor } from './proxy.ts';
export { Slots } from './slots.ts';
// Serving.
export type { StaticRequest, StaticServer, StaticServerOptions } from './static-server.ts';
export { resolveStatic } from './static-folder.ts';
export { serveStatic } from './static-server.ts';
export type { TlsOptions } from './tls.ts';
// Connections, for clients that are more than downloads.
export { Transport } from './transport.ts';
