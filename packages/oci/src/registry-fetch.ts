// Requests to registries: through the machine's proxies, with the certificates of that registry, following redirects without
// taking credentials along, and not for ever.
import { ReadableStream } from 'node:stream/web';
import { CoppiceError } from '@coppice/base';
import { type TlsOptions, Transport } from '@coppice/http';

const redirectLimit = 10;
/** A server that says nothing for this long is gone. */
const silence = 60_000;

export interface RegistryFetchOptions {
  readonly tls?: TlsOptions;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

function plainHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const out = new Headers();
  for (const [name, value] of Object.entries(headers))
    for (const one of Array.isArray(value) ? value : value === undefined ? [] : [value]) out.append(name, one);
  return out;
}

/** As the platform's `fetch`, for the requests that `Registry` makes. */
export function registryFetch(options: RegistryFetchOptions = {}): Fetch {
  const transport = new Transport({ http2: false, ...options });
  return async (input, init = {}) => {
    const start = new URL(input);
    let url = start;
    let method = init.method ?? 'GET';
    let { body } = init;
    for (let hop = 0; ; hop++) {
      if (hop > redirectLimit) throw new CoppiceError('Network', 'too many redirects');
      const headers = { ...(init.headers as Record<string, string> | undefined) };
      if (url.origin !== start.origin) delete headers['authorization'];
      const dispatcher = await transport.dispatcher(url);
      const answer = await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: method as 'GET',
        headers,
        body: (body ?? null) as Uint8Array | string | null,
        signal: init.signal ?? null,
        headersTimeout: silence,
        bodyTimeout: silence,
      });
      const { location } = answer.headers;
      if ([301, 302, 303, 307, 308].includes(answer.statusCode) && typeof location === 'string') {
        await answer.body.dump();
        if (!URL.canParse(location, url.href)) throw new CoppiceError('Network', 'redirect to no address');
        const next = new URL(location, url.href);
        if (init.redirect === 'error' && next.origin !== start.origin)
          throw new CoppiceError('Network', `refusing a redirect to ${next.protocol}//${next.host}`);
        if (next.protocol !== 'https:' && (next.protocol !== 'http:' || url.protocol === 'https:'))
          throw new CoppiceError('Network', `refusing a redirect to ${next.protocol}//${next.host}`);
        url = next;
        if (answer.statusCode === 303) [method, body] = ['GET', undefined];
        continue;
      }
      const empty = method === 'HEAD' || answer.statusCode === 204 || answer.statusCode === 304;
      if (empty) await answer.body.dump();
      // By iteration, so that whoever stops reading ends the transfer.
      const web = empty ? null : (ReadableStream.from(answer.body) as ReadableStream<Uint8Array>);
      const response = new Response(web, { status: answer.statusCode, headers: plainHeaders(answer.headers) });
      // Where it came from in the end.
      return Object.defineProperty(response, 'url', { value: url.href });
    }
  };
}
