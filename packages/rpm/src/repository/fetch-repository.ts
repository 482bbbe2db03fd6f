// Bringing a repository's metadata into a folder: mirrors are found, the index is checked, files that are there stay.
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { CoppiceError, isCoppiceError, messageOf } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import type { Fetcher } from '@coppice/http';
import { hostFs, readFile, replaceFile } from '@coppice/linux';
import { type Keyring, verify } from '@coppice/signing';
import { checksumAlgorithm } from '../repodata/load-repository.ts';
import { parseRepomd, type Repomd, type RepomdRecord } from '../repodata/repomd.ts';
import { baseOfRepomd, type MetalinkHashes, parseMetalink, parseMirrorlist } from './metalink.ts';
import type { RepositoryConfig } from './repo-file.ts';

export interface FetchRepositoryOptions {
  /** Default: a fetcher of its own without proxy or credentials. */
  readonly fetcher?: Pick<Fetcher, 'bytes'>;
  readonly fs?: FileSystem;
  /** Metadata to have; default primary, updateinfo and modules, as far as the repository has them. */
  readonly types?: readonly string[];
  /** Keys that must have signed repomd.xml, where the configuration says `repo_gpgcheck`. */
  readonly keyring?: Keyring;
  /** Largest metadata file accepted, in bytes (default 1 GiB). */
  readonly limit?: number;
}

export interface FetchedRepository {
  readonly repomd: Repomd;
  /** The mirror that was used, with a slash at its end. */
  readonly baseUrl: string;
  /** Metadata files that came over the network now. */
  readonly fetched: readonly string[];
}

const repomdLimit = 8 * 1024 * 1024;
const strongest = ['sha512', 'sha256', 'sha1'] as const;

interface Mirrors {
  readonly bases: readonly string[];
  /** What the index must match, when a metalink says. */
  readonly accepted: readonly MetalinkHashes[] | undefined;
}

const slash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

async function findMirrors(config: RepositoryConfig, fetcher: Pick<Fetcher, 'bytes'>): Promise<Mirrors> {
  if (config.metalink !== undefined) {
    const metalink = parseMetalink((await fetcher.bytes(config.metalink, { maxSize: repomdLimit })).bytes);
    return { bases: metalink.urls.map(({ url }) => baseOfRepomd(url)), accepted: [metalink, ...metalink.alternates] };
  }
  if (config.mirrorlist !== undefined) {
    const list = parseMirrorlist((await fetcher.bytes(config.mirrorlist, { maxSize: repomdLimit })).bytes);
    return { bases: list.map(slash), accepted: undefined };
  }
  return { bases: config.baseUrls.map(slash), accepted: undefined };
}

/** Whether the index is one the metalink names: by the strongest hash it gives. */
function matches(bytes: Uint8Array, accepted: readonly MetalinkHashes[]): boolean {
  return accepted.some(({ hashes, size }) => {
    const type = strongest.find((t) => hashes[t] !== undefined);
    if (type === undefined || (size !== undefined && size !== bytes.length)) return false;
    return createHash(type).update(bytes).digest('hex') === hashes[type];
  });
}

function checkSignature(id: string, bytes: Uint8Array, signature: Uint8Array, keyring: Keyring | undefined): void {
  const results = keyring === undefined ? [] : verify(signature, keyring, bytes);
  if (!results.some((result) => result.valid))
    throw new CoppiceError('Signature', `repo '${id}': repomd.xml has no valid signature by a known key`);
}

function hasFile(fs: FileSystem, path: string, record: RepomdRecord): boolean {
  const stat = fs.stat(path);
  if (stat === undefined || (record.size !== 0 && stat.size !== record.size)) return false;
  const hash = createHash(checksumAlgorithm(record.checksum.type)).update(readFile(path, { fs }));
  return hash.digest('hex') === record.checksum.value;
}

function makeDirectories(fs: FileSystem, path: string): void {
  if (fs.stat(path) !== undefined) return;
  makeDirectories(fs, dirname(path));
  fs.mkdir(path, 0o755);
}

/** Files of the repository that the folder holds now; none when its index cannot be read. */
function presentRecords(dir: string, fs: FileSystem): readonly RepomdRecord[] {
  const path = join(dir, 'repodata/repomd.xml');
  if (fs.stat(path) === undefined) return [];
  try {
    return parseRepomd(readFile(path, { fs, limit: repomdLimit })).records;
  } catch {
    return [];
  }
}

async function fromMirror(
  config: RepositoryConfig,
  base: string,
  mirrors: Mirrors,
  dir: string,
  options: Required<Pick<FetchRepositoryOptions, 'fetcher' | 'fs' | 'types' | 'limit'>> & FetchRepositoryOptions,
): Promise<FetchedRepository> {
  const { fetcher, fs, types, limit } = options;
  const { bytes } = await fetcher.bytes(`${base}repodata/repomd.xml`, { maxSize: repomdLimit });
  if (mirrors.accepted !== undefined && !matches(bytes, mirrors.accepted))
    throw new CoppiceError('Corrupt', `${base}repodata/repomd.xml does not match the metalink`);
  if (config.repoGpgCheck) {
    const signature = await fetcher.bytes(`${base}repodata/repomd.xml.asc`, { maxSize: 1024 * 1024 });
    checkSignature(config.id, bytes, signature.bytes, options.keyring);
  }
  const repomd = parseRepomd(bytes);
  const fetched: string[] = [];
  makeDirectories(fs, join(dir, 'repodata'));
  for (const record of repomd.records) {
    if (!types.includes(record.type)) continue;
    const path = join(dir, record.href);
    if (hasFile(fs, path, record)) continue;
    if (record.size > limit) throw new CoppiceError('Limit', `${record.href} is larger than ${limit} bytes`);
    const from = record.base === undefined ? base : slash(record.base);
    const body = await fetcher.bytes(from + record.href, { maxSize: record.size === 0 ? limit : record.size });
    const hash = createHash(checksumAlgorithm(record.checksum.type)).update(body.bytes).digest('hex');
    if (hash !== record.checksum.value)
      throw new CoppiceError('Corrupt', `${from}${record.href}: checksum does not match repomd.xml`);
    makeDirectories(fs, dirname(path));
    replaceFile(path, body.bytes, { fs });
    fetched.push(record.type);
  }
  // The index last: until now the folder holds the old repository, whole.
  const old = presentRecords(dir, fs);
  replaceFile(join(dir, 'repodata/repomd.xml'), bytes, { fs });
  const keep = new Set(repomd.records.map((record) => record.href));
  for (const { href } of old)
    if (!keep.has(href) && fs.lstat(join(dir, href)) !== undefined) fs.unlink(join(dir, href));
  return { repomd, baseUrl: base, fetched };
}

/**
 * Fetches what is new of a repository into `dir`, trying its mirrors in turn. Throws the last mirror's error when none
 * serves it, `Signature` at once when the index is signed by nobody known.
 */
export async function fetchRepository(
  config: RepositoryConfig,
  dir: string,
  options: FetchRepositoryOptions = {},
): Promise<FetchedRepository> {
  // Loaded only when something is fetched: most callers of this package never touch the network.
  const own = options.fetcher === undefined ? new (await import('@coppice/http')).Fetcher() : undefined;
  const fetcher = options.fetcher ?? own!;
  try {
    const mirrors = await findMirrors(config, fetcher);
    if (mirrors.bases.length === 0) throw new CoppiceError('Invalid', `repo '${config.id}': no base URL and no mirror`);
    const all = {
      ...options,
      fetcher,
      fs: options.fs ?? hostFs,
      types: options.types ?? ['primary', 'updateinfo', 'modules'],
      limit: options.limit ?? 1024 ** 3,
    };
    let last: unknown;
    for (const base of mirrors.bases) {
      try {
        return await fromMirror(config, base, mirrors, dir, all);
      } catch (error) {
        if (isCoppiceError(error, 'Signature') || isCoppiceError(error, 'Cancelled')) throw error;
        last = error;
      }
    }
    const code = isCoppiceError(last) ? last.code : 'Network';
    throw new CoppiceError(code, `cannot update repo '${config.id}': ${messageOf(last)}`, { cause: last });
  } finally {
    await own?.close();
  }
}
