import type { Nevra } from '../nevra.ts';
import type { PackageDiff } from '../pkgdiff.ts';
import type { Advisory } from '../status/model.ts';

export interface PathChange {
  /** Absolute, as the deployment shows it (`/etc`, not `/usr/etc`). */
  readonly path: string;
  readonly change: 'added' | 'removed' | 'modified';
}

/** A layered package or request that does not resolve, why, and what would help. */
export interface Obstacle {
  readonly request: string;
  readonly reasons: readonly string[];
  /** Commands, each of which would resolve it. */
  readonly remedies: readonly string[];
}

/** What a change would do, found out without doing it. */
export interface Plan {
  readonly title: string;
  readonly base: {
    readonly from: string;
    readonly to: string;
    readonly fromVersion?: string;
    readonly toVersion?: string;
  };
  readonly packages: PackageDiff;
  /** Packages that have to be fetched. */
  readonly downloads: readonly { readonly nevra: Nevra; readonly repo: string; readonly size: number }[];
  readonly files: { readonly added: number; readonly removed: number; readonly modified: number };
  /** Every changed path, when asked for. */
  readonly paths: readonly PathChange[];
  /** Locally changed configuration whose default changes too: the local file stays. */
  readonly etcConflicts: readonly string[];
  readonly units: readonly PathChange[];
  /** Scripts that would run, as `NAME.%post`. */
  readonly scripts: readonly string[];
  readonly kernel: { readonly from?: string; readonly to?: string };
  readonly kernelArguments: readonly string[];
  readonly disk: {
    /** Bytes of packages to download, of new objects, and free on the file system. */
    readonly download: number;
    readonly objects: number;
    readonly free: number;
  };
  readonly advisories: readonly Advisory[];
  readonly reboot: 'needed' | 'live' | 'none';
  readonly obstacles: readonly Obstacle[];
}
