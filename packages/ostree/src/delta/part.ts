import { CoppiceError } from '@coppice/base';
import { decode, encode, type Value } from '@coppice/gvariant';
import { sortXattrs, type Xattr } from '../codec/xattrs.ts';
import { xzCompress, xzDecompress, xzDecompressAside } from './compression.ts';

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

/** As `uncompressPart`, off the main thread where that is possible. */
export async function uncompressPartAside(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  return bytes[0] === 0x78 ? xzDecompressAside(bytes.subarray(1), limit) : uncompressPart(bytes, limit);
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

/** Bytes of a payload. */
export function encodePayload(payload: PartPayload): Uint8Array {
  const xattrs = payload.xattrs.map((set) => set.map((x) => [Buffer.from(`${x.name}\0`), x.value]));
  return encode(payloadType, [
    payload.modes.map((m) => [bigEndian32(m.uid), bigEndian32(m.gid), bigEndian32(m.mode)]),
    xattrs,
    payload.blob,
    payload.operations,
  ] as unknown as Value);
}

/** A part file: `x` and the xz container of the payload. */
export async function compressPart(payload: Uint8Array): Promise<Uint8Array> {
  const packed = await xzCompress(payload);
  const out = new Uint8Array(packed.length + 1);
  out[0] = 0x78;
  out.set(packed, 1);
  return out;
}
