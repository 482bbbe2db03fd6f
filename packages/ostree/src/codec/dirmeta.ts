import { asBuffer, notNormal } from './framing.ts';
import { checkDirMode } from './mode-bits.ts';
import { checkXattrOrder, decodeXattrs, encodeXattrs, type Xattr } from './xattrs.ts';

/** Owner, mode (with S_IFDIR) and attributes of a directory: GVariant `(uuua(ayay))`, numbers big-endian. */
export interface DirMeta {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly xattrs: readonly Xattr[];
}

/** Bytes of a dirmeta object; also of the `user.ostreemeta` attribute, whose mode is a file's. `xattrs` must be sorted. */
export function encodeDirMeta(meta: DirMeta): Buffer {
  const xattrs = encodeXattrs(meta.xattrs);
  const out = Buffer.allocUnsafe(12 + xattrs.length);
  out.writeUInt32BE(meta.uid, 0);
  out.writeUInt32BE(meta.gid, 4);
  out.writeUInt32BE(meta.mode, 8);
  out.set(xattrs, 12);
  return out;
}

/**
 * Reads a dirmeta object; throws `Corrupt` for anything libostree's validation refuses. Old releases wrote attributes in
 * `any` order.
 */
export function decodeDirMeta(source: Uint8Array, order: 'sorted' | 'any' = 'sorted'): DirMeta {
  const meta = decodeOwnership(source, 'dirmeta');
  checkDirMode(meta.mode);
  if (order === 'sorted') checkXattrOrder(meta.xattrs);
  return meta;
}

/** Reads `(uuua(ayay))` without judging the mode. */
export function decodeOwnership(source: Uint8Array, what: string): DirMeta {
  const bytes = asBuffer(source);
  if (bytes.length < 12) throw notNormal(what);
  return {
    uid: bytes.readUInt32BE(0),
    gid: bytes.readUInt32BE(4),
    mode: bytes.readUInt32BE(8),
    xattrs: decodeXattrs(bytes, 12, bytes.length, what),
  };
}
