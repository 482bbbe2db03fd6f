import { CoppiceError, isCoppiceError } from '@coppice/base';
import { VariantDict } from '@coppice/gvariant';
import type { Keyring } from '@coppice/signing';
import type { Repo } from '../repo.ts';
import type { Verifier } from '../sign/engine-keys.ts';
import { verifyWithEngines } from '../sign/engine-verify.ts';
import { requireValidGpg, verifyGpg } from '../sign/gpg.ts';
import type { MirrorList } from './mirrors.ts';
import type { SummaryCache } from './summary-cache.ts';

/** The summary files of a remote. */
export interface FetchedSummary {
  readonly summary: Buffer | undefined;
  readonly signature: Buffer | undefined;
  readonly fromCache: boolean;
}

export interface SummaryDemands {
  readonly keyring: (() => Keyring) | undefined;
  readonly verifiers: readonly Verifier[] | undefined;
  /** Whether errors are worded as a pull's; default true. */
  readonly forPull?: boolean;
}

interface Part {
  readonly bytes: Buffer | undefined;
  readonly cached: boolean;
  readonly etag: string | undefined;
  readonly lastModified: number | undefined;
}

async function fetchPart(
  mirrors: MirrorList,
  name: string,
  cache: SummaryCache | undefined,
  suffix: '' | '.sig',
  maxSize: number,
): Promise<Part> {
  const kept = cache?.read(suffix);
  const conditions = {
    ...(kept?.etag === undefined ? {} : { etag: kept.etag }),
    ...(kept?.lastModified === undefined ? {} : { modifiedSince: kept.lastModified }),
  };
  try {
    const got = await mirrors.bytes(name, { maxSize, ...conditions });
    if (got.notModified && kept !== undefined)
      return { bytes: kept.bytes, cached: true, etag: kept.etag, lastModified: kept.lastModified };
    return { bytes: Buffer.from(got.bytes), cached: false, etag: got.etag, lastModified: got.lastModified };
  } catch (error) {
    if (!isCoppiceError(error, 'NotFound')) throw error;
    return { bytes: undefined, cached: false, etag: undefined, lastModified: undefined };
  }
}

/**
 * Fetches `summary.sig`, then `summary` (both may be absent). With a cache, an unchanged signature spares the summary. A
 * summary and signature that came together are kept for the next time by `keepSummary`, once they have been verified.
 */
export async function fetchSummary(
  mirrors: MirrorList,
  cache: SummaryCache | undefined,
  maxSize: number,
): Promise<FetchedSummary & { keep(): void }> {
  const signature = await fetchPart(mirrors, 'summary.sig', cache, '.sig', maxSize);
  const kept = signature.bytes === undefined ? undefined : { sig: cache?.read('.sig'), summary: cache?.read('') };
  if (signature.bytes !== undefined && kept?.sig !== undefined && kept.summary !== undefined) {
    if (signature.cached || kept.sig.bytes.equals(signature.bytes))
      return { summary: kept.summary.bytes, signature: kept.sig.bytes, fromCache: true, keep: () => {} };
  }
  // Without a signature a cached summary cannot be told from a stale one.
  const summary = await fetchPart(mirrors, 'summary', signature.bytes === undefined ? undefined : cache, '', maxSize);
  const keep = (): void => {
    if (cache === undefined || summary.bytes === undefined || signature.bytes === undefined) return;
    cache.write('', summary.bytes, summary.etag, summary.lastModified);
    cache.write('.sig', signature.bytes, signature.etag, signature.lastModified);
  };
  return { summary: summary.bytes, signature: signature.bytes, fromCache: false, keep };
}

type Absence = 'summary' | 'signature';

/** What libostree says of a summary or signature that is not there, in a pull and where only the summary is fetched. */
function absent(kind: 'gpg' | 'sign', what: Absence, forPull: boolean): CoppiceError {
  const off = `use ${kind}-verify-summary=false in remote config to disable`;
  const one = kind === 'gpg' ? 'GPG verification' : 'Signature verification';
  const text = ((): string => {
    if (!forPull && what === 'summary')
      return `${one} enabled, but no summary found (check that the configured URL in remote config is correct)`;
    if (!forPull) return `${one} enabled, but no summary signatures found (${off})`;
    if (kind === 'sign') return `Signatures verification enabled, but no summary.sig found (${off})`;
    return `${one} enabled, but no ${what === 'summary' ? 'summary' : 'summary.sig'} found (${off})`;
  })();
  return new CoppiceError('Signature', text);
}

/** Checks a summary's signatures. Throws `Signature` or `NotFound` in libostree's words. */
export function checkSummary(repo: Repo, fetched: FetchedSummary, demands: SummaryDemands): void {
  const { summary, signature } = fetched;
  const { keyring, verifiers, forPull = true } = demands;
  if (keyring !== undefined) {
    if (summary === undefined) throw absent('gpg', 'summary', forPull);
    if (signature === undefined) throw absent('gpg', 'signature', forPull);
    requireValidGpg(verifyGpg(summary, VariantDict.decode(signature), keyring(), repo.clock));
  }
  if (verifiers === undefined) return;
  if (summary === undefined) throw absent('sign', 'summary', forPull);
  if (signature === undefined) throw absent('sign', 'signature', forPull);
  verifyWithEngines(verifiers, summary, VariantDict.decode(signature));
}

/** Fetches and checks; a cached pair that fails the check is thrown away and fetched anew once. */
export async function fetchCheckedSummary(
  repo: Repo,
  mirrors: MirrorList,
  cache: SummaryCache | undefined,
  demands: SummaryDemands,
): Promise<FetchedSummary> {
  const first = await fetchSummary(mirrors, cache, repo.compat.maxFetchedMetadata);
  try {
    checkSummary(repo, first, demands);
    first.keep();
    return first;
  } catch (error) {
    if (!first.fromCache || cache === undefined) throw error;
    if (repo.env['OSTREE_REPO_TEST_ERROR'] === 'invalid-cache')
      throw new CoppiceError('Corrupt', 'OSTREE_REPO_TEST_ERROR_INVALID_CACHE specified');
    cache.drop();
    const again = await fetchSummary(mirrors, cache, repo.compat.maxFetchedMetadata);
    checkSummary(repo, again, demands);
    again.keep();
    return again;
  }
}
