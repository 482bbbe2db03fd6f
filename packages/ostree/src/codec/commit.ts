import { CoppiceError } from '@coppice/base';
import { encode, isNormalForm, type Variant, VariantDict } from '@coppice/gvariant';
import { type CommitParts, decodeCommit, encodeCommit } from './commit-object.ts';
import { notNormal } from './framing.ts';

export interface Commit extends Omit<CommitParts, 'metadata'> {
  readonly metadata: VariantDict;
}

/** Metadata in the order wanted in the bytes; a list may name a key twice, of which readers take the first. */
export type MetadataEntries = ReadonlyMap<string, Variant> | readonly (readonly [key: string, value: Variant])[];

/** What a writer gives. */
export interface CommitFields extends Omit<CommitParts, 'metadata' | 'timestamp'> {
  readonly metadata: MetadataEntries;
  /** Seconds since the epoch. */
  readonly timestamp: bigint | number;
}

/** Bytes of `a{sv}` in the entries' order. */
export function encodeDict(dict: MetadataEntries): Buffer {
  return Buffer.from(encode('a{sv}', [...dict]));
}

/** Bytes of a commit object. Throws `Invalid` for an empty metadata key. */
export function commitBytes(commit: CommitFields): Buffer {
  if ([...commit.metadata].some(([key]) => key === '')) throw new CoppiceError('Invalid', 'Empty metadata key');
  return encodeCommit({ ...commit, timestamp: BigInt(commit.timestamp), metadata: encodeDict(commit.metadata) });
}

/** Reads a commit object; throws `Corrupt` unless it is normal form throughout. */
export function parseCommit(bytes: Uint8Array): Commit {
  const parts = decodeCommit(bytes);
  if (!isNormalForm('a{sv}', parts.metadata)) throw notNormal('commit');
  const metadata = VariantDict.decode(parts.metadata);
  if (metadata.has('')) throw new CoppiceError('Corrupt', 'Empty metadata key');
  return { ...parts, metadata };
}

export type { VariantDict };
