import type { Nevra } from '../nevra.ts';
import type { PackageDiff } from '../pkgdiff.ts';

/** One OpenPGP signature on a commit, as verified against the remote's keyring. Times are seconds since the epoch. */
export interface SignatureStatus {
  readonly valid: boolean;
  readonly keyMissing: boolean;
  readonly signatureExpired: boolean;
  readonly keyExpired: boolean;
  readonly keyRevoked: boolean;
  readonly fingerprint: string;
  readonly timestamp: number;
  readonly expiration: number;
  readonly pubkeyAlgorithm: string;
  readonly hashAlgorithm: string;
  readonly userName: string;
  readonly userEmail: string;
  readonly primaryFingerprint: string;
}

export interface RepoStamp {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
}

/** A base package replaced by another build of it. */
export interface Replacement {
  readonly from: Nevra;
  readonly to: Nevra;
}

/** Everything `status` says about one deployment; also the shape of `status --json` before key naming. */
export interface DeploymentStatus {
  readonly osname: string;
  readonly checksum: string;
  readonly serial: number;
  readonly booted: boolean;
  readonly staged: boolean;
  readonly finalizationLocked: boolean;
  readonly pinned: boolean;
  readonly unlocked: 'none' | 'development' | 'hotfix' | 'transient';
  readonly version?: string;
  /** Commit timestamp, seconds since the epoch. */
  readonly timestamp: number;
  /** Refspec of the origin, or the image reference. */
  readonly origin?: string;
  readonly originKind?: 'ostree' | 'checksum' | 'container';
  readonly imageDigest?: string;
  readonly customOrigin?: { readonly url: string; readonly description: string };
  readonly baseMetadata: Readonly<Record<string, unknown>>;
  readonly baseRepos: readonly RepoStamp[];
  /** Only when packages or overrides are layered. */
  readonly base?: {
    readonly checksum: string;
    readonly version?: string;
    readonly timestamp: number;
    readonly layeredMetadata: Readonly<Record<string, unknown>>;
    readonly layeredRepos: readonly RepoStamp[];
  };
  /** The ref has moved on to this commit. */
  readonly pendingBase?: { readonly checksum: string; readonly version?: string; readonly timestamp: number };
  readonly gpgEnabled: boolean;
  readonly signatures: readonly SignatureStatus[];
  readonly remoteError?: string;
  readonly packages: readonly string[];
  readonly requestedPackages: readonly string[];
  readonly requestedLocalPackages: readonly string[];
  readonly requestedLocalFileOverrides: readonly string[];
  readonly baseRemovals: readonly Nevra[];
  readonly requestedBaseRemovals: readonly string[];
  readonly localReplacements: readonly Replacement[];
  readonly requestedLocalReplacements: readonly string[];
  readonly remoteReplacements: readonly { readonly source: string; readonly packages: readonly Replacement[] }[];
  readonly requestedRemoteReplacements: readonly { readonly source: string; readonly names: readonly string[] }[];
  readonly regenerateInitramfs: boolean;
  readonly initramfsArgs: readonly string[];
  readonly initramfsEtc: readonly string[];
  readonly cliwrap: boolean;
  readonly endOfLife?: string;
  readonly sourceTitle?: string;
  readonly live?: { readonly inProgress?: string; readonly replaced?: string; readonly diff?: PackageDiff };
  /** Package difference from the booted deployment; only for the first deployment when it is not the booted one. */
  readonly pendingDiff?: PackageDiff;
}

export interface CachedUpdate {
  readonly version?: string;
  readonly timestamp: number;
  readonly checksum: string;
  readonly osname: string;
  readonly origin: string;
  /** The deployment that has it, once it was staged. */
  readonly deploymentId?: string;
  readonly gpgEnabled: boolean;
  readonly signatures: readonly SignatureStatus[];
  readonly refHasNewCommit: boolean;
  readonly diff?: PackageDiff;
  readonly advisories: readonly Advisory[];
}

export interface Advisory {
  readonly id: string;
  readonly kind: 'unknown' | 'security' | 'bugfix' | 'enhancement' | 'newpackage';
  readonly severity: 'none' | 'low' | 'moderate' | 'important' | 'critical';
  readonly packages: readonly string[];
  readonly references: readonly { readonly url: string; readonly title: string }[];
}

export interface SystemStatus {
  readonly deployments: readonly DeploymentStatus[];
  readonly transaction?: {
    readonly method: string;
    readonly title: string;
    readonly initiator?: string;
    readonly sender: string;
    readonly path: string;
  };
  readonly automaticUpdates: 'none' | 'check' | 'stage' | 'apply';
  readonly driver?: { readonly name: string; readonly unit: string; readonly state?: string };
  readonly cachedUpdate?: CachedUpdate;
  readonly failedFinalization?: string;
}

/** `OSNAME-CHECKSUM.SERIAL`. */
export function deploymentId(d: Pick<DeploymentStatus, 'osname' | 'checksum' | 'serial'>): string {
  return `${d.osname}-${d.checksum}.${d.serial}`;
}
