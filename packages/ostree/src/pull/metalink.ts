import { createHash } from 'node:crypto';
import { CoppiceError, isCoppiceError, messageOf, prefixError } from '@coppice/base';
import type { Fetcher } from '@coppice/http';
import { SaxesParser } from 'saxes';

/** What a metalink document says about its `summary` file. */
export interface MetalinkFile {
  readonly size: number;
  readonly sha256: string | undefined;
  readonly sha512: string | undefined;
  /** http(s) URLs of the file. */
  readonly urls: readonly string[];
}

const maxDocument = 1024 * 1024;
/** Nothing that counts lies deeper. */
const maxDepth = 16;
const maxSize = 128 * 1024 * 1024;

interface Builder {
  size: number;
  sha256?: string;
  sha512?: string;
  urls: string[];
}

/** Reads a Metalink 3 document and gives the file of this name. Throws `Invalid`, `NotFound` in libostree's words. */
export function parseMetalink(text: string, name: string): MetalinkFile {
  const parser = new SaxesParser();
  const stack: string[] = [];
  let anyFile = false;
  let file: Builder | undefined;
  let found: Builder | undefined;
  let hashType = '';
  let urlOk = false;
  let chars = '';
  parser.on('opentag', (tag) => {
    if (stack.length >= maxDepth) throw new CoppiceError('Invalid', 'Parsing metalink: elements are nested too deep');
    stack.push(tag.name);
    chars = '';
    const path = stack.join('/');
    if (path === 'metalink/files/file') {
      anyFile = true;
      if (tag.attributes['name'] === name) file = { size: 0, urls: [] };
    } else if (path.endsWith('file/verification/hash')) hashType = String(tag.attributes['type'] ?? '');
    else if (path.endsWith('file/resources/url')) {
      const protocol = String(tag.attributes['protocol'] ?? tag.attributes['type'] ?? '');
      urlOk = protocol === 'http' || protocol === 'https';
    }
  });
  parser.on('text', (data) => {
    chars += data;
  });
  parser.on('closetag', () => {
    const path = stack.join('/');
    const value = chars.trim();
    if (file !== undefined) {
      if (path === 'metalink/files/file/size') file.size = /^\d+$/.test(value) ? Number(value) : 0;
      else if (path.endsWith('file/verification/hash')) {
        if (hashType === 'sha256') file.sha256 = checkDigest(value, 64, 'sha256');
        else if (hashType === 'sha512') file.sha512 = checkDigest(value, 128, 'sha512');
      } else if (path.endsWith('file/resources/url') && urlOk && /^https?:/.test(value)) file.urls.push(value);
      else if (path === 'metalink/files/file') {
        found = file;
        file = undefined;
      }
    }
    stack.pop();
    chars = '';
  });
  let failure: unknown;
  parser.on('error', (error) => {
    failure ??= error;
  });
  if (!text.trimStart().startsWith('<'))
    throw new CoppiceError('Invalid', 'Document must begin with an element (e.g. <book>)');
  parser.write(text).close();
  if (failure !== undefined) throw new CoppiceError('Invalid', `Parsing metalink: ${messageOf(failure)}`);
  if (!anyFile) throw new CoppiceError('NotFound', 'No <file> element found');
  if (found === undefined) throw new CoppiceError('NotFound', `No <file name='${name}'> found`);
  if (found.size === 0) throw new CoppiceError('Invalid', 'No <size> element found or it is zero');
  if (found.sha256 === undefined && found.sha512 === undefined)
    throw new CoppiceError('Invalid', 'No <verification> element with known <hash type=> found');
  if (found.urls.length === 0) throw new CoppiceError('Invalid', "No <url method='http'> elements found");
  return { size: found.size, sha256: found.sha256, sha512: found.sha512, urls: found.urls };
}

function checkDigest(value: string, length: number, kind: string): string {
  if (!new RegExp(`^[0-9a-fA-F]{${length}}$`).test(value))
    throw new CoppiceError('Invalid', `Invalid hash digest for ${kind}`);
  return value.toLowerCase();
}

function check(bytes: Uint8Array, file: MetalinkFile): void {
  if (bytes.length !== file.size)
    throw new CoppiceError('Corrupt', `Expected size is ${file.size} bytes but content is ${bytes.length} bytes`);
  const [kind, expected] = file.sha512 !== undefined ? ['sha512', file.sha512] : ['sha256', file.sha256!];
  const actual = createHash(kind).update(bytes).digest('hex');
  if (actual !== expected)
    throw new CoppiceError('Corrupt', `Expected checksum is ${expected} but actual is ${actual}`);
}

/** Fetches a metalink and from its mirrors the summary it describes; the base URL is the folder of the one that had it. */
export async function resolveMetalink(fetcher: Fetcher, url: string): Promise<{ base: string; summary: Buffer }> {
  const { bytes } = await fetcher.bytes(url, { maxSize: maxDocument }).catch((error: unknown) => {
    const known = isCoppiceError(error) && error.data?.['curl'] !== undefined;
    throw known ? prefixError(error, `While fetching ${url}`) : error;
  });
  const file = parseMetalink(Buffer.from(bytes).toString('utf8'), 'summary');
  if (file.size > maxSize)
    throw new CoppiceError('Limit', `summary is ${file.size} bytes, exceeding maximum ${maxSize}`);
  let last = '';
  for (const target of file.urls) {
    try {
      const got = await fetcher.bytes(target, { maxSize });
      check(got.bytes, file);
      return { base: target.slice(0, target.lastIndexOf('/')), summary: Buffer.from(got.bytes) };
    } catch (error) {
      last = messageOf(error);
    }
  }
  throw new CoppiceError('Network', `Exhausted ${file.urls.length} metalink targets, last error: ${last}`);
}
