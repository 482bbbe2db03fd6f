import { createHash, createHmac } from 'node:crypto';
import { createReadStream, openAsBlob, readFileSync, statSync } from 'node:fs';
import { CoppiceError, errnoError, isCoppiceError } from '@coppice/base';
import type { PublishTarget } from './publish.ts';
import { cacheControl } from './serve.ts';

type Env = Readonly<Record<string, string | undefined>>;

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

interface Credentials {
  readonly id: string;
  readonly secret: string;
  readonly token: string | undefined;
  readonly region: string;
}

/** Headers that sign a request (AWS Signature Version 4). `digest` is the body's SHA-256 in hex, `now` in milliseconds. */
export function signRequest(
  method: string,
  url: URL,
  digest: string,
  headers: Readonly<Record<string, string>>,
  credentials: Credentials,
  now: number,
): Record<string, string> {
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  const day = stamp.slice(0, 8);
  const all: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-content-sha256': digest,
    'x-amz-date': stamp,
    ...(credentials.token === undefined ? {} : { 'x-amz-security-token': credentials.token }),
  };
  const names = Object.keys(all).sort();
  const canonical = [
    method,
    url.pathname,
    url.search.slice(1),
    ...names.map((name) => `${name}:${all[name]!.trim()}`),
    '',
    names.join(';'),
    all['x-amz-content-sha256'],
  ].join('\n');
  const scope = `${day}/${credentials.region}/s3/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${sha256(canonical)}`;
  let key = hmac(`AWS4${credentials.secret}`, day);
  for (const part of [credentials.region, 's3', 'aws4_request']) key = hmac(key, part);
  const signature = createHmac('sha256', key).update(text).digest('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.id}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { ...all, authorization };
}

interface Body {
  readonly data: Uint8Array<ArrayBuffer> | Blob;
  /** SHA-256, hex. */
  readonly digest: string;
}

/** Files over this are read twice and never held whole. */
const heldSize = 4 * 1024 * 1024;

async function readBody(path: string): Promise<Body> {
  try {
    if (statSync(path).size <= heldSize) {
      const data = Uint8Array.from(readFileSync(path));
      return { data, digest: sha256(data) };
    }
    const digest = createHash('sha256');
    for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) digest.update(piece as Buffer);
    return { data: await openAsBlob(path), digest: digest.digest('hex') };
  } catch (error) {
    throw errnoError(error, path);
  }
}

const tries = 5;

/**
 * `s3://BUCKET/PREFIX`, with the usual environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION,
 * and AWS_ENDPOINT_URL for servers that are not Amazon's (path style).
 */
export function s3Target(destination: string, env: Env): PublishTarget {
  const match = /^s3:\/\/([^/]+)\/?(.*)$/.exec(destination);
  if (match === null) throw new CoppiceError('Usage', `${destination}: not s3://BUCKET/PREFIX`);
  const [, bucket, prefix] = match as unknown as [string, string, string];
  const need = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === '') throw new CoppiceError('Usage', `${name} is not set`);
    return value;
  };
  const credentials: Credentials = {
    id: need('AWS_ACCESS_KEY_ID'),
    secret: need('AWS_SECRET_ACCESS_KEY'),
    token: env['AWS_SESSION_TOKEN'],
    region: env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
  };
  const endpoint = env['AWS_ENDPOINT_URL'] ?? `https://s3.${credentials.region}.amazonaws.com`;
  const urlOf = (path: string): URL => {
    const key = [prefix.replace(/\/+$/, ''), path].filter((part) => part !== '').join('/');
    return new URL(`${endpoint.replace(/\/+$/, '')}/${bucket}/${key.split('/').map(encode).join('/')}`);
  };
  const call = async (
    method: string,
    path: string,
    body: Body | undefined,
    headers: Record<string, string> = {},
  ): Promise<Response> => {
    const url = urlOf(path);
    let failure = '';
    for (let attempt = 0; attempt < tries; attempt++) {
      if (attempt > 0) await new Promise((done) => setTimeout(done, 100 * 2 ** attempt));
      const { host: _host, ...signed } = signRequest(
        method,
        url,
        body?.digest ?? sha256(''),
        headers,
        credentials,
        Date.now(),
      );
      try {
        const response = await fetch(url, {
          method,
          headers: signed,
          // What proves who we are is for this host.
          redirect: 'manual',
          ...(body === undefined ? {} : { body: body.data }),
        });
        if (response.status >= 300 && response.status < 400) {
          const region = response.headers.get('x-amz-bucket-region');
          const where = region === null ? (response.headers.get('location') ?? 'elsewhere') : `region ${region}`;
          throw new CoppiceError('Network', `${method} ${url.href}: the server sends us to ${where}`);
        }
        if (response.status < 500) return response;
        failure = `HTTP ${response.status}`;
        await response.arrayBuffer();
      } catch (error) {
        if (isCoppiceError(error)) throw error;
        failure = error instanceof Error ? error.message : String(error);
      }
    }
    throw new CoppiceError('Network', `${method} ${url.href}: ${failure}`);
  };
  const head = async (path: string): Promise<Response | undefined> => {
    const response = await call('HEAD', path, undefined);
    if (response.status === 404) return undefined;
    if (!response.ok) throw new CoppiceError('Network', `HEAD ${urlOf(path).href}: HTTP ${response.status}`);
    return response;
  };
  return {
    async size(path) {
      const found = await head(path);
      return found === undefined ? undefined : Number(found.headers.get('content-length'));
    },
    async same(path, bytes) {
      const found = await head(path);
      const md5 = createHash('md5').update(bytes).digest('hex');
      return found?.headers.get('etag')?.replaceAll('"', '') === md5;
    },
    async put(path, source) {
      const response = await call('PUT', path, await readBody(source), { 'cache-control': cacheControl(path) });
      if (!response.ok)
        throw new CoppiceError(
          'Network',
          `PUT ${urlOf(path).href}: HTTP ${response.status} ${(await response.text()).slice(0, 200)}`,
        );
      await response.arrayBuffer();
    },
  };
}
