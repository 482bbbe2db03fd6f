import { isCoppiceError, prefixError } from '@coppice/base';
import { GHashTable, gStrHash } from '@coppice/gvariant';
import { objectName } from '../codec/object-type.ts';
import type { Repo } from '../repo.ts';
import { bigEndian64, type SummaryRef } from '../summary/summary-file.ts';
import type { CollectionRefName, FoundRemote } from './find-remotes.ts';

/** What a remote says of the head of a ref. */
export interface RefHead {
  readonly checksum: string;
  /** Size of the commit object. */
  readonly size: bigint;
  /** Seconds since the epoch; 0 when it does not say. */
  readonly timestamp: number;
}

/** A remote with what it has for the refs asked for, before those of other remotes are looked at. */
export interface Candidate extends Omit<FoundRemote, 'refs'> {
  /** Seconds since the epoch; the summary's time where the finder knows it without the summary. */
  readonly announcedModified?: number;
  readonly heads: ReadonlyMap<CollectionRefName, RefHead>;
}

/** The last second of the year 9999; later times count as unknown. */
const lastTime = 253402300799n;

/** The head of a ref as a summary lists it. */
export function headInSummary(ref: SummaryRef): RefHead {
  const stored = ref.metadata.lookup('ostree.commit.timestamp', 't') as bigint | undefined;
  const time = stored === undefined ? 0n : bigEndian64(stored);
  return { checksum: ref.checksum, size: ref.commitSize, timestamp: time > lastTime ? 0 : Number(time) };
}

/**
 * For each ref the newest commit that any of the remotes has (`ostree_repo_find_remotes_async`). A remote that contradicts
 * an earlier one, or a commit that is here, about a commit's time or size is left out, as are those that have nothing that is
 * newest. Throws when no remote tells the time of a commit.
 */
export function newestCommits(
  repo: Repo,
  wanted: readonly CollectionRefName[],
  candidates: readonly Candidate[],
): FoundRemote[] {
  const known = new Map<string, { size: bigint; timestamp: number }>();
  const sound = [...candidates].sort(compare).filter((candidate) => takeHeads(repo, candidate, known));
  for (const [checksum, { timestamp }] of known) {
    // Its signature would have to be checked, and commits are checked where they are stored.
    if (timestamp === 0 && sound.some(({ heads }) => [...heads.values()].some((head) => head.checksum === checksum)))
      throw prefixError(missing(repo, checksum), `Commit ${checksum}: Failed to read commit`);
  }
  const newest = new Map<CollectionRefName, string>();
  for (const want of wanted) {
    let time = -1;
    for (const { heads } of sound) {
      const head = heads.get(want);
      if (head === undefined || known.get(head.checksum)!.timestamp <= time) continue;
      time = known.get(head.checksum)!.timestamp;
      newest.set(want, head.checksum);
    }
  }
  const out: FoundRemote[] = [];
  for (const { heads, announcedModified: _, ...remote } of sound) {
    const refs = new Map<CollectionRefName, string | undefined>();
    for (const want of asInTable(wanted)) {
      const head = heads.get(want)?.checksum;
      refs.set(want, head === newest.get(want) ? head : undefined);
    }
    if ([...refs.values()].some((checksum) => checksum !== undefined)) out.push({ ...remote, refs });
  }
  return out.sort((a, b) => compareTimes(a, b) || compare(a, b));
}

function missing(repo: Repo, checksum: string): unknown {
  try {
    repo.loadCommitBytes(checksum);
  } catch (error) {
    return error;
  }
  return new Error(`No time for ${objectName(checksum, 'commit')}`);
}

/** False when what a remote says does not fit. */
function takeHeads(repo: Repo, { heads }: Candidate, known: Map<string, { size: bigint; timestamp: number }>): boolean {
  for (const { checksum, size, timestamp } of heads.values()) {
    let entry = known.get(checksum);
    if (entry === undefined) {
      entry = { size, timestamp: storedTime(repo, checksum) };
      known.set(checksum, entry);
    }
    if (entry.timestamp === 0) entry.timestamp = timestamp;
    else if (timestamp !== 0 && timestamp !== entry.timestamp) return false;
    if (size !== entry.size) return false;
  }
  return true;
}

function storedTime(repo: Repo, checksum: string): number {
  try {
    return repo.hasObject('commit', checksum) ? Number(repo.loadCommit(checksum).timestamp) : 0;
  } catch (error) {
    if (!isCoppiceError(error) || error.kind === 'bug') throw error;
    return 0;
  }
}

type Ranked = Pick<FoundRemote, 'priority' | 'remote' | 'summaryModified'> & {
  readonly announcedModified?: number;
  readonly heads?: ReadonlyMap<CollectionRefName, RefHead>;
  readonly refs?: FoundRemote['refs'];
};

function count({ heads, refs }: Ranked): number {
  return heads?.size ?? [...(refs?.values() ?? [])].filter((checksum) => checksum !== undefined).length;
}

/** Without the summaries' times, which are known only when all have been read. */
function compare(a: Ranked, b: Ranked): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  const [first, second] = [a.announcedModified, b.announcedModified];
  if (first !== undefined && second !== undefined && first !== second) return first - second;
  if (count(a) !== count(b)) return count(a) - count(b);
  return a.remote < b.remote ? -1 : a.remote === b.remote ? 0 : 1;
}

function compareTimes(a: Ranked, b: Ranked): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  return a.summaryModified === undefined || b.summaryModified === undefined ? 0 : a.summaryModified - b.summaryModified;
}

/** In the order of a table with `ostree_collection_ref_hash`. */
function asInTable(refs: readonly CollectionRefName[]): CollectionRefName[] {
  const table = new GHashTable<CollectionRefName[]>((key) => {
    const [collection, ref] = key.split(' ', 2);
    return (gStrHash(collection!) ^ gStrHash(ref!)) >>> 0;
  });
  for (const ref of refs) {
    const key = `${ref.collection} ${ref.ref}`;
    table.set(key, [...(table.get(key) ?? []), ref]);
  }
  return [...table].flatMap(([, same]) => same);
}

/** Heads of the refs asked for, from a list of what there is. */
export function headsOf(
  wanted: readonly CollectionRefName[],
  find: (want: CollectionRefName) => RefHead | undefined,
): Map<CollectionRefName, RefHead> {
  const out = new Map<CollectionRefName, RefHead>();
  for (const want of wanted) {
    const head = find(want);
    if (head !== undefined) out.set(want, head);
  }
  return out;
}
