import { CoppiceError } from '@coppice/base';
import { curlError } from './failure.ts';
import { type ConnectionOwner, PlainConnection, type PlainExchange } from './plain-connection.ts';
import type { Headers } from './response-reader.ts';

const limits = { connectMs: 30_000, idleMs: 10_000 } as const;
const checkEvery = 1000;
const fieldName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const unsendable = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/;

/**
 * GET over plain HTTP/1.1 without a proxy: connections that stay open, one request at a time on each. For thousands of small
 * files it costs a fraction of what a general client does; all else goes through that.
 */
export class PlainClient {
  readonly #idle = new Map<string, PlainConnection[]>();
  readonly #open = new Set<PlainConnection>();
  #timer: NodeJS.Timeout | undefined;
  #ended: Error | undefined;

  /** One exchange; as many at a time as are asked for. */
  exchange(exchange: PlainExchange): Promise<{ status: number; headers: Headers }> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    let request: string;
    try {
      request = requestText(exchange);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#connection(exchange.url).run(exchange, request);
  }

  #connection(url: URL): PlainConnection {
    const { host } = url;
    const idle = this.#idle.get(host);
    for (let found = idle?.pop(); found !== undefined; found = idle?.pop()) if (found.isIdle) return found;
    return this.#connect(url);
  }

  #connect(url: URL): PlainConnection {
    const { host } = url;
    const owner: ConnectionOwner = {
      idle: (connection) => {
        const list = this.#idle.get(host);
        if (list === undefined) this.#idle.set(host, [connection]);
        else list.push(connection);
      },
      gone: (connection) => {
        this.#open.delete(connection);
        if (this.#open.size === 0) this.#stopTimer();
      },
      again: (exchange) =>
        this.#ended === undefined
          ? this.#connect(url).run(exchange, requestText(exchange))
          : Promise.reject(this.#ended),
    };
    const port = url.port === '' ? 80 : Number(url.port);
    const connection = new PlainConnection(url.hostname.replace(/^\[|\]$/g, ''), port, owner);
    this.#open.add(connection);
    this.#timer ??= setInterval(() => this.#check(), checkEvery).unref();
    return connection;
  }

  #check(): void {
    const now = performance.now();
    for (const connection of [...this.#open]) connection.check(now, limits);
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Ends every exchange with `error`; later ones fail with it at once. */
  end(error: Error = new CoppiceError('Cancelled', 'Operation was cancelled')): void {
    this.#ended ??= error;
    for (const connection of [...this.#open]) connection.close(error);
    this.#idle.clear();
    this.#stopTimer();
  }
}

function requestText({ url, headers }: PlainExchange): string {
  let text = `GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: keep-alive\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    if (!fieldName.test(name) || unsendable.test(value)) throw curlError(43);
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}
