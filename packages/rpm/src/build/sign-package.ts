// Signing and unsigning packages that exist: the signature header is rewritten, header and payload stay as they are.
import { CoppiceError } from '@coppice/base';
import { loadSigningKey, sign } from '@coppice/signing';
import type { Header } from '../header/header.ts';
import { headerMagic } from '../header/header.ts';
import { HeaderBuilder } from '../header/header-builder.ts';
import { HeaderType, SigTag, Tag } from '../header/tag.ts';
import { leadSize } from '../package/lead.ts';
import type { RpmPackage } from '../package/rpm-package.ts';

const signatureTags: readonly number[] = [Tag.RsaHeader, Tag.DsaHeader, SigTag.Pgp, SigTag.Gpg, Tag.OpenPgp];

function copyOf(signature: Header): HeaderBuilder {
  const builder = new HeaderBuilder();
  for (const tag of signature.tags()) {
    if (signatureTags.includes(tag) || tag === SigTag.ReservedSpace || tag === SigTag.Reserved) continue;
    const { type } = signature.entry(tag)!;
    if (type === HeaderType.Binary) builder.put(tag, signature.getBinary(tag)!, type);
    else if (type >= HeaderType.String) builder.put(tag, signature.getStrings(tag), type);
    else builder.put(tag, signature.getNumbers(tag), type);
  }
  return builder;
}

export interface ResignOptions {
  /** An OpenPGP secret key; without it signatures are only removed. */
  readonly secretKey?: Uint8Array;
  readonly passphrase?: string;
  /** Seconds since the epoch. */
  readonly created?: number;
}

/**
 * The package's bytes up to its payload with a new signature by `secretKey` over the header (the payload is covered
 * through its digest there), or with none. Reserved space gives or takes what the signature needs, so that the payload
 * keeps its place where it can. Throws `Unsupported` for packages without a payload digest, whose payload such a
 * signature would not protect.
 */
export function resignedHead(pkg: RpmPackage, options: ResignOptions): Uint8Array {
  const builder = copyOf(pkg.signature);
  // Packages of format 6 have their signatures, any number of them, as text in one tag.
  const isNew = pkg.signature.has(Tag.Sha3Header) && pkg.signature.has(SigTag.Reserved);
  if (options.secretKey !== undefined) {
    if (!pkg.header.has(Tag.PayloadDigest))
      throw new CoppiceError(
        'Unsupported',
        `${pkg.source.name}: no payload digest; a signature would not cover the payload`,
      );
    const key = loadSigningKey(
      options.secretKey,
      options.passphrase === undefined ? {} : { passphrase: options.passphrase },
    );
    const packet = sign(
      key,
      pkg.header.signedBytes(),
      options.created === undefined ? {} : { created: options.created },
    );
    const { algorithm } = key.public;
    if (isNew) builder.put(Tag.OpenPgp, [Buffer.from(packet).toString('base64')], HeaderType.StringArray);
    else builder.put(algorithm === 1 || algorithm === 3 ? Tag.RsaHeader : Tag.DsaHeader, packet);
  }
  // 16 bytes of index and the space itself: what is over from the old size.
  const bare = builder.build(Tag.HeaderSignatures).blob.length;
  const spare = pkg.signature.blob.length - bare - 16;
  if (spare > 0) builder.put(isNew ? SigTag.Reserved : SigTag.ReservedSpace, new Uint8Array(spare), HeaderType.Binary);
  const signature = builder.build(Tag.HeaderSignatures);
  const lead = pkg.source.read(0, leadSize);
  const end = headerMagic.length + signature.blob.length;
  return Buffer.concat([
    lead,
    headerMagic,
    signature.blob,
    new Uint8Array((8 - (end % 8)) % 8),
    headerMagic,
    pkg.header.blob,
  ]);
}
