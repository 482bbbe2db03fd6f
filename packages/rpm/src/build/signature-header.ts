import { createHash } from 'node:crypto';
import type { Header } from '../header/header.ts';
import { headerMagic } from '../header/header.ts';
import { HeaderBuilder } from '../header/header-builder.ts';
import { HeaderType, SigTag, Tag } from '../header/tag.ts';

/** Room rpmbuild leaves so that signing later does not move the payload. */
const reservedSpace = 4128;

export interface SignatureParts {
  /** OpenPGP signature packets over the header (RSA goes to tag 268, every other algorithm to 267). */
  readonly headerSignature?: { readonly packet: Uint8Array; readonly rsa: boolean };
}

/** The signature header of a v4 package: digests of header and header+payload, sizes, signatures, reserved space. */
export function buildSignatureHeader(
  header: Header,
  payload: { chunks: Iterable<Uint8Array>; size: number; archiveSize: number },
  parts: SignatureParts = {},
): Header {
  const md5 = createHash('md5').update(headerMagic).update(header.blob);
  for (const chunk of payload.chunks) md5.update(chunk);
  const digest = (algorithm: string): string => {
    const hash = createHash(algorithm);
    for (const piece of header.signedBytes()) hash.update(piece);
    return hash.digest('hex');
  };
  const size = headerMagic.length + header.blob.length + payload.size;
  const builder = new HeaderBuilder()
    .put(Tag.Sha1Header, digest('sha1'))
    .put(Tag.Sha256Header, digest('sha256'))
    .put(SigTag.Md5, new Uint8Array(md5.digest()), HeaderType.Binary);
  let reserved = reservedSpace;
  // Both sizes are of one width.
  if (size > 0xffffffff || payload.archiveSize > 0xffffffff) {
    builder
      .put(Tag.LongSigSize, size, HeaderType.Int64)
      .put(Tag.LongArchiveSize, payload.archiveSize, HeaderType.Int64);
  } else {
    builder.put(SigTag.Size, size, HeaderType.Int32);
    builder.put(SigTag.PayloadSize, payload.archiveSize, HeaderType.Int32);
  }
  if (parts.headerSignature !== undefined) {
    const { packet, rsa } = parts.headerSignature;
    builder.put(rsa ? Tag.RsaHeader : Tag.DsaHeader, packet);
    reserved = Math.max(0, reserved - packet.length - 16);
  }
  if (reserved > 0) builder.put(SigTag.ReservedSpace, new Uint8Array(reserved), HeaderType.Binary);
  return builder.build(Tag.HeaderSignatures);
}

/** Lead, signature header padded to 8, and header: all that stands before the payload. */
export function assembleHead(lead: Uint8Array, signature: Header, header: Header): Buffer {
  const signatureEnd = headerMagic.length + signature.blob.length;
  const padding = (8 - (signatureEnd % 8)) % 8;
  return Buffer.concat([lead, headerMagic, signature.blob, new Uint8Array(padding), headerMagic, header.blob]);
}
