// What the compose verbs read: the treefile with its repositories, metadata and lockfiles from the command line.

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CoppiceError, errnoError, messageOf } from '@coppice/base';
import { Variant } from '@coppice/gvariant';
import { Fetcher } from '@coppice/http';
import { hostFs } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import { parseRepoFile } from '@coppice/rpm';
import {
  type ComposeRepository,
  checkPackageSignature,
  keyringOfFiles,
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
  isDirectory: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true,
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
  const typed = typeTreefile(loaded.document);
  // Labels are left out although the treefile wants them; the tree still says what the treefile says.
  const treefile = call.options.flag('disable-selinux') ? { ...typed, selinux: false } : typed;
  return { treefile, loaded, path };
}

/** Repositories as the root of --source-root has them, with its variables. */
function rootRepositories(root: string, treefile: Treefile): Repository[] {
  const release = ['etc/os-release', 'usr/lib/os-release'].map((p) => join(root, p)).find((p) => existsSync(p));
  const releasever =
    treefile.releasever ??
    (release === undefined ? undefined : parseOsRelease(readFileSync(release, 'utf8')).get('VERSION_ID'));
  const etc = join(root, 'etc');
  const variables = repositoryVariables(hostFs, etc, composeArch, releasever);
  return readRepositories(hostFs, etc, new Map([...variables, ...Object.entries(treefile.repovars)]));
}

/**
 * Definitions of the repositories that the treefile names: in the `.repo` files beside it, or in those of --source-root, of
 * which all that are enabled count when it names none.
 */
function wantedRepositories(call: VerbCall, input: ComposeInput): Repository[] {
  const given = call.options.string('source-root') ?? call.options.string('source-root-rw');
  if (call.options.has('source-root') && call.options.has('source-root-rw'))
    call.usageError("the argument '--source-root' cannot be used with '--source-root-rw'");
  // Repositories that only serve locked packages are of no use without a lockfile.
  const names = [...input.treefile.repos, ...(hasLockfiles(call) ? input.treefile.lockfileRepos : [])];
  if (given !== undefined) {
    const there = rootRepositories(resolve(call.context.cwd, given), input.treefile);
    return names.length === 0 ? there.filter((r) => r.enabled) : names.map((id) => named(there, id));
  }
  const dir = dirname(input.path);
  const variables: Record<string, string> = {
    ...input.treefile.repovars,
    basearch: composeArch,
    arch: composeArch,
  };
  if (input.treefile.releasever !== undefined) variables['releasever'] = input.treefile.releasever;
  const all = readdirSync(dir)
    .filter((name) => name.endsWith('.repo'))
    .flatMap((name) => parseRepoFile(readFileSync(join(dir, name), 'utf8'), name, variables));
  return names.map((id) => named(all, id));
}

/** Keys that a repository names, below the source root if they are there, and all that the source root trusts. */
function keyringOf(call: VerbCall, repository: Repository): ReturnType<typeof keyringOfFiles> {
  const given = call.options.string('source-root') ?? call.options.string('source-root-rw');
  const root = given === undefined ? undefined : resolve(call.context.cwd, given);
  const trusted = root === undefined ? undefined : join(root, 'etc/pki/rpm-gpg');
  const files = repository.gpgKeys
    .filter((url) => url.startsWith('file://'))
    .map((url) => url.slice('file://'.length))
    .map((path) => (root !== undefined && existsSync(join(root, path)) ? join(root, path) : path));
  const more = trusted !== undefined && existsSync(trusted) ? readdirSync(trusted).map((n) => join(trusted, n)) : [];
  return keyringOfFiles(hostFs, new Set([...files, ...more]));
}

/** What holds for every package of a repository. */
function packageRules(
  call: VerbCall,
  repository: Repository,
  lockedOnly: boolean,
): Pick<ComposeRepository, 'priority' | 'lockedOnly' | 'checkSignature'> {
  const { id, priority, gpgCheck } = repository;
  if (!gpgCheck) return { priority, lockedOnly };
  const keyring = keyringOf(call, repository);
  return { priority, lockedOnly, checkSignature: (rpm, nevra) => checkPackageSignature(rpm, keyring, nevra, id) };
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
    const { repos, lockfileRepos } = input.treefile;
    for (const repository of wantedRepositories(call, input)) {
      const lockedOnly = lockfileRepos.includes(repository.id) && !repos.includes(repository.id);
      const rules = packageRules(call, repository, lockedOnly);
      const local = repository.baseUrls.find((u) => u.startsWith('file://'));
      const path = join(cacheDir, 'repomd', repository.id);
      if (local !== undefined) {
        // Used where it is; what its metadata are signed with is still looked at.
        if (repository.repoGpgCheck) {
          mkdirSync(dirname(path), { recursive: true });
          await refreshRepository(repository, path, fetcher, keyringOf(call, repository));
        }
        out.push({ id: repository.id, path: local.slice('file://'.length), ...rules });
        continue;
      }
      const offline = call.options.flag('cache-only') || call.options.flag('offline');
      if (!offline || !existsSync(join(path, 'repodata/repomd.xml'))) {
        if (offline) throw new CoppiceError('NotFound', `No cached metadata for repo ${repository.id}`);
        mkdirSync(dirname(path), { recursive: true });
        await refreshRepository(repository, path, fetcher, keyringOf(call, repository));
      }
      out.push({
        id: repository.id,
        path,
        ...rules,
        baseUrl: readFileSync(join(path, 'base-url'), 'utf8'),
      });
    }
  } finally {
    await fetcher.close();
  }
  return out;
}

const lockfileNames = ({ options }: VerbCall): string[] => [
  ...options.strings('ex-lockfile'),
  ...options.strings('lockfile'),
];
const hasLockfiles = (call: VerbCall): boolean => lockfileNames(call).length > 0;

/** The lockfiles of the command line, merged. Throws `NotFound`, `Invalid`, `Usage` for --ex-lockfile-strict without one. */
export function readLockfiles(call: VerbCall): Lockfile | undefined {
  const names = lockfileNames(call);
  if (names.length > 0)
    return mergeLockfiles(names.map((n) => parseLockfile(readText(resolve(call.context.cwd, n)), n)));
  if (call.options.flag('ex-lockfile-strict'))
    throw new CoppiceError('Usage', '--ex-lockfile-strict requires --ex-lockfile');
  return undefined;
}

/** Text of a file that the command line names. Throws as opening does. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw errnoError(error, `Can't open file ${JSON.stringify(path)} for reading`);
  }
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
    let value: unknown;
    try {
      value = JSON.parse(readText(resolve(call.context.cwd, file)));
    } catch (error) {
      if (error instanceof CoppiceError) throw error;
      throw new CoppiceError('Invalid', `Parsing ${file}: ${messageOf(error)}`);
    }
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      throw new CoppiceError('Invalid', `Parsing ${file}: expected an object`);
    for (const [key, v] of Object.entries(value)) out.set(key, variant(v));
  }
  for (const pair of call.options.strings('add-metadata-string')) {
    const at = pair.indexOf('=');
    if (at < 0) throw new CoppiceError('Usage', `Missing '=' in KEY=VALUE metadata '${pair}'`);
    out.set(pair.slice(0, at), Variant.string(pair.slice(at + 1)));
  }
  return out;
}
