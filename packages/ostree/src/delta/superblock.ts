import { CoppiceError, toHex } from '@coppice/base';
import { decode, encode, swap32, swap64, type Value, Variant, VariantDict } from '@coppice/gvariant';
import { checksumBytes } from '../codec/checksum.ts';
import { type ObjectType, objectTypeNumber, objectTypeOfNumber } from '../codec/object-type.ts';
import { bigEndian64 } from '../summary/summary-file.ts';

/** An object that a part creates, in order. */
export interface DeltaObject {
  readonly type: ObjectType;
  readonly checksum: string;
}

export interface DeltaPartHeader {
  readonly version: number;
  /** SHA-256 of the part file. */
  readonly checksum: string;
  readonly size: number;
  readonly uncompressedSize: number;
  readonly objects: readonly DeltaObject[];
}

/** An object that the delta leaves to an ordinary fetch. */
export interface DeltaFallback extends DeltaObject {
  readonly compressedSize: number;
  readonly uncompressedSize: number;
}

export type DeltaEndianness = 'little' | 'big' | 'little-heuristic' | 'big-heuristic' | 'invalid';

/** A delta's superblock with its numbers in order. */
export interface Superblock {
  readonly metadata: VariantDict;
  readonly timestamp: bigint;
  readonly from: string | undefined;
  readonly to: string;
  /** The TO commit object's bytes. */
  readonly commit: Uint8Array;
  readonly parts: readonly DeltaPartHeader[];
  readonly fallbacks: readonly DeltaFallback[];
  readonly endianness: DeltaEndianness;
}

const commitType = '(a{sv}aya(say)sstayay)';
const partHeaderType = '(uayttay)';
const fallbackType = '(yaytt)';
export const superblockType = `(a{sv}tayay${commitType}aya${partHeaderType}a${fallbackType})`;
const signedType = '(taya{sv})';
const signedMagic = 0x4f535453474e4454n;
export const endiannessKey = 'ostree.endianness';

/** A superblock file that carries signatures around the inner superblock. */
export interface SignedSuperblock {
  readonly inner: Uint8Array;
  readonly signatures: VariantDict;
}

export function isSigned(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && Buffer.from(bytes.buffer, bytes.byteOffset, 8).toString('latin1') === 'OSTSGNDT';
}

/** Takes the signed form apart; undefined for an unsigned superblock. */
export function readSigned(bytes: Uint8Array): SignedSuperblock | undefined {
  if (!isSigned(bytes)) return undefined;
  const [, inner, signatures] = decode(signedType, bytes) as [bigint, Uint8Array, Value];
  // The inner value was aligned when it was written by itself: give it memory of its own.
  return { inner: Uint8Array.from(inner), signatures: VariantDict.from(signatures) };
}

export function writeSigned(inner: Uint8Array, signatures: VariantDict): Uint8Array {
  return encode(signedType, [bigEndian64(signedMagic), inner, signatures]);
}

function checksumOf(bytes: Uint8Array, what: string): string {
  if (bytes.length !== 32)
    throw new CoppiceError('Corrupt', `Invalid checksum of length ${bytes.length} expected 32 in ${what}`);
  return toHex(bytes);
}

const maxObjects = 50_000_000;

function readObjects(bytes: Uint8Array): DeltaObject[] {
  if (bytes.length % 33 !== 0 || bytes.length / 33 > maxObjects)
    throw new CoppiceError('Corrupt', `Invalid checksums array length in delta part`);
  const out: DeltaObject[] = [];
  const list = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < list.length; at += 33)
    out.push({ type: objectTypeOfNumber(list[at]!), checksum: list.toString('hex', at + 1, at + 33) });
  return out;
}

const isBig = (e: DeltaEndianness): boolean => e === 'big' || e === 'big-heuristic';

/**
 * Byte order of the sizes: the key says it; in deltas older than the key sizes that make no sense tell that they are
 * swapped (libostree guesses alike).
 */
function guessEndianness(
  metadata: VariantDict,
  parts: readonly { size: bigint; usize: bigint; objects: number }[],
): DeltaEndianness {
  const said = metadata.lookup(endiannessKey, 'y');
  if (said === 0x6c) return 'little';
  if (said === 0x42) return 'big';
  if (said !== undefined) throw new CoppiceError('Corrupt', `Unexpected endianness value '${String(said)}'`);
  let total = 0n;
  let objects = 0n;
  for (const { size, usize, objects: count } of parts) {
    total += size + usize;
    objects += BigInt(count);
    if (Number(size) > 1.2 * Number(usize)) return 'big-heuristic';
  }
  if (objects > 0n && total / objects > 0xffffffffn) return 'big-heuristic';
  return 'invalid';
}

function safeSize(value: bigint): number {
  const n = Number(value);
  if (!Number.isSafeInteger(n)) throw new CoppiceError('Limit', `Invalid size ${value} in static delta`);
  return n;
}

/** Reads a superblock (the inner one, of a signed delta). Throws `Corrupt`. */
export function decodeSuperblock(bytes: Uint8Array): Superblock {
  const [metadataValue, timestamp, from, to, commit, recurse, headers, fallbacks] = decode(superblockType, bytes) as [
    Value,
    bigint,
    Uint8Array,
    Uint8Array,
    Value,
    Uint8Array,
    [number, Uint8Array, bigint, bigint, Uint8Array][],
    [number, Uint8Array, bigint, bigint][],
  ];
  const metadata = VariantDict.from(metadataValue);
  if (recurse.length > 0) throw new CoppiceError('Unsupported', 'Static delta refers to other deltas');
  const endianness = guessEndianness(
    metadata,
    headers.map(([, , size, usize, objects]) => ({ size, usize, objects: Math.floor(objects.length / 33) })),
  );
  const u32 = (n: number): number => (isBig(endianness) ? swap32(n) : n);
  const u64 = (n: bigint): number => safeSize(isBig(endianness) ? swap64(n) : n);
  return {
    metadata,
    timestamp: bigEndian64(timestamp),
    from: from.length === 0 ? undefined : checksumOf(from, 'static delta'),
    to: checksumOf(to, 'static delta'),
    commit: encode(commitType, commit),
    parts: headers.map(([version, checksum, size, usize, objects]) => ({
      version: u32(version),
      checksum: checksumOf(checksum, 'delta part'),
      size: u64(size),
      uncompressedSize: u64(usize),
      objects: readObjects(objects),
    })),
    fallbacks: fallbacks.map(([type, checksum, compressed, uncompressed]) => ({
      type: objectTypeOfNumber(type),
      checksum: checksumOf(checksum, 'delta fallback'),
      compressedSize: u64(compressed),
      uncompressedSize: u64(uncompressed),
    })),
    endianness,
  };
}

/** Bytes of a superblock; `endianness` decides the order of its sizes and is what the metadata must say. */
export function encodeSuperblock(block: Superblock): Uint8Array {
  const big = isBig(block.endianness);
  const u32 = (n: number): number => (big ? swap32(n) : n);
  const u64 = (n: number): bigint => (big ? swap64(BigInt(n)) : BigInt(n));
  const objects = (list: readonly DeltaObject[]): Uint8Array =>
    Buffer.concat(list.map((o) => Buffer.concat([Uint8Array.of(objectTypeNumber(o.type)), checksumBytes(o.checksum)])));
  return encode(superblockType, [
    block.metadata as unknown as Value,
    bigEndian64(block.timestamp),
    block.from === undefined ? new Uint8Array(0) : checksumBytes(block.from),
    checksumBytes(block.to),
    decode(commitType, block.commit),
    new Uint8Array(0),
    block.parts.map((p) => [
      u32(p.version),
      checksumBytes(p.checksum),
      u64(p.size),
      u64(p.uncompressedSize),
      objects(p.objects),
    ]),
    block.fallbacks.map((f) => [
      objectTypeNumber(f.type),
      checksumBytes(f.checksum),
      u64(f.compressedSize),
      u64(f.uncompressedSize),
    ]),
  ]);
}

/** An inline part: the value under its path in the metadata, as the bytes a part file would have. */
export function inlinePart(block: Superblock, path: string): Uint8Array | undefined {
  const value = block.metadata.get(path);
  if (value?.type !== '(yay)') return undefined;
  return encode('(yay)', value.value);
}

export function endiannessVariant(big: boolean): Variant {
  return new Variant('y', big ? 0x42 : 0x6c);
}
