import { CoppiceError } from '@coppice/base';
import { decode, encode, framedSize, offsetWidth, type Value } from '@coppice/gvariant';
import { sortXattrs, type Xattr } from '../codec/xattrs.ts';
import { type Room, xzDecompress, xzDecompressAside } from './compression.ts';

/** What a part holds: modes and attributes by index, a blob of bytes, and operations on them. */
export interface PartPayload {
  readonly modes: readonly { readonly uid: number; readonly gid: number; readonly mode: number }[];
  readonly xattrs: readonly (readonly Xattr[])[];
  readonly blob: Uint8Array;
  readonly operations: Uint8Array;
}

const payloadType = '(a(uuu)aa(ayay)ayay)';

function bigEndian32(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

function readXattrs(list: readonly [Uint8Array, Uint8Array][]): readonly Xattr[] {
  const out = list.map(([name, value]) => ({
    name: Buffer.from(name).toString('utf8').replace(/\0$/, ''),
    value: Uint8Array.from(value),
  }));
  return sortXattrs(out);
}

/** Undoes a part file's compression. Throws `Corrupt` for an unknown kind, `Limit` over `limit` bytes. */
export function uncompressPart(bytes: Uint8Array, limit: number): Uint8Array {
  const kind = bytes[0];
  const data = bytes.subarray(1);
  if (kind === 0) return data;
  if (kind === 0x78) return xzDecompress(data, limit);
  throw new CoppiceError('Corrupt', `Invalid compression type '${kind ?? 0}'`);
}

/** As `uncompressPart`, off the main thread and into what `room` gives where that is possible. */
export async function uncompressPartAside(bytes: Uint8Array, limit: number, room: Room): Promise<Uint8Array> {
  return bytes[0] === 0x78 ? xzDecompressAside(bytes.subarray(1), limit, room) : uncompressPart(bytes, limit);
}

/** Reads the payload of a part. */
export function decodePayload(bytes: Uint8Array): PartPayload {
  const [modes, xattrs, blob, operations] = decode(payloadType, bytes) as [
    [number, number, number][],
    [Uint8Array, Uint8Array][][],
    Uint8Array,
    Uint8Array,
  ];
  return {
    modes: modes.map(([uid, gid, mode]) => ({ uid: bigEndian32(uid), gid: bigEndian32(gid), mode: bigEndian32(mode) })),
    xattrs: xattrs.map(readXattrs),
    blob,
    operations,
  };
}

/** A payload but for its blob: what stands before it and after it. */
export interface PayloadFrame {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/** What goes around a blob of so many bytes, so that a payload can be written without holding it. */
export function payloadFrame(payload: Omit<PartPayload, 'blob'>, blobSize: number): PayloadFrame {
  const modes = encode('a(uuu)', payload.modes.map((m) => [m.uid, m.gid, m.mode].map(bigEndian32)) as unknown as Value);
  const sets = payload.xattrs.map((set) => set.map((x) => [Buffer.from(`${x.name}\0`), x.value]));
  const xattrs = encode('aa(ayay)', sets as unknown as Value);
  const ends = [modes.length + xattrs.length + blobSize, modes.length + xattrs.length, modes.length];
  const body = ends[0]! + payload.operations.length;
  const width = offsetWidth(framedSize(body, ends.length));
  const offsets = Buffer.alloc(width * ends.length);
  ends.forEach((end, i) => {
    if (width === 8) offsets.writeBigUInt64LE(BigInt(end), i * width);
    else offsets.writeUIntLE(end, i * width, width);
  });
  return { head: Buffer.concat([modes, xattrs]), tail: Buffer.concat([payload.operations, offsets]) };
}
