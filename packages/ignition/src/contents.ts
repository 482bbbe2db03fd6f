import { decodeDataUrl } from './data-url.ts';
import { gunzip } from './inflate.ts';
import { type Fields, maybeText } from './value.ts';

/** The bytes that a resource carries in itself; undefined when they come from elsewhere or cannot be read. */
export function embeddedBytes(resource: Fields | undefined): Uint8Array | undefined {
  const source = maybeText(resource, 'source');
  if (source?.startsWith('data:') !== true) return undefined;
  const bytes = decodeDataUrl(source);
  if (typeof bytes === 'string') return undefined;
  return maybeText(resource, 'compression') === 'gzip' ? gunzip(bytes) : bytes;
}

/** The same as text; undefined when it is none. */
export function embeddedText(resource: Fields | undefined): string | undefined {
  const bytes = embeddedBytes(resource);
  if (bytes === undefined) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
