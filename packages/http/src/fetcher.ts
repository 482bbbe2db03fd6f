import { type Clock, CoppiceError, concatBytes, systemClock } from '@coppice/base';
import { acceptedCodings, undoCodings } from './content-coding.ts';
import { type Cookie, cookieHeader } from './cookie-jar.ts';
import { type BodySink, exchange } from './exchange.ts';
import { atUrl, curlError, isTransient, statusError } from './failure.ts';
import { readFileUrl } from './file-url.ts';
import type { Headers } from './response-reader.ts';
import { Slots } from './slots.ts';
import { Transport, type TransportOptions } from './transport.ts';

export interface FetcherOptions extends TransportOptions {
  readonly userAgent?: string;
  /** Sent with every request, to the first host only (never across a redirect to another origin). */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly cookies?: readonly Cookie[];
  /** Bodies that are fetched whole may be compressed; nothing is undone that was not asked for. */
  readonly compressed?: boolean;
  /** Requests at a time; default 8. */
  readonly maxOutstanding?: number;
  /** Times a failed request is tried again; default 5. */
  readonly retries?: number;
  readonly lowSpeedBytes?: number;
  readonly lowSpeedSeconds?: number;
  readonly clock?: Clock;
  /** Waits between tries; injected by tests. */
  readonly sleep?: (ms: number) => Promise<void>;
  readonly onBytes?: (count: number) => void;
}

export interface FetchOptions {
  /** Largest body accepted, in bytes; larger is `Limit`. */
  readonly maxSize?: number;
  readonly etag?: string;
  /** Seconds since the epoch, for If-Modified-Since. */
  readonly modifiedSince?: number;
  readonly priority?: number;
  /** Sent as a POST, to this URL only: a redirect is an error. */
  readonly post?: { readonly type: string; readonly body: Uint8Array };
}

export interface FetchInfo {
  /** True for 304: the caller's copy is current and nothing was sent. */
  readonly notModified: boolean;
  readonly etag: string | undefined;
  /** Seconds since the epoch. */
  readonly lastModified: number | undefined;
  readonly url: string;
}

/**
 * Where a streamed body goes. `restart` is called before bytes are sent again from the beginning (the server would not
 * resume); `offset` bytes that have arrived survive a resume by range.
 */
export interface StreamSink extends BodySink {
  restart(): void;
}

const maxRedirects = 20;
const mostUnpacked = 2 ** 30;

/** Downloads over http, https and file with one policy of connections, retries, limits and credentials. */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #transport: Transport;
  readonly #slots: Slots;
  readonly #abort = new AbortController();
  /** Bytes received so far, all requests together. */
  bytesTransferred = 0;
  /** Requests being carried out now. */
  outstanding = 0;

  constructor(options: FetcherOptions = {}) {
    this.#options = options;
    const outstanding = options.maxOutstanding ?? 8;
    this.#transport = new Transport({ connections: outstanding, ...options });
    this.#slots = new Slots(outstanding);
  }

  /** The whole body in memory. Throws `NotFound` (403, 404, 410), `Network`, `Limit`, `Cancelled`. */
  async bytes(url: string, options: FetchOptions = {}): Promise<FetchInfo & { readonly bytes: Uint8Array }> {
    let parts: Uint8Array[] = [];
    const info = await this.stream(
      url,
      {
        write(chunk) {
          parts.push(Buffer.from(chunk));
        },
        restart() {
          parts = [];
        },
      },
      options,
    );
    let bytes = parts.length === 1 ? parts[0]! : concatBytes(parts);
    if (this.#options.compressed === true && info.encoding !== undefined) {
      const limit = Math.min(options.maxSize ?? mostUnpacked, mostUnpacked);
      bytes = undoCodings(bytes, info.encoding, limit, (cause) => tooLarge(new URL(url), limit, limit, cause));
    }
    return { ...info, bytes };
  }

  /** Sends the body to `sink`, resuming by range after a broken transfer when the server can. */
  async stream(
    url: string,
    sink: StreamSink,
    options: FetchOptions = {},
  ): Promise<FetchInfo & { readonly encoding: string | undefined }> {
    if (!URL.canParse(url)) throw curlError(3);
    await this.#slots.acquire(options.priority ?? 0);
    this.outstanding++;
    try {
      return await this.#withRetries(new URL(url), sink, options);
    } finally {
      this.outstanding--;
      this.#slots.release();
    }
  }

  async #withRetries(
    url: URL,
    sink: StreamSink,
    options: FetchOptions,
  ): Promise<FetchInfo & { encoding: string | undefined }> {
    const transfer: Transfer = { received: 0, etag: undefined, resumable: false, encoding: undefined };
    const retries = this.#options.retries ?? 5;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#attempt(url, sink, options, transfer);
      } catch (error) {
        const again = isTransient(error) && attempt < retries && !this.#abort.signal.aborted;
        if (!again) throw error;
        if (transfer.received > 0 && !transfer.resumable) restart(transfer, sink);
        const wait = attempt === 0 ? 0 : Math.min(2000, 50 * 2 ** attempt);
        if (wait > 0) await (this.#options.sleep ?? sleep)(wait);
      }
    }
  }

  async #attempt(
    start: URL,
    sink: StreamSink,
    options: FetchOptions,
    transfer: Transfer,
  ): Promise<FetchInfo & { encoding: string | undefined }> {
    const limit = options.maxSize ?? Number.POSITIVE_INFINITY;
    const counted = (): BodySink => ({
      write: (chunk) => {
        transfer.received += chunk.length;
        if (transfer.received > limit) throw tooLarge(start, transfer.received, limit);
        return sink.write(chunk);
      },
    });
    const onBytes = (count: number): void => {
      this.bytesTransferred += count;
      this.#options.onBytes?.(count);
    };
    if (start.protocol === 'file:') {
      const open = (size: number): BodySink => {
        if (size > limit) throw tooLarge(start, size, limit);
        return counted();
      };
      await readFileUrl(start, open, onBytes);
      return { notModified: false, etag: undefined, lastModified: undefined, url: start.href, encoding: undefined };
    }
    let url = start;
    for (let hop = 0; ; hop++) {
      try {
        if (url.protocol !== 'http:' && url.protocol !== 'https:') throw curlError(1);
        if (hop > maxRedirects) throw curlError(47);
        const plain = options.post === undefined ? this.#transport.plain(url) : undefined;
        const request = {
          url,
          headers: this.#headers(url, start, options, transfer),
          ...(options.post === undefined ? {} : { body: options.post.body }),
          lowSpeed: { bytes: this.#options.lowSpeedBytes ?? 1000, seconds: this.#options.lowSpeedSeconds ?? 30 },
          onBytes,
          onHead: (code: number, head: Headers): BodySink | undefined => {
            if (code !== 200 && code !== 206) return undefined;
            noteBody(code, head, transfer, sink, start, limit);
            return counted();
          },
        };
        const { status, headers } =
          plain === undefined
            ? await exchange({
                ...request,
                dispatcher: await this.#transport.dispatcher(url, url.hostname === start.hostname),
                signal: this.#abort.signal,
              })
            : await plain.exchange(request);
        const location = headers['location'];
        if (
          status >= 300 &&
          status < 400 &&
          status !== 304 &&
          typeof location === 'string' &&
          options.post === undefined
        ) {
          if (!URL.canParse(location, url.href)) throw curlError(3);
          url = new URL(location, url.href);
          continue;
        }
        if (status === 416 && transfer.received > 0) {
          restart(transfer, sink);
          throw statusError(status);
        }
        if (status !== 200 && status !== 206 && status !== 304) throw statusError(status);
        const modified = headers['last-modified'];
        const seconds = typeof modified === 'string' ? Math.floor(Date.parse(modified) / 1000) : Number.NaN;
        return {
          notModified: status === 304,
          etag: single(headers['etag']),
          lastModified: Number.isNaN(seconds) ? undefined : seconds,
          url: url.href,
          encoding: transfer.encoding,
        };
      } catch (error) {
        throw url === start ? error : atUrl(error, url);
      }
    }
  }

  #headers(url: URL, start: URL, options: FetchOptions, transfer: Transfer): Record<string, string> {
    const out: Record<string, string> = { accept: '*/*' };
    if (this.#options.userAgent !== undefined) out['user-agent'] = this.#options.userAgent;
    if (url.origin === start.origin) {
      // Credentials and the caller's own headers never follow a redirect to somewhere else.
      for (const [name, value] of this.#options.headers ?? []) out[name.toLowerCase()] = value;
      const { username, password } = start;
      if (username !== '') {
        const pair = `${decoded(username)}:${decoded(password)}`;
        out['authorization'] ??= `Basic ${Buffer.from(pair).toString('base64')}`;
      }
    }
    const cookie = cookieHeader(this.#options.cookies ?? [], url, (this.#options.clock ?? systemClock).now());
    if (cookie !== undefined) out['cookie'] = cookie;
    if (options.etag !== undefined) out['if-none-match'] = options.etag;
    if (options.modifiedSince !== undefined)
      out['if-modified-since'] = new Date(options.modifiedSince * 1000).toUTCString();
    if (this.#options.compressed === true && options.post === undefined) out['accept-encoding'] = acceptedCodings;
    if (options.post !== undefined) out['content-type'] = options.post.type;
    if (transfer.received > 0) {
      out['range'] = `bytes=${transfer.received}-`;
      if (transfer.etag !== undefined) out['if-range'] = transfer.etag;
    }
    return out;
  }

  /** Cancels everything under way; later calls fail with `Cancelled`. */
  abort(): void {
    this.#abort.abort();
    this.#transport.abort();
  }

  async close(): Promise<void> {
    await this.#transport.destroy();
  }
}

interface Transfer {
  received: number;
  etag: string | undefined;
  resumable: boolean;
  encoding: string | undefined;
}

function restart(transfer: Transfer, sink: StreamSink): void {
  transfer.received = 0;
  transfer.resumable = false;
  sink.restart();
}

function noteBody(
  status: number,
  headers: Headers,
  transfer: Transfer,
  sink: StreamSink,
  url: URL,
  limit: number,
): void {
  const range = single(headers['content-range']);
  if (transfer.received > 0 && status === 206) {
    if (!range?.startsWith(`bytes ${transfer.received}-`)) {
      restart(transfer, sink);
      throw curlError(18);
    }
  } else if (transfer.received > 0) {
    restart(transfer, sink);
  }
  const length = Number(single(headers['content-length']) ?? 0);
  if (transfer.received + length > limit) throw tooLarge(url, transfer.received + length, limit);
  transfer.etag = single(headers['etag']);
  if (transfer.etag?.startsWith('W/')) transfer.etag = undefined;
  transfer.encoding = single(headers['content-encoding']);
  // Without a strong validator the second half could be another file's; every caller checks a digest, but why try.
  transfer.resumable =
    transfer.encoding === undefined && (transfer.etag !== undefined || headers['accept-ranges'] === 'bytes');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CoppiceError('Invalid', 'Invalid %-encoding in URI');
  }
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function tooLarge(url: URL, size: number, limit: number, cause?: unknown): CoppiceError {
  return new CoppiceError('Limit', `URI ${url.href} exceeded maximum size of ${limit} bytes`, {
    ...(cause === undefined ? {} : { cause }),
    data: { size, limit },
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
