import { CoppiceError, prefixError } from '@coppice/base';
import { checkChecksum, isChecksum } from '../codec/checksum.ts';
import { collectionTableOrder } from '../collection-table.ts';
import type { Repo } from '../repo.ts';
import { checkRefName } from '../store/ref-name.ts';
import { type Summary, summaryCollections } from '../summary/summary-file.ts';
import type { MirrorList } from './mirrors.ts';
import type { PullOptions } from './options.ts';

/** A ref that was asked for; `checksum` when the caller fixed the commit. */
export interface WantedRef {
  readonly collection: string | undefined;
  readonly ref: string;
  readonly checksum: string | undefined;
}

/** What a pull was asked for, before the remote says what it has. */
export interface Wanted {
  readonly refs: readonly WantedRef[];
  readonly commits: readonly string[];
  /** Everything in the summary. */
  readonly all: boolean;
}

/** Reads the call's refs, in the order in which libostree looks for them. Throws `Invalid` for bad names, `Usage` when there is nothing to pull. */
export function readWanted(options: PullOptions, branches: readonly string[] | undefined, remoteName: string): Wanted {
  const refs: WantedRef[] = [];
  const commits: string[] = [];
  for (const { collection, ref, checksum } of options.collectionRefs ?? [])
    refs.push({
      collection,
      ref: checkRefName(ref),
      checksum: checksum === undefined ? undefined : checkChecksum(checksum),
    });
  const names = options.refs ?? [];
  names.forEach((name, i) => {
    const override = options.overrideCommits?.[i];
    const fixed = override === undefined || override === '' ? undefined : checkChecksum(override);
    if (isChecksum(name)) commits.push(name);
    else refs.push({ collection: undefined, ref: checkRefName(name), checksum: fixed });
  });
  if (refs.length > 0 || commits.length > 0) return { refs: collectionTableOrder(refs), commits, all: false };
  if (options.mirror === true && branches === undefined) return { refs, commits, all: true };
  if (branches === undefined || branches.length === 0)
    throw new CoppiceError('Usage', `No configured branches for remote ${remoteName}`);
  for (const branch of branches) refs.push({ collection: undefined, ref: checkRefName(branch), checksum: undefined });
  return { refs: collectionTableOrder(refs), commits, all: false };
}

/** The commit of a ref in a summary. Throws `NotFound`. */
export function commitInSummary(summary: Summary, wanted: WantedRef): string {
  const collections = summaryCollections(summary);
  const refs = wanted.collection === undefined ? summary.refs : (collections.get(wanted.collection) ?? []);
  const found = refs.find((r) => r.ref === wanted.ref);
  if (found !== undefined) return found.checksum;
  const name = wanted.collection === undefined ? `'${wanted.ref}'` : `(${wanted.collection}, ${wanted.ref})`;
  throw new CoppiceError('NotFound', `No such branch ${name} in repository summary`);
}

/** The commit of a ref from the server's ref file. */
export async function fetchRef(mirrors: MirrorList, wanted: WantedRef): Promise<string> {
  const label = `Fetching checksum for ref (${wanted.collection ?? '(empty)'}, ${wanted.ref})`;
  const place = wanted.collection === undefined ? 'refs/heads' : `refs/mirrors/${wanted.collection}`;
  const { bytes } = await mirrors.bytes(`${place}/${wanted.ref}`, { maxSize: 128 * 1024 * 1024 });
  try {
    // A page in place of a ref is quoted on one line.
    return checkChecksum(
      Buffer.from(bytes)
        .toString('utf8')
        .trimEnd()
        .replace(/[\r\n\t]/g, ' '),
    );
  } catch (error) {
    throw prefixError(error, label);
  }
}

/** The commit of a ref in a repository that can be opened here. */
export function localRef(repo: Repo, wanted: WantedRef): string {
  if (wanted.collection === undefined || wanted.collection === repo.settings.collectionId)
    return repo.resolveRev(wanted.ref);
  return repo.resolveRev(wanted.ref);
}
