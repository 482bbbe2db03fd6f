import { isCoppiceError } from '@coppice/base';
import type { Fetcher } from '@coppice/http';
import { getRemote } from '../remote/remote.ts';
import type { Repo } from '../repo.ts';
import { remoteVerifiers } from '../sign/engine-keys.ts';
import { verificationKeyring } from '../sign/keyrings.ts';
import { remoteFetcher } from './connect.ts';
import { resolveMetalink } from './metalink.ts';
import { resolveMirrors } from './mirrors.ts';
import type { PullOptions } from './options.ts';
import { SummaryCache } from './summary-cache.ts';
import { type FetchedSummary, fetchCheckedSummary } from './summary-fetch.ts';

/**
 * The summary of a remote with its signatures, checked as the remote's configuration demands
 * (`ostree_repo_remote_fetch_summary`). Throws what a pull would.
 */
export async function fetchRemoteSummary(
  repo: Repo,
  name: string,
  options: Pick<PullOptions, 'cacheDir' | 'headers' | 'fetcher' | 'appendUserAgent'> = {},
): Promise<FetchedSummary> {
  const remote = getRemote(repo, name);
  const metalink = remote.string('metalink');
  const url = metalink ?? remote.need('url');
  // The demands on commits are read with those on the summary: what is wrong with them is told here, too.
  remoteVerifiers(remote, 'sign-verify');
  const fetcher = remoteFetcher(repo, remote, options, true);
  try {
    if (metalink !== undefined) {
      return { summary: await metalinkSummary(fetcher, metalink), signature: undefined, fromCache: false };
    }
    const gpg = remote.boolean('gpg-verify-summary', false);
    return await fetchCheckedSummary(
      repo,
      await resolveMirrors(fetcher, url, repo.compat.namesUrlOfStatus),
      SummaryCache.open(repo, options.cacheDir, name),
      {
        keyring: gpg ? () => verificationKeyring(repo, name) : undefined,
        verifiers: remoteVerifiers(remote, 'sign-verify-summary'),
        forPull: false,
      },
    );
  } finally {
    await fetcher.close();
  }
}

/** The summary behind a metalink; undefined when there is no metalink. */
async function metalinkSummary(fetcher: Fetcher, url: string): Promise<Buffer | undefined> {
  try {
    return (await resolveMetalink(fetcher, url)).summary;
  } catch (error) {
    if (isCoppiceError(error, 'NotFound')) return undefined;
    throw error;
  }
}
