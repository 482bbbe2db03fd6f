// What a peer on the local network says of a repository in the TXT record of its service (ostree-repo-finder-avahi.c). The
// values are GVariants in normal form, numbers big endian.
import type { CollectionRefName } from '../pull/find-remotes.ts';
import { Bloom, refBloomHash } from './bloom.ts';
import { parseTxtRecord, txtRecord } from './txt-record.ts';

/** DNS-SD type of the service. */
export const serviceType = '_ostree_repo._tcp';

export interface LanAdvert {
  /** False for refs that the repository certainly has not. */
  readonly mayHave: (ref: CollectionRefName) => boolean;
  /** Seconds since the epoch; when the summary was last changed. */
  readonly summaryModified: bigint;
  /** Which of the host's repositories: the path below the host. */
  readonly index: number;
}

const version = 1;
/** Number of the hash function over collection and ref. */
const refHashId = 1;

function fixedSize(value: Uint8Array | undefined, size: number): DataView | undefined {
  return value?.length === size ? new DataView(value.buffer, value.byteOffset, size) : undefined;
}

/** Reads a TXT record; undefined when it is of another version, incomplete or malformed. */
export function readAdvert(entries: readonly Uint8Array[]): LanAdvert | undefined {
  const fields = parseTxtRecord(entries);
  if (fixedSize(fields.get('v'), 1)?.getUint8(0) !== version) return undefined;
  const filter = fields.get('rb');
  if (filter === undefined || filter.length < 2) return undefined;
  const [k, hash] = filter;
  if (k === 0 || hash !== refHashId) return undefined;
  const summaryModified = fixedSize(fields.get('st'), 8)?.getBigUint64(0);
  const index = fixedSize(fields.get('ri'), 2)?.getUint16(0);
  if (summaryModified === undefined || index === undefined) return undefined;
  // A filter without bits excludes nothing.
  const bloom = filter.length === 2 ? undefined : new Bloom(filter.subarray(2), k!, refBloomHash);
  return { mayHave: (ref) => bloom?.maybeContains(ref) ?? true, summaryModified, index };
}

/** Bits of the filter per ref, with as many hashes as make it err least (1 in 100). */
const bitsPerRef = 10;
const hashes = 7;
/** An entry of a TXT record has at most 255 bytes, of which `rb=`, k and the hash's number take five. */
const [leastBytes, mostBytes] = [16, 250];

/** The TXT record for a repository with these refs. */
export function makeAdvert(refs: readonly CollectionRefName[], summaryModified: bigint, index: number): Uint8Array[] {
  const size = Math.min(mostBytes, Math.max(leastBytes, Math.ceil((refs.length * bitsPerRef) / 8)));
  const bloom = new Bloom(new Uint8Array(size), hashes, refBloomHash);
  for (const ref of refs) bloom.add(ref);
  const [st, ri] = [Buffer.alloc(8), Buffer.alloc(2)];
  st.writeBigUInt64BE(summaryModified);
  ri.writeUInt16BE(index);
  return txtRecord({
    v: Uint8Array.of(version),
    rb: Buffer.concat([Uint8Array.of(hashes, refHashId), bloom.bytes]),
    st,
    ri,
  });
}
