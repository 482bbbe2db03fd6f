import { CoppiceError, toHex } from '@coppice/base';
import { decode, encode, isNormalForm, type Value, type Variant, VariantDict } from '@coppice/gvariant';
import { checksumBytes } from '../codec/checksum.ts';
import { compareNames } from '../codec/compare-names.ts';

/** A ref in a summary: its commit, the commit object's size, and per-ref metadata. */
export interface SummaryRef {
  readonly ref: string;
  readonly checksum: string;
  readonly commitSize: bigint;
  readonly metadata: VariantDict;
}

/** The summary file, `(a(s(taya{sv}))a{sv})`. */
export interface Summary {
  readonly refs: readonly SummaryRef[];
  readonly metadata: VariantDict;
}

export const summaryType = '(a(s(taya{sv}))a{sv})';
export const refListType = 'a(s(taya{sv}))';

export const summaryKeys = {
  staticDeltas: 'ostree.static-deltas',
  lastModified: 'ostree.summary.last-modified',
  expires: 'ostree.summary.expires',
  mode: 'ostree.summary.mode',
  tombstones: 'ostree.summary.tombstone-commits',
  indexedDeltas: 'ostree.summary.indexed-deltas',
  collectionId: 'ostree.summary.collection-id',
  collectionMap: 'ostree.summary.collection-map',
} as const;

/** The value of a ref list (`a(s(taya{sv}))`) as refs; entries without a whole checksum are `Corrupt`. */
export function refsOfValue(value: Value): SummaryRef[] {
  return (value as [string, [bigint, Uint8Array, Value]][]).map(([ref, [commitSize, bytes, metadata]]) => {
    if (bytes.length !== 32)
      throw new CoppiceError('Corrupt', `Invalid checksum of length ${bytes.length} expected 32`);
    return { ref, checksum: toHex(bytes), commitSize, metadata: VariantDict.from(metadata) };
  });
}

export function valueOfRefs(refs: readonly SummaryRef[]): Value {
  return [...refs]
    .sort((a, b) => compareNames(a.ref, b.ref))
    .map((r) => [r.ref, [r.commitSize, checksumBytes(r.checksum), r.metadata]]) as unknown as Value;
}

/** Bytes of a summary; refs are sorted, the metadata keep their order. */
export function encodeSummary(summary: Summary): Uint8Array {
  return encode(summaryType, [valueOfRefs(summary.refs), summary.metadata] as unknown as Value);
}

/** Reads a summary. Throws `Corrupt` when the bytes are not one; none at all are one without refs, as GLib has it. */
export function decodeSummary(bytes: Uint8Array): Summary {
  if (bytes.length === 0) return { refs: [], metadata: VariantDict.from([]) };
  if (!isNormalForm(summaryType, bytes)) throw new CoppiceError('Corrupt', 'Not normal form');
  const [refs, metadata] = decode(summaryType, bytes) as [Value, Value];
  return { refs: refsOfValue(refs), metadata: VariantDict.from(metadata) };
}

/** Refs by collection: the summary's own (under its collection id, if it has one) and the collection map. */
export function summaryCollections(summary: Summary): Map<string | undefined, readonly SummaryRef[]> {
  const out = new Map<string | undefined, readonly SummaryRef[]>();
  out.set(summary.metadata.lookupString(summaryKeys.collectionId), summary.refs);
  const map = summary.metadata.lookup(summaryKeys.collectionMap, `a{s${refListType}}`);
  for (const [collection, refs] of (map ?? []) as unknown as [string, Value][]) out.set(collection, refsOfValue(refs));
  return out;
}

/** Static deltas by hex name (`TO` or `FROM-TO`), with the checksum of each superblock. */
export function summaryDeltas(metadata: VariantDict): Map<string, string> {
  const out = new Map<string, string>();
  const deltas = metadata.lookup(summaryKeys.staticDeltas, 'a{sv}');
  for (const [name, value] of (deltas ?? []) as unknown as [string, Variant][]) {
    if (value.type === 'ay' && (value.value as Uint8Array).length === 32)
      out.set(name, toHex(value.value as Uint8Array));
  }
  return out;
}

/** A number that is stored big-endian whatever the host. */
export function bigEndian64(value: bigint): bigint {
  let out = 0n;
  for (let i = 0n; i < 8n; i++) out = (out << 8n) | ((value >> (8n * i)) & 0xffn);
  return out;
}
