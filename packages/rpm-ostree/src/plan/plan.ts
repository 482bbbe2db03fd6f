// Looks ahead: resolves a change against its base, compares trees, and says what would happen. Nothing of the system is
// written; a new base and packages are looked at in a scratch repository whose parent is the system's.
import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { Fetcher } from '@coppice/http';
import { hostFs, removeTree } from '@coppice/linux';
import { findRemote, pull, Repo, useRemotesDir } from '@coppice/ostree';
import { readPackage, Tag } from '@coppice/rpm';
import { diffEtc } from '@coppice/sysroot';
import { imageFiles } from '../assemble/package-files.ts';
import { scriptOf } from '../assemble/script.ts';
import { advisoriesFor, cachedAdvisories } from '../client/advisories.ts';
import { resolveInputFor } from '../client/assemble.ts';
import { basePackages } from '../client/base-packages.ts';
import { type Candidate, candidateOfImported } from '../client/candidate.ts';
import type { Client } from '../client/client.ts';
import { kernelArgumentsOf } from '../client/deploy.ts';
import { checkImagePolicy } from '../client/image-policy.ts';
import { packagesOf } from '../client/packages-of.ts';
import { configDir, loadRepositories } from '../client/repo-metadata.ts';
import { resolvePackages } from '../client/resolve.ts';
import { baseOf, versionOf } from '../commit-facts.ts';
import { importImage } from '../container/import-image.ts';
import { openImage } from '../container/open-image.ts';
import { findImportedPackage, nevraOfHeader } from '../import/package-commit.ts';
import { formatNevra, type Nevra } from '../nevra.ts';
import { hasPackageChanges, type Origin } from '../origin.ts';
import { diffPackages, isEmptyDiff } from '../pkgdiff.ts';
import { type ContainerReference, formatContainerReference } from '../refspec.ts';
import type { TreeDirectory } from '../tree/directory.ts';
import { ImageTree } from '../tree/image-tree.ts';
import type { PathChange, Plan } from './model.ts';
import { findObstacles } from './obstacles.ts';

export interface PlanOptions {
  readonly title: string;
  /** The origin after the change. */
  readonly origin: Origin;
  /** Package files to layer on top of that, by path; they are read, not imported. */
  readonly packageFiles?: readonly string[];
  /** Look at the newest commit of the origin's refspec instead of the deployed base. */
  readonly newBase: boolean;
  /** Use only what is here: cached metadata and imported packages. */
  readonly offline?: boolean;
  /** Only find out whether layering resolves. */
  readonly checkOnly?: boolean;
}

/** A package that stays where it is: nothing of it is in the store, so `commit` and `ref` are empty. */
function candidateOfFile(client: Client, path: string): Candidate {
  const { header, signature, headerBytes } = readPackage(path, { fs: client.fs });
  return candidateOfImported({
    nevra: nevraOfHeader(header),
    commit: '',
    ref: '',
    header,
    signature,
    headerSha256: createHash('sha256').update(headerBytes).digest('hex'),
    repodataChecksum: undefined,
  });
}

const shown = (path: string): string => `/${path.replace(/^usr\/etc(?=\/|$)/, 'etc')}`;

/** Changed paths of two trees; directories that are the same object are not entered. */
function* changes(
  a: TreeDirectory | undefined,
  b: TreeDirectory | undefined,
  path: string,
): Generator<PathChange & { readonly checksum?: string }> {
  if (a?.stored !== undefined && a.stored.tree === b?.stored?.tree) return;
  const lead = path === '' ? '' : `${path}/`;
  for (const [name, checksum] of a?.files ?? []) {
    const other = b?.files.get(name);
    if (other === undefined) yield { path: lead + name, change: 'removed' };
    else if (other !== checksum) yield { path: lead + name, change: 'modified', checksum: other };
  }
  for (const [name, checksum] of b?.files ?? [])
    if (!a?.files.has(name)) yield { path: lead + name, change: 'added', checksum };
  for (const name of new Set([...(a?.dirs.keys() ?? []), ...(b?.dirs.keys() ?? [])]))
    yield* changes(a?.dirs.get(name), b?.dirs.get(name), lead + name);
}

/** A scratch repository that sees everything of the system's. */
function scratchRepo(client: Client, dir: string): Repo {
  const repo = Repo.create(join(dir, 'repo'), { mode: 'archive' });
  repo.config.setString('core', 'parent', client.repo.path);
  repo.writeConfig();
  const opened = Repo.open(join(dir, 'repo'), { env: client.env });
  useRemotesDir(opened, `${client.sysroot.path}/etc/ostree/remotes.d`);
  return opened;
}

/** The image's commit, in the scratch repository; only layers that the system lacks are fetched. */
async function newestImage(client: Client, scratch: Repo, image: ContainerReference, dir: string): Promise<string> {
  const { store, reference } = openImage(image, join(dir, 'image'));
  const digest = await checkImagePolicy(client, image, store, reference);
  const { commit } = await importImage({
    repo: scratch,
    parent: client.repo,
    source: store,
    reference: digest,
    imageReference: formatContainerReference(image),
    acceptDerived: image.signature.kind !== 'remote',
    scratch: join(dir, 'layers'),
  });
  return commit;
}

async function newestBase(client: Client, scratch: Repo, origin: Origin, dir: string): Promise<string> {
  const { refspec } = origin;
  if (refspec === undefined) throw new CoppiceError('Invalid', 'the deployment has no origin to follow');
  if (refspec.kind !== 'ostree') {
    if (refspec.kind === 'checksum') return refspec.checksum;
    return await newestImage(client, scratch, refspec.image, dir);
  }
  if (refspec.remote === undefined) return scratch.resolveRev(refspec.ref);
  if (findRemote(scratch, refspec.remote) === undefined)
    throw new CoppiceError('NotFound', `Remote "${refspec.remote}" not found`);
  const result = await pull(scratch, { remote: refspec.remote, refs: [refspec.ref] });
  return result.commits[0]!;
}

interface PackageFacts {
  readonly files: readonly string[];
  readonly scripts: readonly string[];
  readonly installedSize: number;
}

/** Headers of chosen packages: imported ones are here, others are fetched into `dir`. */
async function packageFacts(
  client: Client,
  chosen: readonly Candidate[],
  dir: string,
  offline: boolean,
): Promise<PackageFacts> {
  const files: string[] = [];
  const scripts: string[] = [];
  let installedSize = 0;
  const fetcher = new Fetcher({ clock: client.clock });
  try {
    for (const [i, c] of chosen.entries()) {
      let header =
        c.source.kind === 'imported'
          ? c.source.imported.header
          : findImportedPackage(client.repo, c.nevra, { repodataChecksum: c.source.remote.checksum })?.header;
      if (header === undefined && c.source.kind === 'remote' && !offline) {
        const { bytes } = await fetcher.bytes(c.source.remote.url, { maxSize: c.source.remote.size + 1 });
        const path = join(dir, `${i}.rpm`);
        writeFileSync(path, bytes);
        header = readPackage(path).header;
      }
      if (header === undefined) {
        files.push(...(c.spec.files ?? []));
        continue;
      }
      for (const f of imageFiles(header)) if ((f.file.mode & 0o170000) !== 0o040000) files.push(f.path);
      installedSize += header.getNumber(Tag.LongSize) ?? header.getNumber(Tag.Size) ?? 0;
      for (const kind of ['prein', 'postin', 'posttrans'] as const) {
        const script = scriptOf(header, kind);
        if (script !== undefined)
          scripts.push(`${c.nevra.name}.%${{ prein: 'pre', postin: 'post', posttrans: 'posttrans' }[kind]}`);
      }
    }
  } finally {
    await fetcher.close();
  }
  return { files, scripts, installedSize };
}

const isUnit = (path: string): boolean => /^usr\/(lib|etc)\/systemd\/(system|user)\/[^/]+\.[a-z]+$/.test(path);

/** Makes the plan. Throws what reaching the remote and the repositories throws; an unresolvable layer is a result, not an error. */
export async function planChange(client: Client, options: PlanOptions): Promise<Plan> {
  const dir = mkdtempSync(join(tmpdir(), 'coppice-plan-'));
  try {
    const current = client.originMerge;
    const from = baseOf(client.repo, current.checksum);
    const scratch = scratchRepo(client, dir);
    const to =
      options.newBase && options.offline !== true ? await newestBase(client, scratch, options.origin, dir) : from;
    const commit = scratch.loadCommit(to);
    const basePkgs = basePackages({ repo: scratch, scratch: join(dir, 'db') }, to);
    const files = (options.packageFiles ?? []).map((path) => candidateOfFile(client, path));
    const layered = hasPackageChanges(options.origin) || files.length > 0;
    const repositories =
      layered && options.offline !== true
        ? await client.muted(() => loadRepositories(client, to, { repo: scratch, cacheRoot: join(dir, 'repomd') }))
        : [];
    const known = resolveInputFor(client, options.origin, basePkgs, repositories, options.offline === true);
    const input = { ...known, local: [...known.local, ...files] };
    const obstacles = layered ? findObstacles(input, client.origin(current).packages) : [];
    const resolution = layered && obstacles.length === 0 ? resolvePackages({ ...input, message: () => {} }) : undefined;
    const gone = new Set(
      [
        ...(resolution?.removed ?? []),
        ...(resolution?.replaced ?? []).map((r) => r.from),
        ...(resolution?.remoteReplaced ?? []).flatMap((g) => g.packages.map((r) => r.from)),
      ].map(formatNevra),
    );
    const planned: Nevra[] = [
      ...basePkgs.nevras.filter((p) => !gone.has(formatNevra(p))),
      ...(resolution?.add.map((a) => a.candidate.nevra) ?? []),
    ];
    const packages =
      obstacles.length > 0 ? diffPackages([], []) : diffPackages(packagesOf(client.repo, current.checksum), planned);
    const chosen = resolution?.add.map((a) => a.candidate) ?? [];
    const facts =
      options.checkOnly === true
        ? { files: [], scripts: [], installedSize: 0 }
        : await packageFacts(client, chosen, dir, options.offline === true);
    const before = ImageTree.fromCommit(scratch, current.checksum);
    const after = ImageTree.fromCommit(scratch, to);
    const fileChanges: PathChange[] = [];
    let objects = 0;
    // The layers of the deployed tree that stay are not changes of the base: compare bases, then add what layers bring.
    const baseBefore = ImageTree.fromCommit(scratch, from);
    for (const c of changes(baseBefore.root, after.root, '')) {
      fileChanges.push({ path: c.path, change: c.change });
      if (c.checksum !== undefined && !client.repo.hasObject('file', c.checksum))
        objects += scratch.loadFile(c.checksum).size;
    }
    for (const path of facts.files) {
      const now = before.lookup(before.resolve(path.replace(/^\//, '')));
      if (now === undefined) fileChanges.push({ path: path.replace(/^\//, ''), change: 'added' });
    }
    const etc = configDir(client);
    const tree = client.sysroot.deploymentPath(client.booted ?? current);
    const local = diffEtc(hostFs, `${tree}/usr/etc`, etc);
    const localPaths = new Set(
      [...local.modified, ...local.removed, ...local.added].map((p) => `usr/etc/${p.replace(/^\//, '')}`),
    );
    const downloads = chosen.flatMap((c) =>
      c.source.kind === 'remote' &&
      findImportedPackage(client.repo, c.nevra, { repodataChecksum: c.source.remote.checksum }) === undefined
        ? [{ nevra: c.nevra, repo: c.source.remote.repo, size: c.source.remote.size }]
        : [],
    );
    const fresh = new Set([...packages.upgraded.map((c) => formatNevra(c.to)), ...packages.added.map(formatNevra)]);
    const advisories = repositories.flatMap((r) =>
      advisoriesFor(cachedAdvisories(client, r.repository.id, r.root), fresh),
    );
    const usage = client.fs.usage(client.repo.path);
    const version = versionOf(commit);
    const fromVersion = client.repo.hasObject('commit', from) ? versionOf(client.repo.loadCommit(from)) : undefined;
    const kernelOf = (t: typeof commit): string | undefined => t.metadata.lookupString('ostree.linux');
    const fromKernel = kernelOf(client.repo.loadCommit(current.checksum));
    const toKernel = kernelOf(commit);
    const changed = !isEmptyDiff(packages) || from !== to;
    const live =
      changed && from === to && packages.removed.length + packages.upgraded.length + packages.downgraded.length === 0;
    const count = (kind: PathChange['change']): number => fileChanges.filter((c) => c.change === kind).length;
    return {
      title: options.title,
      base: {
        from,
        to,
        ...(fromVersion === undefined ? {} : { fromVersion }),
        ...(version === undefined ? {} : { toVersion: version }),
      },
      packages,
      downloads,
      files: { added: count('added'), removed: count('removed'), modified: count('modified') },
      paths: fileChanges.map((c) => ({ ...c, path: shown(c.path) })),
      etcConflicts: fileChanges.filter((c) => localPaths.has(c.path)).map((c) => shown(c.path)),
      units: fileChanges.filter((c) => isUnit(c.path)).map((c) => ({ ...c, path: shown(c.path) })),
      scripts: facts.scripts,
      kernel: {
        ...(fromKernel === undefined ? {} : { from: fromKernel }),
        ...(toKernel === undefined ? {} : { to: toKernel }),
      },
      kernelArguments: kernelArgumentsOf(current) ?? [],
      disk: {
        download: downloads.reduce((n, d) => n + d.size, 0),
        objects: objects + facts.installedSize,
        free: usage.available,
      },
      advisories,
      reboot: !changed ? 'none' : live ? 'live' : 'needed',
      obstacles,
    };
  } finally {
    removeTree(dir);
  }
}
