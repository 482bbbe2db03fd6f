// Where an instance's content comes from: a server that tells its streams in one small document, `coppice.json`. A lab
// writes it; anyone who publishes a repository can.

import { CoppiceError, prefixError } from '@coppice/base';
import { Fetcher } from '@coppice/http';

export interface SourceStream {
  readonly ref: string;
  readonly version: string;
}

/** `coppice.json`. Paths are relative to it. */
export interface SourceDescription {
  readonly version: 1;
  readonly name: string;
  readonly stateroot: string;
  /** Name of the remote in the instance's repository. */
  readonly remote: string;
  /** The archive repository, e.g. `repo/`. */
  readonly ostree: string;
  /** Public keys (binary or armored keyring) that sign commits, summary and packages. */
  readonly key: string;
  /** Package repositories by id. */
  readonly packages: Readonly<Record<string, string>>;
  readonly streams: Readonly<Record<string, SourceStream>>;
  readonly kernelArguments: readonly string[];
}

export interface Source {
  readonly url: string;
  readonly description: SourceDescription;
  readonly key: Uint8Array;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isRelative = (value: unknown): value is string =>
  isText(value) && !/^[a-z]+:|^\//i.test(value) && !value.split('/').includes('..');
const isWord = (value: unknown): value is string => isText(value) && /^[A-Za-z0-9][\w.+-]*$/.test(value);
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Checks a `coppice.json`. Throws `Invalid` that names `where`. */
export function parseSourceDescription(text: string, where: string): SourceDescription {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CoppiceError('Invalid', `${where}: not JSON`, { cause: error });
  }
  const fault = (what: string): never => {
    throw new CoppiceError('Invalid', `${where}: ${what}`);
  };
  if (!isMap(value)) return fault('not an object');
  if (value['version'] !== 1) fault('version is not 1');
  for (const key of ['name', 'stateroot', 'remote']) if (!isWord(value[key])) fault(`${key} is not a plain name`);
  for (const key of ['ostree', 'key']) if (!isRelative(value[key])) fault(`${key} is not a relative path`);
  const { packages, streams, kernelArguments } = value;
  if (!isMap(packages) || !Object.entries(packages).every(([id, path]) => isWord(id) && isRelative(path))) {
    fault('packages is not a map of names to relative paths');
  }
  const isStream = (item: unknown): boolean => isMap(item) && isText(item['ref']) && isText(item['version']);
  if (!isMap(streams) || !Object.entries(streams).every(([id, item]) => isWord(id) && isStream(item))) {
    fault('streams is not a map of names to {ref, version}');
  }
  if (!Array.isArray(kernelArguments) || !kernelArguments.every(isText))
    fault('kernelArguments is not a list of texts');
  return value as unknown as SourceDescription;
}

/** Fetches the description at `url` (the folder of `coppice.json`) and the key. `key` replaces the one that the server offers. */
export async function openSource(url: string, options: { key?: Uint8Array } = {}): Promise<Source> {
  const base = url.endsWith('/') ? url : `${url}/`;
  const fetcher = new Fetcher({ retries: 1 });
  try {
    const where = new URL('coppice.json', base).href;
    const text = Buffer.from((await fetcher.bytes(where, { maxSize: 1 << 20 })).bytes).toString();
    const description = parseSourceDescription(text, where);
    const key = options.key ?? (await fetcher.bytes(new URL(description.key, base).href, { maxSize: 1 << 20 })).bytes;
    return { url: base, description, key };
  } catch (error) {
    throw prefixError(error, base);
  } finally {
    await fetcher.close();
  }
}

/** The stream's ref. Throws `NotFound` with the streams there are. */
export function streamOf(source: Source, name: string): SourceStream {
  const { streams } = source.description;
  const stream = Object.hasOwn(streams, name) ? streams[name] : undefined;
  if (stream === undefined) {
    throw new CoppiceError(
      'NotFound',
      `${source.url} has no stream ${JSON.stringify(name)}; it has: ${Object.keys(streams).join(', ')}`,
    );
  }
  return stream;
}
