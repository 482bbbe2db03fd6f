import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { CoppiceError } from '@coppice/base';
import { child, decodeDataUrl, type Fields, list, maybeText, text } from '@coppice/ignition';

/** How remote sources are had. `headers` are those of the config; the body must not be longer than `maxSize` bytes. */
export type FetchSource = (
  url: string,
  options: { readonly headers: readonly (readonly [string, string])[]; readonly maxSize: number },
) => Promise<Uint8Array>;

/** Largest content taken from anywhere, before and behind decompression. */
export const maxContent = 1 << 30;

/** The contents that a resource stands for: fetched, unpacked, and checked against its hash. Throws `Corrupt` on a mismatch. */
export async function readResource(resource: Fields, fetch: FetchSource): Promise<Uint8Array> {
  const url = text(resource, 'source');
  const raw = url === '' ? new Uint8Array() : await fetchUrl(url, resource, fetch);
  const bytes = text(resource, 'compression') === 'gzip' ? unpack(raw) : raw;
  const hash = maybeText(child(resource, 'verification'), 'hash');
  if (hash !== undefined) checkHash(hash, bytes);
  return bytes;
}

async function fetchUrl(url: string, resource: Fields, fetch: FetchSource): Promise<Uint8Array> {
  if (url.startsWith('data:')) {
    const decoded = decodeDataUrl(url);
    if (typeof decoded === 'string') throw new CoppiceError('Invalid', decoded);
    return decoded;
  }
  if (!/^https?:\/\//i.test(url))
    throw new CoppiceError('Unsupported', `source ${JSON.stringify(url)} needs a machine on a network or in a cloud`);
  const headers = list(resource, 'httpHeaders').map((header) => [text(header, 'name'), text(header, 'value')] as const);
  return await fetch(url, { headers, maxSize: maxContent });
}

function unpack(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxContent });
  } catch (error) {
    throw new CoppiceError('Corrupt', 'gzip: invalid contents', { cause: error });
  }
}

function checkHash(hash: string, contents: Uint8Array): void {
  const [name = '', expected = ''] = hash.split('-', 2);
  const digest = (bytes: Uint8Array): string => createHash(name).update(bytes).digest('hex');
  const found = digest(contents);
  if (found === expected.toLowerCase()) return;
  throw new CoppiceError('Corrupt', `hash verification failed (calculated ${found} but expected ${expected})`);
}
