import type { RpmLevel } from '../compat.ts';
import type { Header } from '../header/header.ts';
import { HeaderBuilder } from '../header/header-builder.ts';
import { HeaderType, SigTag, Tag } from '../header/tag.ts';
import { filePaths } from '../package/files.ts';
import { isSourceHeader } from '../package/rpm-package.ts';

/** Tags of the signature header that move into an installed header, and what they become (rpm's headerMergeLegacySigs). */
const merged: readonly (readonly [number, number])[] = [
  [SigTag.Size, Tag.SigSize],
  [SigTag.Pgp, Tag.SigPgp],
  [SigTag.Md5, Tag.SigMd5],
  [SigTag.Gpg, Tag.SigGpg],
  [SigTag.PayloadSize, Tag.ArchiveSize],
  [SigTag.FileSignatures, Tag.FileSignatures],
  [SigTag.FileSignatureLength, Tag.FileSignatureLength],
  [SigTag.VeritySignatures, SigTag.VeritySignatures],
  [SigTag.VeritySignatureAlgo, SigTag.VeritySignatureAlgo],
  [Tag.Sha1Header, Tag.Sha1Header],
  [Tag.Sha256Header, Tag.Sha256Header],
  [Tag.DsaHeader, Tag.DsaHeader],
  [Tag.RsaHeader, Tag.RsaHeader],
  [Tag.LongSigSize, Tag.LongSigSize],
  [Tag.LongArchiveSize, Tag.LongArchiveSize],
];
/** What later releases also keep. */
const newer: readonly (readonly [number, number])[] = [
  [Tag.OpenPgp, Tag.OpenPgp],
  [Tag.Sha3Header, Tag.Sha3Header],
];
const mergedBy = { '4.18': merged, '6.1': [...merged, ...newer] } as const;

function copyTag(from: Header, tag: number, builder: HeaderBuilder, as: number): void {
  const { type } = from.entry(tag)!;
  if (type === HeaderType.Binary) builder.put(as, from.getBinary(tag)!, type);
  else if (type >= HeaderType.String) builder.put(as, from.getStrings(tag), type);
  else builder.put(as, from.getNumbers(tag), type);
}

/** The package header with its signature tags added, as `rpm -q` sees a package file. */
export function mergeSignatures(header: Header, signature: Header, level: RpmLevel = '4.18'): Header {
  const builder = new HeaderBuilder();
  // Packages of format 6 have what old releases look for as well, which the new ones leave alone.
  const isNew = level === '6.1' && signature.has(SigTag.Reserved) && signature.has(Tag.Sha3Header);
  for (const [tag, as] of mergedBy[level])
    if (signature.has(tag) && !header.has(as) && !(isNew && tag >= 1000)) copyTag(signature, tag, builder, as);
  // rpm marks source packages of before the tag existed.
  if (isSourceHeader(header) && !header.has(Tag.SourcePackage)) builder.put(Tag.SourcePackage, 1);
  return builder.extend(header);
}

export interface InstallFacts {
  /** Seconds since the epoch. */
  readonly installTime: number;
  /** Transaction id; rpm uses the time the transaction began. */
  readonly tid: number;
  /** Colours of the transaction: 3 on 64-bit multilib systems, 0 elsewhere. */
  readonly color?: number;
  /** One RPMFILE_STATE_* per file (0 normal, 1 replaced, 2 not installed, 3 net shared, 4 wrong colour); default all normal. */
  readonly states?: readonly number[];
}

/** The header as rpm stores it in the database: the signed part untouched, signatures and install facts after it. */
export function installedHeader(header: Header, signature: Header, facts: InstallFacts): Header {
  const builder = new HeaderBuilder();
  for (const [tag, as] of merged) if (signature.has(tag) && !header.has(as)) copyTag(signature, tag, builder, as);
  builder
    .put(Tag.InstallTime, facts.installTime)
    .put(Tag.InstallColor, facts.color ?? 3)
    .put(Tag.InstallTid, facts.tid);
  const count = filePaths(header).length;
  if (count > 0) builder.put(Tag.FileStates, facts.states ?? new Array<number>(count).fill(0), HeaderType.Char);
  // A relocatable package installed where it says records that.
  if (header.has(Tag.Prefixes)) builder.put(1099, header.getStrings(Tag.Prefixes), HeaderType.StringArray);
  return builder.extend(header);
}
