import type { FetcherOptions } from '@coppice/http';
import type { VerifyResult } from '@coppice/signing';
import type { CompressPool } from '../store/compress-pool.ts';
import type { HelperThread } from '../thread/helper-thread.ts';
import type { ProgressCall } from './progress.ts';

/** What to pull and how; the names are those of `ostree pull`. */
export interface PullOptions {
  /** A configured remote, or a URL (`file://` for a local repository). */
  readonly remote: string;
  /** Ref names or commit checksums; none means the remote's `branches`, or with `mirror` everything in its summary. */
  readonly refs?: readonly string[];
  /** Commit to take for the ref of the same place, instead of what the remote says; empty or absent entries ask the remote. */
  readonly overrideCommits?: readonly (string | undefined)[];
  /** Refs by collection instead of plain ones. */
  readonly collectionRefs?: readonly {
    readonly collection: string;
    readonly ref: string;
    readonly checksum?: string;
  }[];
  /** Name that refs are written below instead of the remote's. */
  readonly remoteName?: string;
  readonly mirror?: boolean;
  readonly commitOnly?: boolean;
  /** Absolute paths; only what is at, above and below them is fetched. */
  readonly subpaths?: readonly string[];
  /** Parents to follow; -1 all. */
  readonly depth?: number;
  readonly disableFsync?: boolean;
  readonly perObjectFsync?: boolean;
  readonly disableStaticDeltas?: boolean;
  readonly requireStaticDeltas?: boolean;
  readonly dryRun?: boolean;
  /** Check objects of local sources too. */
  readonly untrusted?: boolean;
  /** Mirror without checking objects that come over HTTP. */
  readonly httpTrusted?: boolean;
  readonly bareUserOnlyFiles?: boolean;
  readonly overrideUrl?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly retries?: number;
  readonly retryOnNetworkErrors?: boolean;
  readonly lowSpeedBytes?: number;
  readonly lowSpeedSeconds?: number;
  readonly maxOutstanding?: number;
  readonly appendUserAgent?: string;
  readonly localCaches?: readonly string[];
  readonly timestampCheck?: boolean;
  readonly timestampCheckFromRev?: string;
  readonly disableVerifyBindings?: boolean;
  readonly cacheDir?: string;
  /** Overrides of the remote's `gpg-verify` and `gpg-verify-summary`. */
  readonly gpgVerify?: boolean;
  readonly gpgVerifySummary?: boolean;
  readonly signVerify?: boolean;
  /** Do not check signatures of commits whose summary was verified (mirrors of collections). */
  readonly disableSignVerify?: boolean;
  /** Called now and then while the pull runs, and once more (`isLast`) when all is fetched. */
  readonly progress?: ProgressCall;
  /** Milliseconds from one call of `progress` to the next; default 1000. */
  readonly updateFrequency?: number;
  /** Told of every commit whose GPG signatures were checked. */
  readonly onGpgResults?: (commit: string, results: readonly VerifyResult[]) => void;
  readonly fetcher?: Partial<FetcherOptions>;
  /** A second thread that helps to write objects. The caller closes it. */
  readonly compressPool?: CompressPool;
  /** A second thread that helps to make what deltas bring. The caller closes it. */
  readonly helper?: HelperThread;
}

/** What a pull did. */
export interface PullResult {
  /** The line that `ostree pull` ends with; undefined when nothing was moved. */
  readonly status: string | undefined;
  readonly commits: readonly string[];
  readonly refs: ReadonlyMap<string, string>;
}
