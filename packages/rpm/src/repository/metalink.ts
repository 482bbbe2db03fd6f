// Where a repository's mirrors are: metalink documents and mirror lists.
import { CoppiceError } from '@coppice/base';
import { parseXml, type XmlElement } from '../repodata/xml-document.ts';

export interface MetalinkHashes {
  /** By type in lower case: `sha256`, `sha512`, `sha1`, `md5`. */
  readonly hashes: Readonly<Record<string, string>>;
  readonly size: number | undefined;
  /** Seconds since the epoch. */
  readonly timestamp: number | undefined;
}

export interface Metalink extends MetalinkHashes {
  /** Older repomd.xml files that a mirror may still have. */
  readonly alternates: readonly MetalinkHashes[];
  /** URLs of repomd.xml, preferred first. */
  readonly urls: readonly {
    readonly url: string;
    readonly protocol: string;
    readonly location: string | undefined;
    readonly preference: number;
  }[];
}

function hashesOf(element: XmlElement): MetalinkHashes {
  const hashes: Record<string, string> = {};
  for (const hash of element.child('verification')?.all('hash') ?? []) {
    const value = hash.text.trim().toLowerCase();
    const type = hash.attributes['type']?.toLowerCase();
    if (type !== undefined && /^[0-9a-f]{32,128}$/.test(value)) hashes[type] = value;
  }
  const number = (text: string | undefined): number | undefined => {
    const value = Number(text?.trim());
    return text !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  };
  return {
    hashes,
    size: number(element.child('size')?.text),
    timestamp: number(element.child('mm0:timestamp')?.text),
  };
}

/** Reads the entry of `repomd.xml`. Throws `Invalid`. Only http, https and ftp URLs are given out. */
export function parseMetalink(bytes: Uint8Array): Metalink {
  const root = parseXml(bytes, 'metalink');
  if (root.name !== 'metalink') throw new CoppiceError('Invalid', 'metalink: no <metalink> element');
  const file = root
    .child('files')
    ?.all('file')
    .find((f) => f.attributes['name'] === 'repomd.xml');
  if (file === undefined) throw new CoppiceError('Invalid', 'metalink: no entry for repomd.xml');
  const urls = (file.child('resources')?.all('url') ?? [])
    .map((url) => ({
      url: url.text.trim(),
      protocol: url.attributes['protocol'] ?? /^(\w+):/.exec(url.text.trim())?.[1] ?? '',
      location: url.attributes['location'],
      preference: Number(url.attributes['preference'] ?? 100) || 0,
    }))
    .filter(({ url }) => /^(https?|ftp):\/\/[^\s]+\/repodata\/repomd\.xml$/.test(url))
    .map((entry, i) => ({ entry, i }))
    .sort((a, b) => b.entry.preference - a.entry.preference || a.i - b.i)
    .map(({ entry }) => entry);
  const alternates = file.child('mm0:alternates')?.all('mm0:alternate').map(hashesOf) ?? [];
  return { ...hashesOf(file), alternates, urls };
}

/** Base URLs of a mirror list: one per line, `#` comments. A metalink in its place is understood too. */
export function parseMirrorlist(bytes: Uint8Array): string[] {
  const text = new TextDecoder().decode(bytes);
  if (/^\s*<(\?xml|metalink)/.test(text)) return parseMetalink(bytes).urls.map(({ url }) => baseOfRepomd(url));
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^(https?|ftp|file):\/\/\S+$/.test(line));
}

/** The repository's base URL, from that of its repomd.xml. */
export function baseOfRepomd(url: string): string {
  return url.replace(/repodata\/repomd\.xml$/, '');
}
