// What follows every change and `cleanup -b`: refs that keep what is needed, and nothing else, then the repository is pruned.
import { rmSync } from 'node:fs';
import { removeTree } from '@coppice/linux';
import { formatSize, pruneAsync } from '@coppice/ostree';
import { cleanupSysrootBeside, type Deployment, writeDeployments } from '@coppice/sysroot';
import { baseOf, isLayered } from '../commit-facts.ts';
import { staleContainerRefs } from '../container/import-image.ts';
import { packageRef, packageRefPrefix } from '../pkgref.ts';
import type { Client } from './client.ts';
import { syncLiveRefs } from './live-state.ts';
import { packagesOf } from './packages-of.ts';

const baseRefPrefix = 'rpmostree/base';

/** Where trees are put together, below the repository. */
export function assemblyDir(client: Client): string {
  return `${client.repo.path}/extensions/rpmostree/private`;
}

/** Base commits of layered deployments, each once, in boot order. */
export function deployedBases(client: Client): string[] {
  const out: string[] = [];
  for (const d of client.sysroot.deployments) {
    const commit = client.repo.loadCommit(d.checksum);
    if (isLayered(commit.metadata) && commit.parent !== undefined && !out.includes(commit.parent))
      out.push(commit.parent);
  }
  return out;
}

function renewBaseRefs(client: Client): void {
  const { repo } = client;
  const bases = deployedBases(client).filter((c) => repo.hasObject('commit', c));
  const wanted = new Map(bases.map((c, i) => [`${baseRefPrefix}/${i}`, c]));
  const there = repo.listRefs(baseRefPrefix);
  for (const ref of there.keys()) if (!wanted.has(ref)) repo.setRef(ref, null);
  for (const [ref, checksum] of wanted) if (there.get(ref) !== checksum) repo.setRef(ref, checksum);
}

/** Package refs that no layered deployment has and no origin replaces with. */
function stalePackageRefs(client: Client): string[] {
  const keep = new Set<string>();
  for (const d of client.sysroot.deployments) {
    const commit = client.repo.loadCommit(d.checksum);
    if (isLayered(commit.metadata)) for (const p of packagesOf(client.repo, d.checksum)) keep.add(packageRef(p));
  }
  return [...client.repo.listRefs(packageRefPrefix.slice(0, -1)).keys()].filter((ref) => !keep.has(ref));
}

export interface CleanupReport {
  readonly freedBytes: number;
  readonly packageBranches: number;
}

/** Regenerates refs and prunes. Prints `Freed:` when `report` says so and there was something. */
export async function cleanupBase(client: Client, report: boolean): Promise<CleanupReport> {
  const { repo, sysroot } = client;
  removeTree(assemblyDir(client), client.fs);
  renewBaseRefs(client);
  const packages = stalePackageRefs(client);
  const images = staleContainerRefs(
    repo,
    new Set(sysroot.deployments.flatMap((d) => [d.checksum, baseOf(repo, d.checksum)])),
  );
  for (const ref of [...packages, ...images]) repo.setRef(ref, null);
  syncLiveRefs(client);
  let freedBytes = 0;
  await cleanupSysrootBeside(sysroot, client.helper, async () => {
    // Deployed commits are kept by libostree's own refs, which are renewed by now.
    freedBytes = (await pruneAsync(repo, { refsOnly: true, depth: 0 })).freed;
  });
  if (report && freedBytes > 0)
    client.message(`Freed: ${formatSize(freedBytes)} (pkgcache branches: ${packages.length})`);
  return { freedBytes, packageBranches: packages.length };
}

/** Drops the pending and/or rollback deployments of this stateroot; booted and pinned ones stay. True when any went. */
export function dropDeployments(
  client: Client,
  which: { readonly pending: boolean; readonly rollback: boolean },
): boolean {
  const { sysroot } = client;
  const booted = sysroot.booted;
  let before = booted !== undefined;
  const keep = sysroot.deployments.filter((d: Deployment) => {
    if (d === booted) {
      before = false;
      return true;
    }
    if (d.osname !== client.osname || d.pinned) return true;
    // Without a booted deployment the first is what boots next and stays.
    if (booted === undefined) return d === client.deployments[0] || !which.rollback;
    return before ? !which.pending : !which.rollback;
  });
  if (keep.length === sysroot.deployments.length) return false;
  writeDeployments(sysroot, keep, { cleanup: false });
  return true;
}

/** Empties the cache of repository metadata. */
export function cleanupRepoMetadata(cacheDir: string): void {
  rmSync(cacheDir, { recursive: true, force: true });
}
