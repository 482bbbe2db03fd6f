// `rpm-ostree status --json`: the values of the D-Bus properties, under the original's keys.
import { formatEvr, type Nevra } from '../nevra.ts';
import type { PackageDiff } from '../pkgdiff.ts';
import type { Json } from './json-glib.ts';
import {
  type Advisory,
  type CachedUpdate,
  type DeploymentStatus,
  deploymentId,
  type SignatureStatus,
  type SystemStatus,
} from './model.ts';

type JsonObject = { [key: string]: Json };

/** (nevra, name, epoch, version, release, arch). */
function nevraTuple(p: Nevra): Json {
  return [`${p.name}-${formatEvr(p)}.${p.arch}`, p.name, p.epoch, p.version, p.release, p.arch];
}

function signature(s: SignatureStatus): Json {
  return [
    s.valid,
    s.signatureExpired,
    s.keyExpired,
    s.keyRevoked,
    s.keyMissing,
    s.fingerprint,
    s.timestamp,
    s.expiration,
    s.pubkeyAlgorithm,
    s.hashAlgorithm,
    s.userName,
    s.userEmail,
    s.primaryFingerprint,
  ];
}

/** What a metadata value becomes in JSON; bytes become arrays of numbers as json-glib makes of `ay`. */
function metadataJson(value: unknown): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint')
    return value;
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(metadataJson);
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [String(k), metadataJson(v)]));
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, metadataJson(v)]));
  return String(value);
}

/** Large lists that the original leaves out of the metadata it shows. */
const hiddenMetadata = new Set(['rpmostree.rpmdb.pkglist', 'rpmostree.advisories', 'rpmostree.packages']);

function metadata(meta: Readonly<Record<string, unknown>>): Json {
  return Object.fromEntries(
    Object.entries(meta)
      .filter(([key]) => !hiddenMetadata.has(key))
      .map(([key, value]) => [key, metadataJson(value)]),
  );
}

export function deploymentJson(d: DeploymentStatus): JsonObject {
  const out: JsonObject = {
    id: deploymentId(d),
    osname: d.osname,
    serial: d.serial,
    checksum: d.checksum,
    timestamp: d.timestamp,
    unlocked: d.unlocked,
    booted: d.booted,
    staged: d.staged,
    pinned: d.pinned,
  };
  if (d.staged) out['finalization-locked'] = d.finalizationLocked;
  if (d.version !== undefined) out['version'] = d.version;
  if (d.originKind === 'container') {
    out['container-image-reference'] = d.origin ?? '';
    out['container-image-reference-digest'] = d.imageDigest ?? '';
  } else if (d.origin !== undefined) out['origin'] = d.origin;
  out['base-commit-meta'] = metadata(d.baseMetadata);
  if (d.base !== undefined) {
    out['base-checksum'] = d.base.checksum;
    if (d.base.version !== undefined) out['base-version'] = d.base.version;
    out['base-timestamp'] = d.base.timestamp;
    out['layered-commit-meta'] = metadata(d.base.layeredMetadata);
  }
  if (d.pendingBase !== undefined) {
    out['pending-base-checksum'] = d.pendingBase.checksum;
    if (d.pendingBase.version !== undefined) out['pending-base-version'] = d.pendingBase.version;
    out['pending-base-timestamp'] = d.pendingBase.timestamp;
  }
  if (d.originKind === 'ostree') out['gpg-enabled'] = d.gpgEnabled;
  if (d.signatures.length > 0) out['signatures'] = d.signatures.map(signature);
  if (d.remoteError !== undefined) out['remote-error'] = d.remoteError;
  if (d.customOrigin !== undefined) out['custom-origin'] = [d.customOrigin.url, d.customOrigin.description];
  out['packages'] = d.packages;
  out['base-removals'] = d.baseRemovals.map(nevraTuple);
  out['base-local-replacements'] = d.localReplacements.map((r) => [nevraTuple(r.to), nevraTuple(r.from)]);
  out['base-remote-replacements'] = Object.fromEntries(
    d.remoteReplacements.map((g) => [g.source, g.packages.map((r) => [nevraTuple(r.to), nevraTuple(r.from)])]),
  );
  out['requested-packages'] = d.requestedPackages;
  out['requested-local-packages'] = d.requestedLocalPackages;
  out['requested-local-fileoverride-packages'] = d.requestedLocalFileOverrides;
  out['requested-base-removals'] = d.requestedBaseRemovals;
  out['requested-base-local-replacements'] = d.requestedLocalReplacements;
  out['requested-base-remote-replacements'] = d.requestedRemoteReplacements.map((r) => [r.source, r.names]);
  out['regenerate-initramfs'] = d.regenerateInitramfs;
  out['initramfs-args'] = d.initramfsArgs;
  out['initramfs-etc'] = d.initramfsEtc;
  if (d.cliwrap) out['cliwrap'] = true;
  if (d.endOfLife !== undefined) out['endoflife'] = d.endOfLife;
  if (d.live?.inProgress !== undefined) out['live-inprogress'] = d.live.inProgress;
  if (d.live?.replaced !== undefined) out['live-replaced'] = d.live.replaced;
  return out;
}

/** Package change types of the original's API. */
const changeType = { added: 0, removed: 1, upgraded: 2, downgraded: 3 } as const;

export function packageDiffJson(diff: PackageDiff): Json {
  const pairs = (kind: 'upgraded' | 'downgraded'): Json =>
    diff[kind].map((c) => [
      changeType[kind],
      c.from.name,
      [formatEvr(c.from), c.from.arch],
      [formatEvr(c.to), c.to.arch],
    ]);
  const singles = (kind: 'removed' | 'added'): Json =>
    diff[kind].map((p) => [changeType[kind], p.name, formatEvr(p), p.arch]);
  return {
    upgraded: pairs('upgraded'),
    downgraded: pairs('downgraded'),
    removed: singles('removed'),
    added: singles('added'),
  };
}

const advisoryKinds = ['unknown', 'security', 'bugfix', 'enhancement', 'newpackage'] as const;
const advisorySeverities = ['none', 'low', 'moderate', 'important', 'critical'] as const;

/** As json-glib writes a(suuasa{sv}). */
export function advisoriesJson(advisories: readonly Advisory[]): Json {
  return advisories.map((a) => [
    a.id,
    advisoryKinds.indexOf(a.kind),
    advisorySeverities.indexOf(a.severity),
    a.packages,
    { cve_references: a.references.map((r) => [r.url, r.title]) },
  ]);
}

function cachedUpdateJson(update: CachedUpdate): Json {
  const out: JsonObject = {
    osname: update.osname,
    checksum: update.checksum,
    timestamp: update.timestamp,
    origin: update.origin,
    'gpg-enabled': update.gpgEnabled,
    'ref-has-new-commit': update.refHasNewCommit,
  };
  if (update.deploymentId !== undefined) out['deployment'] = update.deploymentId;
  if (update.version !== undefined) out['version'] = update.version;
  if (update.signatures.length > 0) out['signatures'] = update.signatures.map(signature);
  if (update.diff !== undefined) out['rpm-diff'] = packageDiffJson(update.diff);
  out['advisories'] = advisoriesJson(update.advisories);
  return out;
}

/** The document of `status --json`. */
export function statusJson(status: SystemStatus): Json {
  const txn = status.transaction;
  return {
    deployments: status.deployments.map(deploymentJson),
    transaction: txn === undefined ? null : [txn.method, txn.sender, txn.path],
    'cached-update': status.cachedUpdate === undefined ? null : cachedUpdateJson(status.cachedUpdate),
    'update-driver':
      status.driver === undefined ? null : { 'driver-name': status.driver.name, 'driver-sd-unit': status.driver.unit },
  };
}
