import { isCoppiceError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import { allCollectionRefs } from '../remote/collection-refs.ts';
import { getRemote, listRemotes, remotesByCollection } from '../remote/remote.ts';
import { maxMetadataSize, type Repo } from '../repo.ts';
import { bigEndian64, decodeSummary, summaryKeys } from '../summary/summary-file.ts';
import { mountedRepos, readMountTable, visibleVolumes } from './mounted-repos.ts';
import { type Candidate, headsOf, newestCommits, type RefHead } from './newest-commits.ts';
import { headsInSummary } from './summary-heads.ts';

export interface CollectionRefName {
  readonly collection: string;
  readonly ref: string;
}

/** A configured remote that has some of the refs asked for. */
export interface FoundRemote {
  /** What found it. */
  readonly finder: FinderName;
  /** Its name: a configured remote, or for `lan` one that is known while the repository is open. */
  readonly remote: string;
  readonly url: string;
  readonly keyring: string;
  readonly priority: number;
  /** Seconds since the epoch. */
  readonly summaryModified: number | undefined;
  /** The commit of each ref asked for; undefined when this remote does not have it, or an older one than others. */
  readonly refs: ReadonlyMap<CollectionRefName, string | undefined>;
}

export type FinderName = 'config' | 'lan' | 'mount';

/**
 * Looks for refs with the finders asked for, the results of the best priority first. Of a ref that several have, the newest
 * commit counts. Without `finders` those of `core.default-repo-finders` look, or `config` and `mount`; a local network without
 * Avahi is then nothing to speak of. Otherwise `warn` is told of it, and of services that do not answer.
 */
export async function findRemotes(
  repo: Repo,
  wanted: readonly CollectionRefName[],
  chosen?: readonly FinderName[],
  warn: (message: string) => void = () => {},
): Promise<FoundRemote[]> {
  const finders = chosen ?? repo.settings.defaultFinders;
  const out: Candidate[] = [];
  if (finders.includes('lan')) {
    try {
      // Most calls look elsewhere, and need no D-Bus for that.
      const { onLocalNetwork } = await import('../lan/find.ts');
      out.push(...(await onLocalNetwork(repo, wanted, warn)));
    } catch (error) {
      if (!isCoppiceError(error, 'NotFound')) throw error;
      if (chosen !== undefined) warn(`Avahi finder failed; removing it: Avahi daemon is not running: ${error.message}`);
    }
  }
  if (finders.includes('mount')) {
    const { USER: user } = repo.env;
    for (const volume of visibleVolumes(readMountTable(repo), user)) out.push(...onVolume(repo, volume, wanted));
  }
  if (finders.includes('config')) out.push(...(await configured(repo, wanted)));
  return newestCommits(repo, wanted, out);
}

/**
 * The `mount` finder: repositories on a volume that was put in, as `create-usb` makes them. Only refs of collections that a
 * remote here has keys for count, and each in the first repository that has it.
 */
function onVolume(repo: Repo, volume: string, wanted: readonly CollectionRefName[]): Candidate[] {
  const byCollection = remotesByCollection(repo);
  const out: Candidate[] = [];
  const taken = new Set<CollectionRefName>();
  for (const found of mountedRepos(repo, volume)) {
    const there = new Map(allCollectionRefs(found).map((r) => [`${r.collection} ${r.ref}`, r.checksum]));
    const remotes = new Set(wanted.map((want) => byCollection.get(want.collection)).filter((r) => r !== undefined));
    for (const remote of remotes) {
      const own = wanted.filter((want) => byCollection.get(want.collection) === remote && !taken.has(want));
      const heads = headsOf(own, (want) => headOnVolume(found, there.get(`${want.collection} ${want.ref}`)));
      for (const want of heads.keys()) taken.add(want);
      if (heads.size === 0) continue;
      out.push({
        finder: 'mount',
        remote: remote.name,
        url: `file://${found.path}`,
        keyring: remote.keyringFile,
        priority: 50,
        summaryModified: summaryTime(found),
        heads,
      });
    }
  }
  return out;
}

function headOnVolume(repo: Repo, checksum: string | undefined): RefHead | undefined {
  if (checksum === undefined) return undefined;
  try {
    const size = BigInt(repo.loadCommitBytes(checksum).length);
    return { checksum, size, timestamp: Number(repo.loadCommit(checksum).timestamp) };
  } catch (error) {
    if (!isCoppiceError(error) || error.kind === 'bug') throw error;
    // It cannot be pulled from there.
    return undefined;
  }
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
async function configured(repo: Repo, wanted: readonly CollectionRefName[]): Promise<Candidate[]> {
  const out: Candidate[] = [];
  for (const name of listRemotes(repo)) {
    const remote = getRemote(repo, name);
    const own = remote.string('collection-id');
    if (own === undefined) continue;
    const found = await headsInSummary(repo, name, wanted, own);
    if (found === undefined) continue;
    const url = remote.need('url');
    out.push({ finder: 'config', remote: name, url, keyring: remote.keyringFile, priority: 100, ...found });
  }
  return out;
}
