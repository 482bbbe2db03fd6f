import { isCoppiceError } from '@coppice/base';
import { VariantDict } from '@coppice/gvariant';
import { getRemote } from '../remote/remote.ts';
import type { Repo } from '../repo.ts';
import { requireValidGpg, verifyGpg } from '../sign/gpg.ts';
import { verificationKeyring } from '../sign/keyrings.ts';
import { bigEndian64, decodeSummary, summaryCollections, summaryKeys } from '../summary/summary-file.ts';
import type { CollectionRefName } from './find-remotes.ts';
import { type Candidate, headInSummary, headsOf, type RefHead } from './newest-commits.ts';
import { fetchRemoteSummary } from './remote-summary.ts';

/**
 * What the summary of a remote says of refs; undefined when it has none of them, cannot be had or is not signed by the
 * remote's keys. `own` is the collection of the plain refs, when the summary does not tell it itself. When it has some, those
 * of `more` that are plain refs of its own collection are told too.
 */
export async function headsInSummary(
  repo: Repo,
  name: string,
  wanted: readonly CollectionRefName[],
  own: string | undefined,
  more: readonly CollectionRefName[] = [],
): Promise<Pick<Candidate, 'heads' | 'summaryModified'> | undefined> {
  try {
    const { summary, signature } = await fetchRemoteSummary(repo, name);
    if (summary === undefined) return undefined;
    if (getRemote(repo, name).boolean('gpg-verify-summary', false)) {
      const dict = signature === undefined ? undefined : VariantDict.decode(signature);
      requireValidGpg(verifyGpg(summary, dict, verificationKeyring(repo, name), repo.clock));
    }
    const decoded = decodeSummary(summary);
    const collections = summaryCollections(decoded);
    const find = (want: CollectionRefName): RefHead | undefined => {
      const list = collections.get(want.collection) ?? (want.collection === own ? decoded.refs : []);
      const found = list.find((r) => r.ref === want.ref);
      return found === undefined ? undefined : headInSummary(found);
    };
    const heads = headsOf(wanted, find);
    if (heads.size === 0) return undefined;
    const plain = decoded.metadata.lookupString(summaryKeys.collectionId);
    const others = more.filter((want) => want.collection === plain);
    for (const [want, head] of headsOf(others, find)) heads.set(want, head);
    const modified = decoded.metadata.lookup(summaryKeys.lastModified, 't') as bigint | undefined;
    return { heads, summaryModified: modified === undefined ? undefined : Number(bigEndian64(modified)) };
  } catch (error) {
    if (!isCoppiceError(error) || error.kind === 'bug') throw error;
    return undefined;
  }
}
