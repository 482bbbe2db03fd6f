import { isCoppiceError } from '@coppice/base';
import { VariantDict } from '@coppice/gvariant';
import { readFile } from '@coppice/linux';

import { allCollectionRefs } from '../remote/collection-refs.ts';
import { getRemote, listRemotes, type Remote } from '../remote/remote.ts';
import { maxMetadataSize, type Repo } from '../repo.ts';
import { requireValidGpg, verifyGpg } from '../sign/gpg.ts';
import { verificationKeyring } from '../sign/keyrings.ts';
import { bigEndian64, decodeSummary, summaryCollections, summaryKeys } from '../summary/summary-file.ts';
import { mountedRepos, readMountTable, visibleVolumes } from './mounted-repos.ts';
import { fetchRemoteSummary } from './remote-summary.ts';

export interface CollectionRefName {
  readonly collection: string;
  readonly ref: string;
}

/** A configured remote that has some of the refs asked for. */
export interface FoundRemote {
  /** What found it. */
  readonly finder: 'config' | 'mount';
  /** The configured remote whose keys count. */
  readonly remote: string;
  readonly url: string;
  readonly keyring: string;
  readonly priority: number;
  /** Seconds since the epoch. */
  readonly summaryModified: number | undefined;
  /** `collection ref` -> commit, undefined when this remote does not have it. */
  readonly refs: ReadonlyMap<CollectionRefName, string | undefined>;
}

export type FinderName = 'config' | 'mount';

/**
 * Looks for refs with the finders asked for, those of the best priority first.
 */
export async function findRemotes(
  repo: Repo,
  wanted: readonly CollectionRefName[],
  finders: readonly FinderName[] = ['config', 'mount'],
): Promise<FoundRemote[]> {
  const out: FoundRemote[] = [];
  if (finders.includes('mount')) {
    const { USER: user } = repo.env;
    for (const volume of visibleVolumes(readMountTable(repo), user)) out.push(...onVolume(repo, volume, wanted));
  }
  if (finders.includes('config')) out.push(...(await configured(repo, wanted)));
  return out.sort((a, b) => a.priority - b.priority);
}

/**
 * The `mount` finder: repositories on a volume that was put in, as `create-usb` makes them. Only refs of collections that a
 * remote here has keys for count, and each in the first repository that has it.
 */
export function onVolume(repo: Repo, volume: string, wanted: readonly CollectionRefName[]): FoundRemote[] {
  const byCollection = new Map<string, Remote>();
  for (const name of listRemotes(repo)) {
    const remote = getRemote(repo, name);
    const collection = remote.string('collection-id');
    if (collection !== undefined && !byCollection.has(collection)) byCollection.set(collection, remote);
  }
  const out: FoundRemote[] = [];
  const taken = new Set<CollectionRefName>();
  for (const found of mountedRepos(repo, volume)) {
    const there = new Map(allCollectionRefs(found).map((r) => [`${r.collection} ${r.ref}`, r.checksum]));
    const remotes = new Set(wanted.map((want) => byCollection.get(want.collection)).filter((r) => r !== undefined));
    for (const remote of remotes) {
      const own = wanted.filter((want) => byCollection.get(want.collection) === remote);
      const refs = new Map(wanted.map((want) => [want, undefined as string | undefined]));
      for (const want of own) {
        const checksum = taken.has(want) ? undefined : there.get(`${want.collection} ${want.ref}`);
        if (checksum === undefined) continue;
        refs.set(want, checksum);
        taken.add(want);
      }
      if ([...refs.values()].every((checksum) => checksum === undefined)) continue;
      out.push({
        finder: 'mount',
        remote: remote.name,
        url: `file://${found.path}`,
        keyring: remote.keyringFile,
        priority: 50,
        summaryModified: summaryTime(found),
        refs,
      });
    }
  }
  return out;
}

function summaryTime(repo: Repo): number | undefined {
  try {
    const bytes = readFile(`${repo.path}/summary`, { fs: repo.fs, limit: maxMetadataSize });
    const time = decodeSummary(Uint8Array.from(bytes)).metadata.lookup(summaryKeys.lastModified, 't');
    return time === undefined ? undefined : Number(bigEndian64(time as bigint));
  } catch {
    return undefined;
  }
}

/**
 * Looks in the summaries of all remotes that have a collection for the refs (the `config` finder). Remotes whose summary
 * cannot be had or is not signed by their keys are passed over, as are those that have none of the refs.
 */
async function configured(repo: Repo, wanted: readonly CollectionRefName[]): Promise<FoundRemote[]> {
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
        finder: 'config',
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
