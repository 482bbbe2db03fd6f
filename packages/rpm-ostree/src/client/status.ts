// Everything `status` shows, read from a sysroot.
import { Variant, type VariantDict } from '@coppice/gvariant';
import type { Deployment } from '@coppice/sysroot';
import { isLayered, nevraOfVariant, repoStamps, versionOf } from '../commit-facts.ts';
import { formatRefspec } from '../refspec.ts';
import type { DeploymentStatus, Replacement, SystemStatus } from '../status/model.ts';
import { loadUpdate } from './cached-update.ts';
import type { Client } from './client.ts';
import { readDaemonConfig } from './daemon-config.ts';
import { liveStateOf } from './live-state.ts';
import { diffCommits } from './packages-of.ts';
import { remoteFacts } from './remote-facts.ts';

function plain(value: unknown): unknown {
  if (value instanceof Variant) return plain(value.value);
  if (value instanceof Uint8Array) return value;
  if (value instanceof Map) return new Map([...value].map(([k, v]) => [k, plain(v)]));
  if (Array.isArray(value)) return value.map(plain);
  return value;
}

function metadataRecord(metadata: VariantDict): Record<string, unknown> {
  return Object.fromEntries([...metadata].map(([key, v]) => [key, v.type.startsWith('a{') ? dictionary(v) : plain(v)]));
}

function dictionary(v: Variant): unknown {
  return Object.fromEntries(
    (v.value as unknown as readonly (readonly [string, unknown])[]).map(([k, x]) => [k, plain(x)]),
  );
}

function replacements(metadata: VariantDict): Replacement[] {
  // a(vv): new, old.
  const rows = (metadata.lookup('rpmostree.replaced-base-packages', 'a(vv)') ?? []) as unknown as readonly (readonly [
    Variant,
    Variant,
  ])[];
  return rows.map(([to, from]) => ({ from: nevraOfVariant(from.value), to: nevraOfVariant(to.value) }));
}

function remoteReplacements(metadata: VariantDict): { source: string; packages: Replacement[] }[] {
  const rows = (metadata.lookup('rpmostree.replaced-base-remote-packages', 'a{sv}') ??
    []) as unknown as readonly (readonly [string, Variant])[];
  return rows.map(([source, list]) => ({
    source,
    packages: (list.value as unknown as readonly (readonly [Variant, Variant])[]).map(([to, from]) => ({
      from: nevraOfVariant(from.value),
      to: nevraOfVariant(to.value),
    })),
  }));
}

/** One deployment's part of the status. */
export function statusOfDeployment(client: Client, d: Deployment): DeploymentStatus {
  const { repo, sysroot } = client;
  const commit = repo.loadCommit(d.checksum);
  const layered = isLayered(commit.metadata) && commit.parent !== undefined;
  const baseChecksum = layered ? commit.parent! : d.checksum;
  const baseCommit = layered && repo.hasObject('commit', baseChecksum) ? repo.loadCommit(baseChecksum) : commit;
  const origin = client.origin(d);
  const { refspec } = origin;
  const remote = refspec?.kind === 'ostree' ? refspec.remote : undefined;
  const tip = refspec?.kind === 'ostree' ? repo.tryResolveRev(formatRefspec(refspec)) : undefined;
  const pending =
    tip !== undefined && tip !== baseChecksum && repo.hasObject('commit', tip) ? repo.loadCommit(tip) : undefined;
  const version = versionOf(commit);
  const baseVersion = versionOf(baseCommit);
  const first = sysroot.deployments[0] === d;
  const { booted } = sysroot;
  const isPending = first && booted !== undefined && d !== booted && d.osname === booted.osname;
  const metadata = commit.metadata;
  const live = liveStateOf(client, d);
  return {
    osname: d.osname,
    checksum: d.checksum,
    serial: d.deploySerial,
    booted: d === booted,
    staged: d.staged,
    finalizationLocked: d.finalizationLocked,
    pinned: d.pinned,
    unlocked: d.unlocked,
    ...(version === undefined ? {} : { version }),
    timestamp: Number(commit.timestamp),
    ...(refspec === undefined ? {} : { origin: formatRefspec(refspec), originKind: refspec.kind }),
    ...(refspec?.kind === 'container'
      ? { imageDigest: baseCommit.metadata.lookupString('ostree.manifest-digest') ?? '' }
      : {}),
    ...(origin.customOrigin === undefined ? {} : { customOrigin: origin.customOrigin }),
    baseMetadata: metadataRecord(baseCommit.metadata),
    baseRepos: repoStamps(baseCommit.metadata),
    ...(layered
      ? {
          base: {
            checksum: baseChecksum,
            ...(baseVersion === undefined ? {} : { version: baseVersion }),
            timestamp: Number(baseCommit.timestamp),
            layeredMetadata: metadataRecord(metadata),
            layeredRepos: repoStamps(metadata),
          },
        }
      : {}),
    ...(pending === undefined
      ? {}
      : {
          pendingBase: {
            checksum: tip!,
            ...(versionOf(pending) === undefined ? {} : { version: versionOf(pending)! }),
            timestamp: Number(pending.timestamp),
          },
        }),
    ...remoteFacts(client, remote, baseChecksum),
    packages: layered ? [...(metadata.lookupStrings('rpmostree.packages') ?? [])].sort() : [],
    requestedPackages: [...origin.packages].sort(),
    requestedLocalPackages: origin.localPackages.map((p) => p.nevra).sort(),
    requestedLocalFileOverrides: origin.localFileOverrides.map((p) => p.nevra).sort(),
    baseRemovals: (
      (metadata.lookup('rpmostree.removed-base-packages', 'av') ?? []) as unknown as readonly Variant[]
    ).map((v) => nevraOfVariant(v.value)),
    requestedBaseRemovals: [...origin.removals].sort(),
    localReplacements: replacements(metadata),
    requestedLocalReplacements: origin.localReplacements.map((p) => p.nevra).sort(),
    remoteReplacements: remoteReplacements(metadata),
    requestedRemoteReplacements: origin.remoteReplacements,
    regenerateInitramfs: origin.regenerateInitramfs,
    initramfsArgs: origin.initramfsArgs,
    initramfsEtc: [...origin.initramfsEtc].sort(),
    cliwrap: origin.cliwrap,
    ...(baseCommit.metadata.lookupString('ostree.endoflife') === undefined
      ? {}
      : { endOfLife: baseCommit.metadata.lookupString('ostree.endoflife')! }),
    ...(baseCommit.metadata.lookupString('ostree.source-title') === undefined
      ? {}
      : { sourceTitle: baseCommit.metadata.lookupString('ostree.source-title')! }),
    ...(live === undefined ? {} : { live }),
    ...(isPending ? { pendingDiff: diffCommits(repo, booted.checksum, d.checksum) } : {}),
  };
}

/** The whole status. `transaction` is what runs now, if anything. */
export function systemStatus(client: Client, transaction?: SystemStatus['transaction']): SystemStatus {
  const config = readDaemonConfig(client);
  const update = loadUpdate(client);
  return {
    deployments: client.sysroot.deployments.map((d) => statusOfDeployment(client, d)),
    ...(transaction === undefined ? {} : { transaction }),
    automaticUpdates: config.automaticUpdatePolicy,
    ...(config.driver === undefined ? {} : { driver: config.driver }),
    ...(update === undefined ? {} : { cachedUpdate: update }),
  };
}
