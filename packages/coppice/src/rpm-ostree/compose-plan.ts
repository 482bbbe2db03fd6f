// From a treefile and the command line to the packages of a tree. What a dry run and the downloads are asked for ends here.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { replaceFile } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import {
  type ComposeTreeOptions,
  checkBuildable,
  fetchSolved,
  formatNevra,
  importAll,
  rpmOstreeLevel,
  type SolvedTree,
  solveTree,
  versionOf,
} from '@coppice/rpm-ostree';
import { type ComposeInput, composeArch, layerRepository, openRepositories, readLockfiles } from './compose-input.ts';
import { outputPath } from './compose-output.ts';
import { type TransactionText, transactionText } from './transaction-text.ts';
import type { VerbCall } from './verb.ts';

type ComposeSources = Pick<
  ComposeTreeOptions,
  | 'repositories'
  | 'arch'
  | 'treefile'
  | 'document'
  | 'treefileJson'
  | 'lockfile'
  | 'lockfileStrict'
  | 'layerRepo'
  | 'env'
>;

/** The treefile with the repositories, lockfiles and layers that go with it. */
export async function composeSources(call: VerbCall, input: ComposeInput, cacheDir: string): Promise<ComposeSources> {
  const lockfile = readLockfiles(call);
  const layerRepo = layerRepository(call);
  const { document } = input.loaded;
  return {
    repositories: await openRepositories(call, input, cacheDir),
    arch: composeArch,
    treefile: input.treefile,
    document,
    treefileJson: `${JSON.stringify(document, null, 2)}\n`,
    lockfileStrict: call.options.flag('ex-lockfile-strict'),
    env: call.context.env,
    ...(lockfile === undefined ? {} : { lockfile }),
    ...(layerRepo === undefined ? {} : { layerRepo }),
  };
}

/** The compose before this one, as the command line or the ref tell of it. */
export interface PreviousCompose {
  readonly commit: string | undefined;
  readonly inputHash: string | undefined;
  readonly version: string | undefined;
}

/** What came before; nothing without a repository but what the command line says. */
export function previousCompose(call: VerbCall, repo: Repo | undefined, ref: string | undefined): PreviousCompose {
  const { options } = call;
  const commit = options.string('previous-commit') ?? (ref === undefined ? undefined : repo?.tryResolveRev(ref));
  const known =
    commit !== undefined && repo?.hasObject('commit', commit) === true ? repo.loadCommit(commit) : undefined;
  return {
    commit,
    inputHash: options.string('previous-inputhash') ?? known?.metadata.lookupString('rpmostree.inputhash'),
    version: options.string('previous-version') ?? (known === undefined ? undefined : versionOf(known)),
  };
}

/** Says and tells whether there is nothing to do. */
export function isUnchanged(call: VerbCall, plan: ComposePlan, previous: PreviousCompose): boolean {
  if (call.options.flag('force-nocache') || previous.inputHash !== plan.solved.inputHash) return false;
  plan.text.line('No apparent changes since previous commit; use --force-nocache to override');
  return true;
}

function lockfileText(solved: SolvedTree): string {
  const time = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
  const packages = Object.fromEntries(
    [...solved.packages]
      .sort((a, b) => (a.nevra.name < b.nevra.name ? -1 : 1))
      .map((p) => [
        p.nevra.name,
        {
          evra: `${p.nevra.epoch === 0 ? '' : `${p.nevra.epoch}:`}${p.nevra.version}-${p.nevra.release}.${p.nevra.arch}`,
          digest: p.checksum,
        },
      ]),
  );
  const repos = Object.fromEntries(solved.repos.map((r) => [r.id, { generated: time(r.timestamp) }]));
  const newest = solved.repos.reduce((n, r) => Math.max(n, r.timestamp), 0);
  return `${JSON.stringify({ packages, metadata: { generated: time(newest), rpmmd_repos: repos } }, null, 2)}\n`;
}

/** Where imported packages are kept from compose to compose. */
export function packageRepository({ context }: VerbCall, repo: Repo | undefined, cacheDir: string): Repo {
  const own = process.getuid?.() === 0 ? 'bare' : 'bare-user';
  const mode = repo === undefined ? own : repo.mode === 'archive' ? 'bare-user' : repo.mode;
  return Repo.create(join(cacheDir, 'pkgcache-repo'), { mode, env: context.env });
}

export interface ComposePlan {
  readonly sources: ComposeSources;
  readonly solved: SolvedTree;
  readonly text: TransactionText;
}

/** What can be said without having looked at any repository. Throws `Usage`. */
export function checkDownloads({ options }: VerbCall): void {
  if ((options.flag('download-only') || options.flag('download-only-rpms')) && !options.has('cachedir'))
    throw new CoppiceError('Usage', '--download-only can only be used with --cachedir');
}

/** Solves and says what was found; undefined when that, or fetching it, is all that was asked for. */
export async function planCompose(
  call: VerbCall,
  input: ComposeInput,
  cacheDir: string,
  repo: Repo | undefined,
): Promise<ComposePlan | undefined> {
  const { options, context } = call;
  const { treefile } = input;
  const lockTo = outputPath(call, 'ex-write-lockfile-to');
  checkBuildable(treefile, context.env);
  mkdirSync(cacheDir, { recursive: true });
  const text = transactionText(context, rpmOstreeLevel(context.env), options.flag('quiet'));
  const sources = await composeSources(call, input, cacheDir);
  const solved = solveTree({ ...sources, ...(repo === undefined ? {} : { repo }) });
  for (const warning of solved.warnings) context.stderr.write(`warning: ${warning}\n`);
  if (lockTo !== undefined) replaceFile(lockTo, Buffer.from(lockfileText(solved)));
  text.line(`Input state hash: ${solved.inputHash}`);
  const download = options.flag('download-only') || options.flag('download-only-rpms');
  if (!download && !options.flag('dry-run')) return { sources, solved, text };
  for (const p of solved.packages) text.line(`  ${formatNevra(p.nevra)} (${p.repo})`);
  if (options.flag('dry-run')) return undefined;
  await fetchSolved(solved.packages, options.string('proxy'));
  if (options.flag('download-only')) {
    const packageRepo = packageRepository(call, repo, cacheDir);
    importAll({ repo: packageRepo, packageRepo, packages: solved.packages.map((p) => p.path), treefile });
  }
  return undefined;
}
