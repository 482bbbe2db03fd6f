import { isCoppiceError } from '@coppice/base';
import { VariantDict } from '@coppice/gvariant';
import { getRemote, listRemotes } from '../remote/remote.ts';
import type { Repo } from '../repo.ts';
import { requireValidGpg, verifyGpg } from '../sign/gpg.ts';
import { verificationKeyring } from '../sign/keyrings.ts';
import { bigEndian64, decodeSummary, summaryCollections, summaryKeys } from '../summary/summary-file.ts';
import { fetchRemoteSummary } from './remote-summary.ts';

export interface CollectionRefName {
  readonly collection: string;
  readonly ref: string;
}

/** A configured remote that has some of the refs asked for. */
export interface FoundRemote {
  readonly remote: string;
  readonly url: string;
  readonly keyring: string;
  readonly priority: number;
  /** Seconds since the epoch. */
  readonly summaryModified: number | undefined;
  /** `collection ref` -> commit, undefined when this remote does not have it. */
  readonly refs: ReadonlyMap<CollectionRefName, string | undefined>;
}

/**
 * Looks in the summaries of all remotes that have a collection for the refs (the `config` finder). Remotes whose summary
 * cannot be had or is not signed by their keys are passed over, as are those that have none of the refs.
 */
export async function findRemotes(repo: Repo, wanted: readonly CollectionRefName[]): Promise<FoundRemote[]> {
  const out: FoundRemote[] = [];
  for (const name of listRemotes(repo)) {
    const remote = getRemote(repo, name);
    const own = remote.string('collection-id');
    if (own === undefined) continue;
    try {
      const { summary, signature } = await fetchRemoteSummary(repo, name);
      if (summary === undefined) continue;
      if (remote.boolean('gpg-verify-summary', false)) {
        const dict = signature === undefined ? undefined : VariantDict.decode(signature);
        requireValidGpg(verifyGpg(summary, dict, verificationKeyring(repo, name), repo.clock));
      }
      const decoded = decodeSummary(summary);
      const collections = summaryCollections(decoded);
      const refs = new Map<CollectionRefName, string | undefined>();
      for (const want of wanted) {
        const list = collections.get(want.collection) ?? (want.collection === own ? decoded.refs : []);
        refs.set(want, list.find((r) => r.ref === want.ref)?.checksum);
      }
      if ([...refs.values()].every((checksum) => checksum === undefined)) continue;
      const modified = decoded.metadata.lookup(summaryKeys.lastModified, 't') as bigint | undefined;
      out.push({
        remote: name,
        url: remote.need('url'),
        keyring: remote.keyringFile,
        priority: 100,
        summaryModified: modified === undefined ? undefined : Number(bigEndian64(modified)),
        refs,
      });
    } catch (error) {
      if (!isCoppiceError(error) || error.kind === 'bug') throw error;
    }
  }
  return out;
}
