// A client of the OCI distribution API (v2): manifests and blobs, anonymous or with a token or password.
import { CoppiceError, messageOf } from '@coppice/base';
import type { TlsOptions } from '@coppice/http';
import type { RegistryCredentials } from './auth-file.ts';
import { digestHex, digestOf } from './digest.ts';
import { type Descriptor, documentLimit, mediaTypes } from './manifest.ts';
import type { ImageReference } from './reference.ts';
import { registryFetch } from './registry-fetch.ts';
import type { ImageSource, ImageTarget } from './source.ts';
import { mayHaveCredentials } from './token-host.ts';

export interface RegistryOptions {
  readonly fetch?: (url: string, init?: RequestInit) => Promise<Response>;
  /** Who we are, should the registry ask. */
  readonly credentials?: RegistryCredentials;
  /** Certificates for this registry. */
  readonly tls?: TlsOptions;
  /** Ends what is under way. */
  readonly signal?: AbortSignal;
  /** Plain HTTP; default for loopback hosts without certificates. */
  readonly insecure?: boolean;
}

const accept = [mediaTypes.manifest, mediaTypes.index, mediaTypes.dockerManifest, mediaTypes.dockerIndex].join(', ');

/** Milliseconds that a manifest or a token may take. */
const documentTime = 120_000;
/** Less than this over so many milliseconds is a server that will never be done. */
const slowRate = 1000;
const slowTime = 30_000;

function withQuery(url: URL, fields: readonly (readonly [string, string])[]): string {
  const out = new URL(url);
  for (const [key, value] of fields) out.searchParams.set(key, value);
  return out.href;
}

/** The whole body; throws `Limit` as soon as it is longer than a document may be. */
async function readDocument(response: Response, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > documentLimit) throw new CoppiceError('Limit', `${what}: larger than ${documentLimit} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof CoppiceError) throw error;
    throw new CoppiceError('Network', `${what}: ${messageOf(error)}`, { cause: error });
  }
  return Buffer.concat(chunks);
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
}

/** The token of a token server's answer. */
function tokenIn(text: string): string | undefined {
  try {
    const body = JSON.parse(text) as { token?: unknown; access_token?: unknown } | null;
    const token = body?.token ?? body?.access_token;
    return typeof token === 'string' ? token : undefined;
  } catch {
    return undefined;
  }
}

export class Registry implements ImageSource, ImageTarget {
  readonly #base: string;
  readonly #path: string;
  readonly #host: string;
  readonly #fetch: (url: string, init?: RequestInit) => Promise<Response>;
  readonly #credentials: RegistryCredentials | undefined;
  readonly #signal: AbortSignal | undefined;
  #authorization: string | undefined;

  constructor(reference: Pick<ImageReference, 'host' | 'path'>, options: RegistryOptions = {}) {
    const insecure = options.insecure ?? (options.tls === undefined && isLoopback(reference.host));
    this.#host = reference.host;
    this.#base = new URL(`${insecure ? 'http' : 'https'}://${reference.host}`).origin;
    this.#path = reference.path;
    this.#fetch = options.fetch ?? registryFetch(options.tls === undefined ? {} : { tls: options.tls });
    this.#signal = options.signal;
    this.#credentials = options.credentials;
  }

  async #request(url: string, init: RequestInit, what: string): Promise<Response> {
    const send = (): Promise<Response> =>
      this.#send(
        () =>
          this.#fetch(url, {
            ...init,
            ...this.#ending(init),
            headers: {
              ...(init.headers as Record<string, string>),
              // An upload may be sent elsewhere, which must not learn our token.
              ...(this.#authorization === undefined || new URL(url).origin !== this.#base
                ? {}
                : { authorization: this.#authorization }),
            },
          }),
        what,
      );
    let response = await send();
    // Another host, to which we were sent, has no claim to what the registry knows us by.
    const own = new URL(response.url === '' ? url : response.url).origin === this.#base;
    if (response.status === 401 && own && this.#authorization === undefined) {
      await response.body?.cancel();
      this.#authorization = await this.#authorize(response.headers.get('www-authenticate') ?? '', what);
      response = await send();
    }
    if (response.ok) return response;
    const text = Buffer.from(await readDocument(response, what))
      .toString()
      .slice(0, 500)
      .replace(/\p{Cc}+/gu, ' ');
    const code =
      response.status === 404
        ? 'NotFound'
        : response.status === 401 || response.status === 403
          ? 'Permission'
          : 'Network';
    throw new CoppiceError(code, `${what}: server answered ${response.status}${text === '' ? '' : `: ${text.trim()}`}`);
  }

  async #send(call: () => Promise<Response>, what: string): Promise<Response> {
    try {
      return await call();
    } catch (error) {
      if (this.#signal?.aborted === true) throw new CoppiceError('Cancelled', 'Operation was cancelled');
      const cause = (error as { cause?: unknown }).cause;
      throw new CoppiceError('Network', `${what}: ${messageOf(cause ?? error)}`, { cause: error });
    }
  }

  /** Documents have their time; content only has to keep coming. */
  #ending(init: RequestInit): { readonly signal?: AbortSignal } {
    const signals = [this.#signal, init.signal ?? undefined].filter((s) => s !== undefined);
    return signals.length === 0 ? {} : { signal: AbortSignal.any(signals) };
  }

  /** Answers a challenge: basic with the password we have, bearer with a token from the realm. */
  async #authorize(challenge: string, what: string): Promise<string> {
    const known = this.#credentials;
    const basic =
      known?.kind === 'password'
        ? `Basic ${Buffer.from(`${known.user}:${known.password}`).toString('base64')}`
        : undefined;
    if (/^basic/i.test(challenge)) {
      if (basic === undefined) throw new CoppiceError('Permission', `${what}: ${this.#host} wants a password`);
      return basic;
    }
    const fields = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map((m) => [m[1]!.toLowerCase(), m[2]!]));
    const realm = fields.get('realm');
    if (!/^bearer/i.test(challenge) || realm === undefined || !URL.canParse(realm))
      throw new CoppiceError('Permission', `${what}: cannot answer the challenge ${JSON.stringify(challenge)}`);
    const url = new URL(realm);
    if (url.protocol !== 'https:' && this.#base.startsWith('https:'))
      throw new CoppiceError('Permission', `${what}: refusing to get a token over ${url.protocol}`);
    if (known !== undefined && !mayHaveCredentials(new URL(this.#base).hostname, url.hostname))
      throw new CoppiceError('Permission', `${what}: refusing to send the credentials of ${this.#host} to ${url.host}`);
    const asked = ['service', 'scope'].flatMap((key): [string, string][] =>
      fields.has(key) ? [[key, fields.get(key)!]] : [],
    );
    const time = AbortSignal.timeout(documentTime);
    const response = await this.#send(
      () =>
        known?.kind === 'identity-token'
          ? this.#fetch(url.href, {
              method: 'POST',
              redirect: 'error',
              headers: { 'content-type': 'application/x-www-form-urlencoded' },
              body: new URLSearchParams([
                ['grant_type', 'refresh_token'],
                ['client_id', 'coppice'],
                ['refresh_token', known.token],
                ...asked,
              ]).toString(),
              ...this.#ending({ signal: time }),
            })
          : this.#fetch(withQuery(url, asked), {
              ...(basic === undefined ? {} : { headers: { authorization: basic } }),
              ...this.#ending({ signal: time }),
            }),
      what,
    );
    const text = Buffer.from(await readDocument(response, `token from ${url.host}`)).toString();
    const token = response.ok ? tokenIn(text) : undefined;
    if (token === undefined) throw new CoppiceError('Permission', `${what}: no token from ${url.host}`);
    return `Bearer ${token}`;
  }

  #url(rest: string): string {
    return `${this.#base}/v2/${this.#path}/${rest}`;
  }

  async manifest(reference: string): Promise<{ bytes: Uint8Array; digest: string }> {
    const response = await this.#request(
      this.#url(`manifests/${reference}`),
      { headers: { accept }, signal: AbortSignal.timeout(documentTime) },
      `${this.#host}/${this.#path}:${reference}`,
    );
    const bytes = await readDocument(response, `manifest ${reference}`);
    const digest = digestOf(bytes);
    if (reference.startsWith('sha256:') && reference !== digest)
      throw new CoppiceError('Corrupt', `manifest ${reference}: content does not match its digest`);
    return { bytes, digest };
  }

  async *blob(descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    const response = await this.#request(this.#url(`blobs/${descriptor.digest}`), {}, `blob ${descriptor.digest}`);
    if (response.body === null) return;
    let received = 0;
    let since = performance.now();
    try {
      for await (const chunk of response.body) {
        received += chunk.length;
        const now = performance.now();
        if (now - since > slowTime) {
          if ((received * 1000) / (now - since) < slowRate)
            throw new CoppiceError('Network', `blob ${descriptor.digest}: slower than ${slowRate} bytes per second`);
          [received, since] = [0, now];
        }
        yield chunk as Uint8Array;
      }
    } catch (error) {
      if (error instanceof CoppiceError) throw error;
      if (this.#signal?.aborted === true) throw new CoppiceError('Cancelled', 'Operation was cancelled');
      throw new CoppiceError('Network', `blob ${descriptor.digest}: ${messageOf(error)}`, { cause: error });
    }
  }

  async hasBlob(digest: string): Promise<boolean> {
    digestHex(digest);
    try {
      await this.#request(this.#url(`blobs/${digest}`), { method: 'HEAD' }, `blob ${digest}`);
      return true;
    } catch (error) {
      if (error instanceof CoppiceError && error.code === 'NotFound') return false;
      throw error;
    }
  }

  async putBlob(descriptor: Pick<Descriptor, 'digest' | 'size'>, bytes: Uint8Array): Promise<void> {
    const started = await this.#request(
      this.#url('blobs/uploads/'),
      { method: 'POST' },
      `upload of ${descriptor.digest}`,
    );
    const location = started.headers.get('location');
    if (location === null) throw new CoppiceError('Network', 'registry gave no upload location');
    const url = new URL(location, this.#base);
    url.searchParams.set('digest', descriptor.digest);
    await this.#request(
      url.href,
      {
        method: 'PUT',
        body: bytes as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': 'application/octet-stream' },
      },
      `upload of ${descriptor.digest}`,
    );
  }

  async putManifest(reference: string, bytes: Uint8Array, mediaType: string): Promise<void> {
    await this.#request(
      this.#url(`manifests/${reference}`),
      { method: 'PUT', body: bytes as Uint8Array<ArrayBuffer>, headers: { 'content-type': mediaType } },
      `manifest ${reference}`,
    );
  }
}
