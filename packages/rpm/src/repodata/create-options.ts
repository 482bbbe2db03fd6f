import type { Compression } from '@coppice/archive';
import type { Clock, CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import type { PackageChoice } from './find-packages.ts';
import type { PackedMetadata, PackingOptions } from './metadata-file.ts';
import type { MetadataKind } from './metadata-writer.ts';
import type { FileDigest } from './package-file.ts';
import type { Repomd } from './repomd.ts';

export interface CreateOptions {
  readonly fs?: FileSystem;
  readonly clock?: Clock;
  /** Where `repodata/` goes; default: the directory itself. */
  readonly outputDir?: string;
  /** Compression of the metadata; gzip as createrepo_c 0.17 has it. */
  readonly compression?: Compression;
  /** Of `group` files, where it is another. */
  readonly groupCompression?: Compression;
  readonly level?: number;
  /** `sha256` (default), `sha1`, `sha` (the same by its old name), `sha512` ...: of packages and of metadata files. */
  readonly checksum?: string;
  /** Of metadata files, where it is another. */
  readonly metadataChecksum?: string;
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
  /** With `update`: repositories whose metadata are reused too. */
  readonly updateFrom?: readonly string[];
  /** With `update`: a package of the same name is the same package. */
  readonly skipStat?: boolean;
  /** With `update`: metadata of other kinds stay in the index. */
  readonly keepOther?: boolean;
  /** Only packages that the present metadata have. */
  readonly recycle?: boolean;
  /** Which of the packages in the directory are described; default all. */
  readonly choose?: PackageChoice;
  /**
   * Further directories of packages: locations are relative to `media:#1` for the first one, and so on, or to the base
   * with `#1` after it.
   */
  readonly volumes?: readonly string[];
  /** Where digests of packages are known from: `DigestCache`. */
  readonly digestOf?: (path: string) => FileDigest;
  /** Leading folders left out of every location. */
  readonly cutDirs?: number;
  /** What every location begins with. */
  readonly locationPrefix?: string;
  /** Names of metadata files without their checksum. */
  readonly simpleNames?: boolean;
  /** Give the metadata files the time of `timestamp` too. */
  readonly stampFiles?: boolean;
  /** Files of the old metadata stay, if it is not 0; with `compatibility` so many of each kind, the newest. */
  readonly retainOld?: number;
  /** `retainOld` is taken as the first createrepo took it: all metadata files are looked at, and not those of other kinds. */
  readonly compatibility?: boolean;
  /** In place of `retainOld`: all files stay that are not older than so many seconds. */
  readonly retainAge?: number;
  /** Told of each package that is read. */
  readonly onRead?: (href: string) => void;
  /** Told when other threads begin to hash, and how many packages there are to describe meanwhile. */
  readonly onDigests?: (packages: number) => void;
  /** Told of packages that cannot be read, which are then left out; without it they end the call. */
  readonly onBadPackage?: (path: string, error: CoppiceError) => void;
  /** What goes beside the documents, made from them: `repositoryDerivation`. */
  readonly derivation?: MetadataDerivation;
  /** More metadata: type (`group`, `updateinfo`, `modules`) and content. `group` is written plain as well, as createrepo_c does. */
  readonly extra?: readonly {
    readonly type: string;
    readonly name: string;
    readonly bytes: Uint8Array;
    /** Where it is another than that of the rest. */
    readonly compression?: Compression;
    /** Type of the compressed form of a `group`, where it is not named after the compression. */
    readonly packedType?: string;
  }[];
}

/** Makes further forms of metadata that are packed already. */
export interface MetadataDerivation {
  ofDocuments(packed: readonly PackedMetadata[]): readonly PackedMetadata[];
  /** Of one of the `extra` files. */
  ofExtra(type: string, name: string, bytes: Uint8Array): readonly PackedMetadata[];
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

/** How the metadata files are packed. */
export function packingOf(options: CreateOptions): PackingOptions {
  const { metadataChecksum } = options;
  return metadataChecksum === undefined ? options : { ...options, checksum: metadataChecksum };
}
