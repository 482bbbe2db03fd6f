import type { Dispatcher } from 'undici';
import { PlainClient } from './plain-client.ts';
import { proxyFor } from './proxy.ts';
import { loadTls, type TlsOptions } from './tls.ts';

export interface TransportOptions {
  readonly tls?: TlsOptions;
  readonly proxy?: string;
  readonly http2?: boolean;
  /** Connections per origin. */
  readonly connections?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const connectTimeout = 30_000;

/** What is not percent-encoded well stands for itself in a proxy's name and password, as for libcurl. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Keeps the connection pools. undici is loaded when it is needed first (it costs tens of milliseconds). */
export class Transport {
  readonly #options: TransportOptions;
  readonly #dispatchers = new Map<string, Promise<Dispatcher>>();
  /** By origin. */
  readonly #proxies = new Map<string, { readonly url: string | undefined }>();
  #plain: PlainClient | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** The client for `url` where nothing but plain HTTP/1.1 is needed, else undefined. */
  plain(url: URL): PlainClient | undefined {
    if (url.protocol !== 'http:' || this.#proxy(url) !== undefined) return undefined;
    this.#plain ??= new PlainClient();
    return this.#plain;
  }

  #proxy(url: URL): string | undefined {
    const { origin } = url;
    let found = this.#proxies.get(origin);
    if (found === undefined) {
      found = { url: proxyFor(url, this.#options.proxy, this.#options.env ?? process.env) };
      this.#proxies.set(origin, found);
    }
    return found.url;
  }

  /** Cancels what is under way over plain HTTP; later exchanges fail. */
  abort(): void {
    this.#plain ??= new PlainClient();
    this.#plain.end();
  }

  /**
   * The dispatcher (direct or through a proxy) for requests to `url`. The client's certificate says who it is, so a host that
   * somebody else named does not get to see it: then `identified` is false.
   */
  dispatcher(url: URL, identified = true): Promise<Dispatcher> {
    const proxy = this.#proxy(url);
    const secure = url.protocol === 'https:' || proxy?.startsWith('https:') === true;
    const name = `${proxy ?? ''} ${secure} ${identified}`;
    let found = this.#dispatchers.get(name);
    if (found === undefined) {
      found = this.#make(proxy, secure, identified);
      this.#dispatchers.set(name, found);
    }
    return found;
  }

  async #make(proxy: string | undefined, secure: boolean, identified: boolean): Promise<Dispatcher> {
    // A bundler may leave a CommonJS module's names on its default export alone.
    const loaded = await import('undici');
    const { Agent, ProxyAgent } = loaded.Agent === undefined ? loaded.default : loaded;
    const material = secure ? loadTls(this.#options.tls ?? {}, identified) : {};
    const shared = {
      connections: this.#options.connections ?? 8,
      allowH2: this.#options.http2 !== false,
      // The fetcher watches the transfer speed itself.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 10_000,
    };
    if (proxy === undefined) return new Agent({ ...shared, connect: { ...material, timeout: connectTimeout } });
    const { username, password } = new URL(proxy);
    const token =
      username === ''
        ? {}
        : {
            token: `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`,
          };
    return new ProxyAgent({ ...shared, uri: proxy, ...token, requestTls: material, proxyTls: material });
  }

  /** Drops every connection at once. */
  async destroy(): Promise<void> {
    this.#plain?.end();
    this.#plain = undefined;
    const open = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    // One that could not be made has told so.
    for (const dispatcher of open) await dispatcher.then((made) => made.destroy()).catch(() => {});
  }
}
