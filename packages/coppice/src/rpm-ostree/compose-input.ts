// What the compose verbs read: the treefile with its repositories, metadata and lockfiles from the command line.

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { Variant } from '@coppice/gvariant';
import { Fetcher } from '@coppice/http';
import { hostFs } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import { parseRepoFile } from '@coppice/rpm';
import {
  type ComposeRepository,
  type LoadedTreefile,
  type Lockfile,
  loadTreefile,
  mergeLockfiles,
  nextVersion,
  parseLockfile,
  parseOsRelease,
  type Repository,
  readRepositories,
  refreshRepository,
  repositoryVariables,
  type Treefile,
  type TreefileSource,
  typeTreefile,
} from '@coppice/rpm-ostree';
import type { VerbCall } from './verb.ts';

export const composeArch: string =
  { x64: 'x86_64', arm64: 'aarch64', ppc64: 'ppc64le', s390x: 's390x' }[process.arch as string] ?? process.arch;

export const diskSource: TreefileSource = {
  read(path) {
    try {
      const { dev, ino } = statSync(path);
      return { text: readFileSync(path, 'utf8'), identity: `${dev}:${ino}` };
    } catch (error) {
      throw errnoError(error, `Can't open file ${JSON.stringify(path)} for reading`);
    }
  },
  resolve: (from, include) => resolve(dirname(from), include),
};

export interface ComposeInput {
  readonly treefile: Treefile;
  readonly loaded: LoadedTreefile;
  readonly path: string;
}

export function readComposeInput(call: VerbCall): ComposeInput {
  const [argument] = call.options.operands;
  if (argument === undefined) call.usageError('TREEFILE must be specified');
  const path = resolve(call.context.cwd, argument!);
  const loaded = loadTreefile(path, diskSource, composeArch);
  return { treefile: typeTreefile(loaded.document), loaded, path };
}

/** Repositories as the root of --source-root has them, with its variables. */
function rootRepositories(root: string, treefile: Treefile): Repository[] {
  const release = ['etc/os-release', 'usr/lib/os-release'].map((p) => join(root, p)).find((p) => existsSync(p));
  const releasever =
    treefile.releasever ??
    (release === undefined ? undefined : parseOsRelease(readFileSync(release, 'utf8')).get('VERSION_ID'));
  const etc = join(root, 'etc');
  return readRepositories(hostFs, etc, repositoryVariables(hostFs, etc, composeArch, releasever));
}

/**
 * Definitions of the repositories that the treefile names: in the `.repo` files beside it, or in those of --source-root, of
 * which all that are enabled count when it names none.
 */
function wantedRepositories(call: VerbCall, input: ComposeInput): Repository[] {
  const given = call.options.string('source-root') ?? call.options.string('source-root-rw');
  const names = [...input.treefile.repos, ...input.treefile.lockfileRepos];
  if (given !== undefined) {
    const there = rootRepositories(resolve(call.context.cwd, given), input.treefile);
    return names.length === 0 ? there.filter((r) => r.enabled) : names.map((id) => named(there, id));
  }
  const dir = dirname(input.path);
  const variables: Record<string, string> = { basearch: composeArch, arch: composeArch };
  if (input.treefile.releasever !== undefined) variables['releasever'] = input.treefile.releasever;
  const all = readdirSync(dir)
    .filter((name) => name.endsWith('.repo'))
    .flatMap((name) => parseRepoFile(readFileSync(join(dir, name), 'utf8'), name, variables));
  return names.map((id) => named(all, id));
}

function named(all: readonly Repository[], id: string): Repository {
  const found = all.find((r) => r.id === id);
  if (found === undefined) throw new CoppiceError('NotFound', `Unknown rpm-md repository: ${id}`);
  return found;
}

/** Repositories with their metadata in `cacheDir`, fetched unless --cache-only. */
export async function openRepositories(
  call: VerbCall,
  input: ComposeInput,
  cacheDir: string,
): Promise<ComposeRepository[]> {
  const out: ComposeRepository[] = [];
  const proxy = call.options.string('proxy');
  const fetcher = new Fetcher({ retries: 2, ...(proxy === undefined ? {} : { proxy }) });
  try {
    for (const repository of wantedRepositories(call, input)) {
      const local = repository.baseUrls.find((u) => u.startsWith('file://'));
      if (local !== undefined) {
        out.push({ id: repository.id, path: local.slice('file://'.length), priority: repository.priority });
        continue;
      }
      const path = join(cacheDir, 'repomd', repository.id);
      const offline = call.options.flag('cache-only') || call.options.flag('offline');
      if (!offline || !existsSync(join(path, 'repodata/repomd.xml'))) {
        if (offline) throw new CoppiceError('NotFound', `No cached metadata for repo ${repository.id}`);
        mkdirSync(dirname(path), { recursive: true });
        await refreshRepository(repository, path, fetcher);
      }
      out.push({
        id: repository.id,
        path,
        priority: repository.priority,
        baseUrl: readFileSync(join(path, 'base-url'), 'utf8'),
      });
    }
  } finally {
    await fetcher.close();
  }
  return out;
}

export function readLockfiles(call: VerbCall): Lockfile | undefined {
  const names = [...call.options.strings('ex-lockfile'), ...call.options.strings('lockfile')];
  if (names.length === 0) return undefined;
  return mergeLockfiles(names.map((n) => parseLockfile(readFileSync(resolve(call.context.cwd, n), 'utf8'), n)));
}

/** The repository of --layer-repo. */
export function layerRepository({ options, context }: VerbCall): Repo | undefined {
  const path = options.string('layer-repo');
  return path === undefined ? undefined : Repo.open(resolve(context.cwd, path), { env: context.env });
}

/** The version of a compose at `time` (seconds) after the one with `last`; undefined when the treefile has no scheme. */
export function versionFor(treefile: Treefile, last: string | undefined, time: number): string | undefined {
  const { versionPrefix, versionSuffix } = treefile;
  return versionPrefix === undefined
    ? undefined
    : nextVersion(versionPrefix, versionSuffix, last, new Date(time * 1000));
}

/** --add-metadata-string and --add-metadata-from-json. */
export function extraMetadata(call: VerbCall): Map<string, Variant> {
  const out = new Map<string, Variant>();
  const variant = (value: unknown): Variant => {
    if (typeof value === 'string') return Variant.string(value);
    if (typeof value === 'boolean') return Variant.boolean(value);
    if (typeof value === 'number')
      return Number.isInteger(value) ? new Variant('x', BigInt(value)) : new Variant('d', value);
    if (Array.isArray(value))
      return value.every((v) => typeof v === 'string') ? Variant.strings(value) : new Variant('av', value.map(variant));
    if (value !== null && typeof value === 'object')
      return new Variant('a{sv}', new Map(Object.entries(value).map(([k, v]) => [k, variant(v)])));
    throw new CoppiceError('Invalid', 'metadata may not hold null');
  };
  const file = call.options.string('add-metadata-from-json');
  if (file !== undefined) {
    const value = JSON.parse(readFileSync(resolve(call.context.cwd, file), 'utf8')) as Record<string, unknown>;
    for (const [key, v] of Object.entries(value)) out.set(key, variant(v));
  }
  for (const pair of call.options.strings('add-metadata-string')) {
    const at = pair.indexOf('=');
    if (at < 0) throw new CoppiceError('Usage', `Missing '=' in KEY=VALUE metadata '${pair}'`);
    out.set(pair.slice(0, at), Variant.string(pair.slice(at + 1)));
  }
  return out;
}
