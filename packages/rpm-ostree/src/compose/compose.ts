// A base commit from packages: merged, scripts run, postprocessed, committed. Where the packages come from is another file.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { CoppiceError, type Progress, silentProgress } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { Variant, VariantDict } from '@coppice/gvariant';
import { hostFs, removeTree } from '@coppice/linux';
import type { Repo, Transaction } from '@coppice/ostree';
import { type RpmPackage, readPackage } from '@coppice/rpm';
import { advisoriesKey, advisoryVariant } from '../advisory-list.ts';
import { realProgram, wrapPrograms } from '../assemble/cliwrap.ts';
import { regenerateInitramfs } from '../assemble/initramfs.ts';
import { copyKernel, type TreeKernel } from '../assemble/kernel.ts';
import { layerPackages } from '../assemble/layer.ts';
import { relabelTree } from '../assemble/relabel.ts';
import { repoStampsVariant } from '../commit-facts.ts';
import { findImportedPackage, type ImportedPackage, importPackage, nevraOfHeader } from '../import/package-commit.ts';
import type { Nevra } from '../nevra.ts';
import { packageListKey, packageListVariant } from '../pkglist.ts';
import type { Advisory, RepoStamp } from '../status/model.ts';
import { checkoutTree } from '../tree/checkout-tree.ts';
import { ImageTree } from '../tree/image-tree.ts';
import type { Treefile } from '../treefile/treefile.ts';
import { copyTree } from './copy-tree.ts';
import { runFinalize } from './finalize.ts';
import { layoutRoot } from './layout.ts';
import { placeDatabase, postprocessTree } from './postprocess.ts';
import { recompilePolicy } from './recompile-policy.ts';
import { addFiles, mergeLayers, runPostprocess } from './tree-steps.ts';
import { checkUsers, keepUsers } from './users.ts';

export interface ComposeOptions {
  /** Where the commit goes. */
  readonly repo: Repo;
  /** Where imported packages are kept; default `repo` (then their refs are removed again). */
  readonly packageRepo?: Repo;
  /** Where the treefile's layers are; default `repo`. */
  readonly layerRepo?: Repo;
  /** The packages of the tree: paths or bytes of RPM files. */
  readonly packages: readonly (string | Uint8Array)[];
  readonly treefile: Treefile;
  /** The flattened treefile, stored in the tree. */
  readonly treefileJson?: string;
  /** Seconds since the epoch; commit time, and installation time in the package database. */
  readonly timestamp: number;
  readonly version?: string;
  /** Previous commit. */
  readonly parent?: string;
  /** The commit whose users are kept and checked, if it is not to be the parent. */
  readonly previous?: string;
  readonly subject?: string;
  /** Ref to set; default the treefile's. Null sets none. */
  readonly ref?: string | null;
  readonly repos?: readonly RepoStamp[];
  /** What the packages fix, for the metadata. */
  readonly advisories?: readonly Advisory[];
  readonly metadata?: ReadonlyMap<string, Variant>;
  readonly inputHash?: string;
  /** A directory of our own for checkouts and overlays. It is removed. */
  readonly scratch: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly fs?: FileSystem;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface ComposeResult {
  readonly commit: string;
  readonly ref: string | undefined;
  readonly packages: readonly Nevra[];
  /** Kernel version, when the tree has a kernel. */
  readonly kernel: string | undefined;
  /** Counts under the names that compose JSON has for them. */
  readonly stats: Readonly<Record<string, number>>;
}

/** What the commit says beside the tree. */
/** Where packages came from and what they fix, as far as the treefile wants it in this place. */
function sourceMetadata(
  { treefile, repos, advisories }: Pick<ComposeOptions, 'treefile' | 'repos' | 'advisories'>,
  place: 'inline' | 'detached',
): VariantDict {
  const out = new VariantDict();
  if (treefile.repoMetadata === place && repos !== undefined)
    out.set('rpmostree.rpmmd-repos', repoStampsVariant(repos, true));
  if (treefile.advisoriesMetadata === place && advisories !== undefined && advisories.length > 0)
    out.set(advisoriesKey, advisoryVariant(advisories, true));
  return out;
}

export function commitMetadata(
  options: Pick<ComposeOptions, 'treefile' | 'version' | 'inputHash' | 'repos' | 'advisories' | 'metadata'>,
  packages: readonly Nevra[],
  kernel: string | undefined,
): VariantDict {
  const { treefile } = options;
  const out = new VariantDict();
  if (options.version !== undefined) out.set('version', Variant.string(options.version));
  if (options.inputHash !== undefined) out.set('rpmostree.inputhash', Variant.string(options.inputHash));
  if (treefile.initramfsArgs.length > 0) out.set('rpmostree.initramfs-args', Variant.strings(treefile.initramfsArgs));
  for (const [key, value] of sourceMetadata(options, 'inline')) out.set(key, value);
  out.set(packageListKey, packageListVariant(packages));
  if (treefile.containerCmd.length > 0) out.set('ostree.container-cmd', Variant.strings(treefile.containerCmd));
  for (const [key, value] of Object.entries(treefile.commitMetadata)) {
    if (typeof value === 'string') out.set(key, Variant.string(value));
    else if (typeof value === 'boolean') out.set(key, Variant.boolean(value));
    else if (typeof value === 'number') out.set(key, new Variant('x', BigInt(Math.trunc(value))));
    else if (Array.isArray(value)) out.set(key, Variant.strings(value.map(String)));
  }
  for (const [key, value] of options.metadata ?? []) out.set(key, value);
  if (kernel !== undefined) {
    out.set('ostree.linux', Variant.string(kernel));
    out.set('ostree.bootable', Variant.boolean(true));
  }
  return out.hashOrdered();
}

/** Imports what `packageRepo` (or `repo`) does not have yet, in a transaction of its own. */
export function importAll(
  options: Pick<ComposeOptions, 'repo' | 'packageRepo' | 'packages' | 'treefile'>,
): ImportedPackage[] {
  const repo = options.packageRepo ?? options.repo;
  const { treefile } = options;
  const out: ImportedPackage[] = [];
  const fresh: { rpm: RpmPackage; checksum: string; at: number }[] = [];
  for (const source of options.packages) {
    const rpm = readPackage(source);
    const checksum = `sha256:${createHash('sha256').update(rpm.headerBytes).digest('hex')}`;
    const known = findImportedPackage(repo, nevraOfHeader(rpm.header), {
      repodataChecksum: checksum,
      ...importChoice(treefile),
    });
    if (known !== undefined) out.push(known);
    else fresh.push({ rpm, checksum, at: out.push(undefined as unknown as ImportedPackage) - 1 });
  }
  if (fresh.length === 0) return out;
  repo.transaction((txn) => {
    for (const { rpm, checksum, at } of fresh)
      out[at] = importPackage(txn, rpm, {
        repodataChecksum: checksum,
        ...importChoice(treefile),
        skipExtraneous: true,
      });
  });
  return out;
}

/** `remove-from-packages`. */
function exclusion(treefile: Treefile): ((pkg: Nevra) => ((path: string) => boolean) | undefined) | undefined {
  if (treefile.removeFromPackages.length === 0) return undefined;
  const escaped = (name: string): string => name.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  const rules = treefile.removeFromPackages.map((r) => ({
    name: new RegExp(`^${escaped(r.package)}$`),
    patterns: r.patterns.map((p) => new RegExp(p)),
  }));
  return (pkg) => {
    const patterns = rules.filter((r) => r.name.test(pkg.name)).flatMap((r) => r.patterns);
    if (patterns.length === 0) return undefined;
    return (path) => {
      const absolute = `/${path.replace(/^usr\/etc(\/|$)/, 'etc$1')}`;
      return patterns.some((p) => p.test(absolute));
    };
  };
}

/** How a treefile has packages imported. */
function importChoice({ documentation, readonlyExecutables, ima }: Treefile) {
  return { nodocs: !documentation, readonlyExecutables, ima };
}

function previousCommit({
  repo,
  parent,
  previous = parent,
}: Pick<ComposeOptions, 'repo' | 'parent' | 'previous'>): { readonly repo: Repo; readonly commit: string } | undefined {
  return previous === undefined || !repo.hasObject('commit', previous) ? undefined : { repo, commit: previous };
}

/** Refuses what cannot be done, before anything is. Throws `Unsupported`, `Invalid`. */
export function checkBuildable(treefile: Treefile, env: Readonly<Record<string, string | undefined>>): void {
  if (treefile.rpmdbNormalize && env['SOURCE_DATE_EPOCH'] === undefined)
    throw new CoppiceError('Invalid', 'rpmdb-normalize: SOURCE_DATE_EPOCH must be set');
  if (treefile.rpmdb !== 'host') return;
  const asked = spawnSync('rpm', ['--eval', '%{?_db_backend}'], { encoding: 'utf8', env: { ...env } });
  const backend = asked.status === 0 ? asked.stdout.trim() : '';
  if (backend !== '' && backend !== 'sqlite')
    throw new CoppiceError('Unsupported', `rpmdb: host: cannot write a database in this machine's format, ${backend}`);
}

/** Packages into an empty tree, with their scripts. */
export async function mergePackages(
  txn: Transaction,
  tree: ImageTree,
  options: ComposeOptions,
  imported: readonly ImportedPackage[],
): Promise<readonly Nevra[]> {
  checkBuildable(options.treefile, options.env ?? process.env);
  const exclude = exclusion(options.treefile);
  const previous = previousCommit(options);
  if (options.treefile.preservePasswd)
    keepUsers(
      txn,
      tree,
      options.treefile,
      previous === undefined ? undefined : ImageTree.fromCommit(previous.repo, previous.commit),
    );
  if (options.packageRepo !== undefined && options.packageRepo !== tree.repo)
    for (const pkg of imported) copyTree(options.packageRepo, txn, pkg.commit);
  const packages = await layerPackages(txn, tree, {
    add: imported.map((pkg) => ({ pkg })),
    gone: [],
    keepKernelInPlace: true,
    kernelInstall: options.treefile.bootLocation === 'kernel-install',
    relabel: false,
    choice: { langs: options.treefile.installLangs, nodocs: !options.treefile.documentation },
    forceSysusers: options.treefile.sysusers === 'compose-forced',
    installTime: options.timestamp,
    sourceDateEpoch: options.timestamp,
    scratch: options.scratch,
    env: options.env ?? process.env,
    fs: options.fs ?? hostFs,
    progress: options.progress ?? silentProgress,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(exclude === undefined ? {} : { exclude }),
  });
  mergeLayers(txn, tree, options.treefile, options.layerRepo);
  return packages;
}

/** Where kernels are beside usr/lib/modules, for each `boot-location`. */
const kernelPlaces: Readonly<Record<Treefile['bootLocation'], readonly string[]>> = {
  modules: [],
  'kernel-install': [],
  new: ['usr/lib/ostree-boot'],
  both: ['usr/lib/ostree-boot', 'boot'],
};

/** The treefile's edits, the layout of an image, the initramfs and the labels: all between packages and commit. */
export async function finishTree(
  txn: Transaction,
  tree: ImageTree,
  options: Pick<
    ComposeOptions,
    'treefile' | 'treefileJson' | 'version' | 'timestamp' | 'scratch' | 'env' | 'fs' | 'signal'
  >,
): Promise<TreeKernel | undefined> {
  const { treefile } = options;
  const env = options.env ?? process.env;
  checkBuildable(treefile, env);
  const kernel = postprocessTree(txn, tree, treefile, options.version);
  addFiles(txn, tree, treefile);
  layoutRoot(txn, tree, treefile);
  placeDatabase(txn, tree);
  const around = {
    env,
    fs: options.fs ?? hostFs,
    scratch: options.scratch,
    sourceDateEpoch: options.timestamp,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
  if (treefile.selinux) await recompilePolicy(txn, tree, around);
  await runPostprocess(txn, tree, treefile, around);
  if (
    kernel !== undefined &&
    kernel.initramfs === undefined &&
    !treefile.noInitramfs &&
    tree.lookup(tree.resolve(realProgram(tree, 'usr/bin/dracut'), true)) !== undefined
  ) {
    const lower = `${options.scratch}/initramfs-tree`;
    mkdirSync(options.scratch, { recursive: true });
    checkoutTree(tree, lower);
    await regenerateInitramfs(txn, tree, {
      env,
      scratch: options.scratch,
      lower: [lower],
      args: treefile.initramfsArgs,
      sourceDateEpoch: options.timestamp,
    });
  }
  wrapPrograms(txn, tree, treefile.cliwrap);
  runFinalize(txn, tree, treefile.finalizeDirs, { env, fs: options.fs ?? hostFs, scratch: options.scratch });
  if (kernel !== undefined) copyKernel(tree, kernelPlaces[treefile.bootLocation]);
  if (options.treefileJson !== undefined)
    tree.writeFile(txn, 'usr/share/rpm-ostree/treefile.json', options.treefileJson);
  if (treefile.selinux) relabelTree(txn, tree, undefined, treefile.selinuxLabelVersion);
  return kernel;
}

/** Composes a tree and commits it. Signing is the caller's. Throws what importing, scripts and layout throw. */
export async function composeCommit(options: ComposeOptions): Promise<ComposeResult> {
  const { repo, treefile } = options;
  const progress = options.progress ?? silentProgress;
  checkBuildable(treefile, options.env ?? process.env);
  if (treefile.mutateOsRelease !== undefined && options.version === undefined)
    throw new CoppiceError('Invalid', 'mutate-os-release specified, but no automatic-version-prefix or version');
  progress({ type: 'begin', step: 'Importing packages' });
  const imported = importAll(options);
  progress({ type: 'end', step: 'Importing packages', text: `done: ${imported.length}` });
  const ref = options.ref === null ? undefined : (options.ref ?? treefile.ref);
  const result = await repo.transactionAsync(async (txn) => {
    const tree = new ImageTree(repo);
    const packages = await mergePackages(txn, tree, options, imported);
    const kernel = await finishTree(txn, tree, options);
    checkUsers(tree, treefile, previousCommit(options), (text) => progress({ type: 'message', text }));
    removeTree(options.scratch, options.fs ?? hostFs);
    progress({ type: 'begin', step: 'Writing OSTree commit' });
    const written = tree.write(txn);
    const commit = txn.writeCommit({
      metadata: commitMetadata(options, packages, kernel?.version),
      parent: options.parent,
      subject: options.subject ?? '',
      body: '',
      timestamp: options.timestamp,
      ...written,
    });
    if (ref !== undefined) txn.setRef(ref, commit);
    if (options.packageRepo === undefined) for (const pkg of imported) txn.setRef(pkg.ref, null);
    progress({ type: 'end', step: 'Writing OSTree commit' });
    const { stats } = txn;
    return {
      commit,
      packages,
      kernel: kernel?.version,
      stats: {
        'ostree-n-metadata-total': stats.metadataTotal,
        'ostree-n-metadata-written': stats.metadataWritten,
        'ostree-n-content-total': stats.contentTotal,
        'ostree-n-content-written': stats.contentWritten,
        'ostree-n-cache-hits': stats.devinoCacheHits,
        'ostree-content-bytes-written': stats.contentBytesWritten,
      },
    };
  });
  const detached = sourceMetadata(options, 'detached');
  if (detached.size > 0) repo.writeDetachedMetadata(result.commit, detached);
  return { ...result, ref };
}
