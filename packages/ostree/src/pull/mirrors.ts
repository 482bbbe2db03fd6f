import { CoppiceError, isCoppiceError, prefixError } from '@coppice/base';
import type { Fetcher, FetchInfo, FetchOptions, StreamSink } from '@coppice/http';

/** A list of base URLs that hold the same content: tried in order. */
export class MirrorList {
  readonly urls: readonly string[];
  readonly #fetcher: Fetcher;
  readonly #namesUrl: boolean;

  /** `namesUrl`: whether HTTP's own errors are told with the URL; those of the connection always are. */
  constructor(fetcher: Fetcher, urls: readonly string[], namesUrl: boolean) {
    this.#fetcher = fetcher;
    this.#namesUrl = namesUrl;
    this.urls = urls.map((url) => url.replace(/\/+$/, ''));
  }

  /** Bytes at a path below the base. `NotFound` from the last mirror that was asked; other failures try the next one. */
  async bytes(path: string, options: FetchOptions): Promise<FetchInfo & { readonly bytes: Uint8Array }> {
    return this.#each(path, (url) => this.#fetcher.bytes(url, options));
  }

  async stream(path: string, sink: StreamSink, options: FetchOptions): Promise<FetchInfo> {
    let first = true;
    return this.#each(path, (url) => {
      if (!first) sink.restart();
      first = false;
      return this.#fetcher.stream(url, sink, options);
    });
  }

  async #each<T>(path: string, fetch: (url: string) => Promise<T>): Promise<T> {
    let failure: unknown;
    for (const base of this.urls) {
      const url = `${base}/${path}`;
      try {
        return await fetch(url);
      } catch (error) {
        if (isCoppiceError(error, 'Cancelled')) throw error;
        const bare =
          isCoppiceError(error, 'Limit') ||
          (!this.#namesUrl && isCoppiceError(error) && error.data?.['status'] !== undefined);
        const at = (isCoppiceError(error) && error.data?.['url']) || url;
        failure = bare ? error : prefixError(error, `While fetching ${String(at)}`);
      }
    }
    throw failure ?? new CoppiceError('Usage', 'No URL to fetch from');
  }
}

const listLimit = 1024 * 1024;

function checkScheme(url: string): void {
  if (!/^[A-Za-z][\w+.-]*:/.test(url))
    throw new CoppiceError('Invalid', 'URI is not absolute, and no base URI was provided');
  if (/^\w+:\/\/[^/@]*%(?![0-9a-fA-F]{2})[^/]*@/.test(url))
    throw new CoppiceError('Invalid', 'Invalid %-encoding in URI');
  if (!/^(https?|file):\/\//.test(url)) throw new CoppiceError('Invalid', `Invalid URI scheme in ${url}`);
}

/**
 * The base URLs behind a `url` or `contenturl` value: itself, or with `mirrorlist=` the http(s) URLs in the file it
 * names, the first that serves `config` in front. Throws `Invalid` when the list has none.
 */
export async function resolveMirrors(fetcher: Fetcher, value: string, namesUrl: boolean): Promise<MirrorList> {
  if (!value.startsWith('mirrorlist=')) {
    checkScheme(value);
    return new MirrorList(fetcher, [value], namesUrl);
  }
  const listUrl = value.slice('mirrorlist='.length);
  if (!URL.canParse(listUrl)) throw new CoppiceError('Invalid', `Invalid URI scheme in ${listUrl}`);
  let text: string;
  try {
    text = Buffer.from((await fetcher.bytes(listUrl, { maxSize: listLimit })).bytes).toString('utf8');
  } catch (error) {
    const bare = !namesUrl && isCoppiceError(error) && error.data?.['status'] !== undefined;
    throw prefixError(
      bare ? error : prefixError(error, `While fetching ${listUrl}`),
      `While fetching mirrorlist '${listUrl}'`,
    );
  }
  const urls: string[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (URL.canParse(line) && /^https?:\/\//.test(line)) urls.push(line.replace(/\/+$/, ''));
  }
  for (const [i, url] of urls.entries()) {
    try {
      await fetcher.bytes(`${url}/config`, { maxSize: 16 * 1024 * 1024 });
    } catch {
      continue;
    }
    return new MirrorList(fetcher, [url, ...urls.slice(0, i), ...urls.slice(i + 1)], namesUrl);
  }
  if (urls.length === 0) throw new CoppiceError('Invalid', `No valid mirrors were found in mirrorlist '${listUrl}'`);
  throw new CoppiceError('Network', `No valid mirrors were found in mirrorlist '${listUrl}'`);
}
