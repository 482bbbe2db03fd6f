// A treefile and package repositories into a base commit: solve what the treefile asks for, then compose those packages.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { Fetcher } from '@coppice/http';
import { replaceFile } from '@coppice/linux';
import type { Repo } from '@coppice/ostree';
import {
  Goal,
  type Header,
  loadRepository,
  matchSubject,
  Pool,
  type RepositoryPackage,
  type RpmPackage,
  readPackage,
} from '@coppice/rpm';
import { advisoriesFor, advisoriesIn } from '../client/advisories.ts';
import { specOfHeader } from '../client/candidate.ts';
import { nevraOfHeader } from '../import/package-commit.ts';
import { formatEvr, formatNevra, type Nevra } from '../nevra.ts';
import type { Advisory, RepoStamp } from '../status/model.ts';
import type { Plain } from '../treefile/document.ts';
import type { Lockfile } from '../treefile/lockfile.ts';
import { type ComposeOptions, type ComposeResult, composeCommit } from './compose.ts';
import { externalDigests } from './externals.ts';

/** A directory with `repodata/`, and the packages in it or at a URL. */
export interface ComposeRepository {
  readonly id: string;
  readonly path: string;
  /** Where packages are fetched from, into `path`; without it they are in `path`. */
  readonly baseUrl?: string;
  /** Lower wins; default 99. */
  readonly priority?: number;
  /** Only packages that a lockfile names are taken from it. */
  readonly lockedOnly?: boolean;
  /** Throws `Signature` for a package that the repository's keys did not sign. */
  readonly checkSignature?: (rpm: RpmPackage, nevra: string) => void;
}

export interface ComposeTreeOptions extends Omit<ComposeOptions, 'packages' | 'repos' | 'inputHash'> {
  readonly repositories: readonly ComposeRepository[];
  /** RPM's name of the architecture, e.g. `x86_64`. */
  readonly arch: string;
  readonly lockfile?: Lockfile;
  /** Only locked packages may be taken. */
  readonly lockfileStrict?: boolean;
  /** The merged treefile, hashed into the input hash. */
  readonly document?: Plain;
  /** Input hash of the previous compose: the same one means nothing to do. */
  readonly previousInputHash?: string;
}

export interface SolvedPackage {
  readonly nevra: Nevra;
  readonly repo: string;
  /** File of the package. */
  readonly path: string;
  readonly checksum: string;
  readonly size: number;
  /** Where to fetch the file from when it is not there. */
  readonly url: string | undefined;
  readonly checkSignature?: ComposeRepository['checkSignature'];
}

export interface SolvedTree {
  readonly packages: readonly SolvedPackage[];
  readonly repos: readonly RepoStamp[];
  /** Security advisories that these packages fix. */
  readonly advisories: readonly Advisory[];
  /** What of the lockfile no repository has. */
  readonly warnings: readonly string[];
  /** What is there now and goes, being removed or replaced. */
  readonly gone: readonly Nevra[];
  /** Hash of everything that decides the result. */
  readonly inputHash: string;
}

export type ComposeTreeResult =
  | (ComposeResult & { readonly inputHash: string })
  | { readonly unchanged: true; readonly inputHash: string };

function nevraOf(pkg: RepositoryPackage): Nevra {
  return { name: pkg.name, epoch: Number(pkg.epoch || 0), version: pkg.version, release: pkg.release, arch: pkg.arch };
}

/** What a lockfile says about packages, and which of its own it did not see. */
class Locks {
  readonly #options: Pick<ComposeTreeOptions, 'lockfile' | 'lockfileStrict'>;
  readonly #seen = new Map<string, { matching: number; wrongChecksum: number }>();

  constructor(options: Pick<ComposeTreeOptions, 'lockfile' | 'lockfileStrict'>) {
    this.#options = options;
  }

  /** Whether a package may not be taken. */
  excludes(pkg: RepositoryPackage, lockedOnly: boolean): boolean {
    const locked = this.#options.lockfile?.packages.get(pkg.name);
    if (locked === undefined) return this.#options.lockfileStrict === true || lockedOnly;
    const evr = formatEvr(nevraOf(pkg));
    if (evr !== locked.evr.replace(/^0:/, '') || (locked.arch !== undefined && locked.arch !== pkg.arch)) return true;
    const seen = this.#seen.get(pkg.name) ?? { matching: 0, wrongChecksum: 0 };
    this.#seen.set(pkg.name, seen);
    seen.matching += 1;
    const wrong = locked.digest !== undefined && locked.digest !== `${pkg.checksum.type}:${pkg.checksum.value}`;
    if (wrong) seen.wrongChecksum += 1;
    return wrong;
  }

  warnings(): string[] {
    return [...(this.#options.lockfile?.packages ?? [])].flatMap(([name, { evr, arch }]) => {
      const { matching, wrongChecksum } = this.#seen.get(name) ?? { matching: 0, wrongChecksum: 0 };
      if (matching > wrongChecksum) return [];
      const nevra = `${name}-${evr}${arch === undefined ? '' : `.${arch}`}`;
      const counts = `(pkgs matching NEVRA: ${matching}; mismatched checksums: ${wrongChecksum})`;
      return [`Couldn't find locked package '${nevra}' ${counts}`];
    });
  }
}

/** Security advisories of the repositories that name one of the packages. */
function advisoriesFixed(repositories: readonly ComposeRepository[], packages: readonly SolvedPackage[]): Advisory[] {
  const names = new Set(packages.map((p) => formatNevra(p.nevra)));
  const all = repositories.flatMap(({ path }) => advisoriesIn(path));
  return advisoriesFor(
    all.filter((a) => a.kind === 'security'),
    names,
  ).sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** Which packages a treefile means. Throws `NotFound`, `Conflict` with the solver's explanation. */
export function solveTree(
  options: Pick<
    ComposeTreeOptions,
    'repositories' | 'arch' | 'treefile' | 'lockfile' | 'lockfileStrict' | 'document' | 'layerRepo'
  > & {
    readonly repo?: Repo;
    /** What is in the tree already; it stays unless it must go. */
    readonly installed?: readonly Header[];
    /** Names of installed packages that go. */
    readonly removed?: readonly string[];
    /** Files of packages that come too. */
    readonly files?: readonly string[];
  },
): SolvedTree {
  const { treefile } = options;
  const pool = new Pool();
  pool.setArch(options.arch);
  pool.flags.implicitobsoleteusescolors = true;
  const system = pool.addRepo('@System');
  pool.installed = system;
  const installed = new Map(
    (options.installed ?? []).map((header) => [pool.addPackage(system, specOfHeader(header)), nevraOfHeader(header)]),
  );
  const byId = new Map<number, SolvedPackage>();
  const locks = new Locks(options);
  const repoIds = new Map<string, ReadonlySet<number>>();
  const repos: RepoStamp[] = [];
  for (const { id, path, priority, baseUrl, lockedOnly, checkSignature } of options.repositories) {
    const loaded = loadRepository(path);
    const repo = pool.addRepo(id, { priority: -(priority ?? 99) });
    for (const pkg of loaded.packages) {
      if (pkg.arch === 'src' || pkg.arch === 'nosrc' || locks.excludes(pkg, lockedOnly === true)) continue;
      byId.set(pool.addPackage(repo, pkg), {
        nevra: nevraOf(pkg),
        repo: id,
        path: join(path, pkg.location.href),
        checksum: `${pkg.checksum.type}:${pkg.checksum.value}`,
        size: pkg.size.package,
        url: baseUrl === undefined ? undefined : `${baseUrl.replace(/\/+$/, '')}/${pkg.location.href}`,
        ...(checkSignature === undefined ? {} : { checkSignature }),
      });
    }
    repoIds.set(id, new Set(repo.solvables));
    repos.push({ id, timestamp: loaded.repomd.records.reduce((n, r) => Math.max(n, r.timestamp), 0) });
  }
  for (const name of treefile.excludePackages) {
    if (treefile.packages.includes(name))
      throw new CoppiceError('Invalid', `Package ${name} is both in packages and in exclude-packages`);
    for (const [id, { nevra }] of byId) if (nevra.name === name) pool.disable(id);
  }
  const goal = new Goal(pool, { recommends: treefile.recommends });
  goal.installAll(treefile.packages);
  for (const { repo, packages } of treefile.repoPackages) {
    const own = repoIds.get(repo);
    if (own === undefined) throw new CoppiceError('NotFound', `repo-packages: repo '${repo}' not found`);
    for (const request of packages) {
      const found = (matchSubject(pool, request)?.solvables ?? []).filter((p) => own.has(p));
      if (found.length === 0) throw new CoppiceError('NotFound', `Packages not found: ${request}`);
      goal.addJob({ action: 'install', select: { kind: 'oneof', solvables: found }, flags: {} }, request);
    }
  }
  const commandLine = pool.addRepo('@commandline');
  for (const path of options.files ?? []) {
    const { header } = readPackage(path);
    const id = pool.addPackage(commandLine, specOfHeader(header));
    const nevra = nevraOfHeader(header);
    byId.set(id, { nevra, repo: '@commandline', path, checksum: formatNevra(nevra), size: 0, url: undefined });
    goal.installPackage(id);
  }
  for (const name of options.removed ?? []) goal.erase(name);
  const { install, upgrade, downgrade, erase, obsoleted } = goal.solve();
  const packages = [...install, ...upgrade, ...downgrade].map((id) => byId.get(id)!);
  const replacing = new Set(packages.map((p) => p.nevra.name));
  const leaving = new Set([...erase, ...obsoleted]);
  const gone = [...installed].flatMap(([id, nevra]) => (leaving.has(id) || replacing.has(nevra.name) ? [nevra] : []));
  const hash = createHash('sha256');
  hash.update(
    createHash('sha256')
      .update(JSON.stringify(options.document ?? treefile))
      .digest('hex'),
  );
  for (const digest of externalDigests(treefile, options.layerRepo ?? options.repo)) hash.update(digest);
  for (const p of packages) hash.update(`install${p.checksum}`);
  return {
    packages,
    repos,
    advisories: advisoriesFixed(options.repositories, packages),
    warnings: locks.warnings(),
    gone,
    inputHash: hash.digest('hex'),
  };
}

/** Downloads the packages that are not there yet, checked against the metadata; then all have the signatures that their repositories want. */
export async function fetchSolved(packages: readonly SolvedPackage[], proxy?: string): Promise<number> {
  const missing = packages.filter((p) => p.url !== undefined && !existsSync(p.path));
  const fetcher = new Fetcher(proxy === undefined ? {} : { proxy });
  try {
    for (const p of missing) {
      const { bytes } = await fetcher.bytes(p.url!, { maxSize: p.size + 1 });
      const [type, value] = p.checksum.split(':') as [string, string];
      if (
        createHash(type === 'sha' ? 'sha1' : type)
          .update(bytes)
          .digest('hex') !== value
      )
        throw new CoppiceError('Corrupt', `${p.url}: checksum of downloaded package does not match`);
      mkdirSync(dirname(p.path), { recursive: true });
      replaceFile(p.path, bytes);
    }
  } finally {
    await fetcher.close();
  }
  for (const p of packages) p.checkSignature?.(readPackage(p.path), formatNevra(p.nevra));
  return missing.length;
}

/** Solves and composes; with the previous input hash given and equal, nothing is done. */
export async function composeTree(options: ComposeTreeOptions): Promise<ComposeTreeResult> {
  const solved = solveTree(options);
  for (const text of solved.warnings) options.progress?.({ type: 'message', text: `warning: ${text}` });
  if (options.previousInputHash === solved.inputHash) return { unchanged: true, inputHash: solved.inputHash };
  await fetchSolved(solved.packages);
  const result = await composeCommit({
    ...options,
    packages: solved.packages.map((p) => p.path),
    repos: solved.repos,
    advisories: solved.advisories,
    inputHash: solved.inputHash,
  });
  return { ...result, inputHash: solved.inputHash };
}
