import type { Compression } from '@coppice/archive';
import type { Clock, CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import type { PackageChoice } from './find-packages.ts';
import type { MetadataKind } from './metadata-writer.ts';
import type { Repomd } from './repomd.ts';

export interface CreateOptions {
  readonly fs?: FileSystem;
  readonly clock?: Clock;
  /** Where `repodata/` goes; default: the directory itself. */
  readonly outputDir?: string;
  /** Compression of the metadata; gzip as createrepo_c 0.17 has it. */
  readonly compression?: Compression;
  readonly level?: number;
  /** `sha256` (default), `sha1`, `sha` (the same by its old name), `sha512` ...: of packages and of metadata files. */
  readonly checksum?: string;
  /** Newest changelog entries kept per package (default 10). */
  readonly changelogLimit?: number;
  /** Default: the time of writing, in seconds. */
  readonly revision?: string;
  /** Timestamps in repomd.xml; default: the time of writing. */
  readonly timestamp?: number;
  readonly baseUrl?: string;
  readonly contentTags?: readonly string[];
  readonly repoTags?: readonly string[];
  readonly distroTags?: readonly { readonly cpeid?: string; readonly text: string }[];
  /** Reuse what the present repodata says about packages of unchanged size and time. */
  readonly update?: boolean;
  /** Which of the packages in the directory are described; default all. */
  readonly choose?: PackageChoice;
  /** Leading folders left out of every location. */
  readonly cutDirs?: number;
  /** What every location begins with. */
  readonly locationPrefix?: string;
  /** Names of metadata files without their checksum. */
  readonly simpleNames?: boolean;
  /** Give the metadata files the time of `timestamp` too. */
  readonly stampFiles?: boolean;
  /** So many older files of each kind stay; default 0. */
  readonly retainOld?: number;
  /** Told of packages that cannot be read, which are then left out; without it they end the call. */
  readonly onBadPackage?: (path: string, error: CoppiceError) => void;
  /** More metadata: type (`group`, `updateinfo`, `modules`) and content. `group` is written plain as well, as createrepo_c does. */
  readonly extra?: readonly { readonly type: string; readonly name: string; readonly bytes: Uint8Array }[];
}

export interface CreatedRepository {
  readonly repomd: Repomd;
  readonly packages: number;
  /** Packages whose old metadata was reused. */
  readonly reused: number;
  /** Packages that could not be read. */
  readonly bad: number;
}

/** The documents that every repository has. */
export const metadataKinds: readonly MetadataKind[] = ['primary', 'filelists', 'other'];
