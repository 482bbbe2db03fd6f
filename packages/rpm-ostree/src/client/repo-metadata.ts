// Metadata of the enabled repositories: fetched when stale, kept in /var/cache/rpm-ostree, loaded as candidates.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isCoppiceError, messageOf, prefixError } from '@coppice/base';
import { Fetcher } from '@coppice/http';
import { replaceFile } from '@coppice/linux';
import type { Repo } from '@coppice/ostree';
import { fetchRepository, loadRepository, type RpmPackage } from '@coppice/rpm';
import type { Keyring } from '@coppice/signing';
import { parseOsRelease } from '../os-release.ts';
import { ImageTree } from '../tree/image-tree.ts';
import type { Client } from './client.ts';
import { checkPackageSignature, packageKeyring } from './package-signature.ts';
import { type Repository, readRepositories, repositoryVariables } from './repository.ts';
import { joinUrl, type PackageSet, RepositoryPackages } from './repository-packages.ts';

export interface LoadedRepository {
  readonly repository: Repository;
  readonly packages: PackageSet;
  /** When the metadata were made, seconds since the epoch. */
  readonly timestamp: number;
  /** They were here already. */
  readonly cached: boolean;
  /** Directory below which its metadata are, in a folder of its id. */
  readonly root: string;
  /** Throws `Signature` when the repository wants signed packages and this one is not. */
  checkSignature(rpm: RpmPackage, nevra: string): void;
}

const metadataLimit = 1024 * 1024 * 1024;

/** Where caches are: below the stateroot's /var. */
export function cacheDir(client: Client): string {
  return client.sysroot.booted !== undefined && client.sysroot.booted.osname === client.osname
    ? '/var/cache/rpm-ostree'
    : `${client.sysroot.path}/ostree/deploy/${client.osname}/var/cache/rpm-ostree`;
}

/** The /etc that configuration is read from: the running system's, or the merge deployment's. */
export function configDir(client: Client): string {
  if (client.sysroot.booted !== undefined && client.sysroot.booted.osname === client.osname) return '/etc';
  const merge = client.sysroot.mergeDeployment(client.osname) ?? client.originMerge;
  return `${client.sysroot.deploymentPath(merge)}/etc`;
}

/** `releasever` of a tree, from its os-release. */
function releasever(repo: Repo, commit: string): string | undefined {
  const tree = ImageTree.fromCommit(repo, commit);
  for (const path of ['usr/lib/os-release', 'usr/etc/os-release']) {
    const text = tree.readText(tree.resolve(path, true));
    if (text !== undefined) return parseOsRelease(text).get('VERSION_ID');
  }
  return undefined;
}

function machine(): string {
  return { x64: 'x86_64', arm64: 'aarch64', ppc64: 'ppc64le', s390x: 's390x' }[process.arch as string] ?? process.arch;
}

export function enabledRepositories(client: Client, base: string, repo: Repo = client.repo): Repository[] {
  const etc = configDir(client);
  const variables = repositoryVariables(client.fs, etc, machine(), releasever(repo, base));
  return readRepositories(client.fs, etc, variables).filter((r) => r.enabled);
}

/** Brings the metadata in `dir` up to date, all or nothing; the file `base-url` says which URL answered. */
export async function refreshRepository(
  repository: Repository,
  dir: string,
  fetcher: Fetcher,
  keyring?: Keyring,
): Promise<void> {
  const { id } = repository;
  const types = ['primary', 'updateinfo'];
  try {
    const { baseUrl } = await fetchRepository(repository, dir, {
      fetcher,
      types,
      limit: metadataLimit,
      ...(keyring === undefined ? {} : { keyring }),
    });
    const configured = repository.baseUrls.find((url) => joinUrl(url, '') === baseUrl);
    replaceFile(join(dir, 'base-url'), configured ?? baseUrl);
  } catch (error) {
    const cause = isCoppiceError(error, 'Signature') ? error : ((error as Error).cause ?? error);
    throw prefixError(cause, `Updating rpm-md repo '${id}': cannot update repo '${id}': Cannot download repomd.xml`);
  }
}

/** The parsed packages of a repository are kept beside its metadata; those of metadata that are gone go too. */
function solvDir(client: Client, id: string): string {
  return join(cacheDir(client), 'solv', id);
}

interface LoadTarget {
  readonly repository: Repository;
  readonly dir: string;
  readonly cached: boolean;
  /** Leave no trace in the system's cache. */
  readonly readOnly: boolean;
}

function load(client: Client, target: LoadTarget): Omit<LoadedRepository, 'root'> {
  const { repository, dir, cached, readOnly } = target;
  const { fs } = client;
  const solv = solvDir(client, repository.id);
  if (!readOnly) mkdirSync(solv, { recursive: true });
  const before = fs.stat(solv) === undefined ? [] : fs.readdir(solv);
  const loaded = loadRepository(dir, { fs, cacheDir: solv, cacheReadOnly: readOnly });
  if (!readOnly && fs.readdir(solv).some((name) => !before.includes(name)))
    for (const name of before) rmSync(join(solv, name), { force: true });
  const base = readSmall(client, join(dir, 'base-url')) ?? repository.baseUrls[0] ?? '';
  const timestamp = loaded.repomd.records.reduce((n, r) => Math.max(n, r.timestamp), 0);
  const packages = new RepositoryPackages(repository, base, loaded.table);
  return {
    repository,
    packages,
    timestamp,
    cached,
    checkSignature(rpm, nevra) {
      if (!repository.gpgCheck) return;
      checkPackageSignature(rpm, packageKeyring(fs, configDir(client), repository.gpgKeys), nevra, repository.id);
    },
  };
}

function readSmall(client: Client, path: string): string | undefined {
  const stat = client.fs.stat(path);
  if (stat === undefined) return undefined;
  const fd = client.fs.open(path, 0);
  try {
    const out = Buffer.alloc(Math.min(stat.size, 65536));
    const n = client.fs.read(fd, out, 0, out.length, 0);
    return out.subarray(0, n).toString();
  } finally {
    client.fs.close(fd);
  }
}

export interface LoadRepositoriesOptions {
  /** Fetch again whatever the age. */
  readonly force?: boolean;
  /** Where the base commit is; default the system's repository. */
  readonly repo?: Repo;
  /** Where what has to be fetched goes instead of the system's cache. */
  readonly cacheRoot?: string;
}

/** Prints what it does. Throws `NotFound` without enabled repositories, `Network` when one cannot be had. */
export async function loadRepositories(
  client: Client,
  base: string,
  options: LoadRepositoriesOptions = {},
): Promise<LoadedRepository[]> {
  const repositories = enabledRepositories(client, base, options.repo);
  if (repositories.length === 0) {
    client.message('No enabled rpm-md repositories.');
    return [];
  }
  client.message(`Enabled rpm-md repositories: ${repositories.map((r) => r.id).join(' ')}`);
  const root = join(cacheDir(client), 'repomd');
  const stale = new Set<string>();
  const fetcher = new Fetcher({ clock: client.clock, retries: 2 });
  try {
    for (const repository of repositories) {
      const dir = join(root, repository.id);
      const stat = client.fs.stat(join(dir, 'repodata/repomd.xml'));
      const age = stat === undefined ? undefined : (client.clock.now() - stat.mtimeMs) / 1000;
      const fresh = age !== undefined && options.force !== true && age < repository.metadataExpire;
      const url = readSmall(client, join(dir, 'base-url'));
      const moved = repository.baseUrls.length > 0 && (url === undefined || !repository.baseUrls.includes(url));
      if (fresh && !moved && !repository.baseUrls.some((u) => u.startsWith('file:'))) continue;
      stale.add(repository.id);
      const target = join(options.cacheRoot ?? root, repository.id);
      await client.step(`Updating metadata for '${repository.id}'`, () =>
        client.unlessCancelled(
          refreshRepository(
            repository,
            target,
            fetcher,
            packageKeyring(client.fs, configDir(client), repository.gpgKeys),
          ),
          () => fetcher.abort(),
        ),
      );
    }
  } finally {
    await fetcher.close();
  }
  return await client.step('Importing rpm-md', () =>
    repositories.map((repository) => {
      const own = stale.has(repository.id) ? (options.cacheRoot ?? root) : root;
      const dir = join(own, repository.id);
      try {
        const cached = !stale.has(repository.id);
        return { ...load(client, { repository, dir, cached, readOnly: options.cacheRoot !== undefined }), root: own };
      } catch (error) {
        // A damaged cache must not stay in the way of the next attempt.
        rmSync(dir, { recursive: true, force: true });
        throw prefixError(
          error,
          `Loading rpm-md repo '${repository.id}': ${messageOf(error) === '' ? 'unknown' : 'invalid metadata'}`,
        );
      }
    }),
  );
}
