// The checks of rpm 6: digests of packages of format 6, several signatures as text in one tag, and a rule for every range that
// nothing vouches for (librpm's rpmvs).
import type { Keyring } from '@coppice/signing';
import { verifyWords } from '../compat.ts';
import { SigTag, Tag } from '../header/tag.ts';
import { digestCheck, type PackageCheck, type PackageVerdict, type Pending, signatureCheck } from './checks.ts';
import type { RpmPackage } from './rpm-package.ts';

const words = verifyWords['6.1'];
const rangeBits = { header: 1, payload: 2, package: 3 } as const;
const everything = 3;
const legacyFrom = 1000;

/** One thing that may be in a package. */
interface Item {
  readonly tag: number;
  readonly type: PackageCheck['type'];
  readonly range: PackageCheck['range'];
  /** Of digests. */
  readonly hash: number;
  /** Of signatures: RSA 1, DSA 17. */
  readonly key: number;
  /** A digest of the uncompressed payload. */
  readonly alternative: boolean;
  /** In the signature header; the rest is vouched for by the main header. */
  readonly outside: boolean;
}

const item = (tag: number, type: Item['type'], range: Item['range'], more: Partial<Item> = {}): Item => ({
  ...{ tag, type, range, hash: 0, key: 0, alternative: false, outside: true },
  ...more,
});
const payloadDigests = (hash: number, tag: number, alternative: number): readonly Item[] => [
  item(tag, 'digest', 'payload', { hash, outside: false }),
  item(alternative, 'digest', 'payload', { hash, alternative: true, outside: false }),
];

/** In rpm's order. SHA-1 and MD5 digests are not looked at. */
const items: readonly Item[] = [
  item(Tag.OpenPgp, 'signature', 'header'),
  item(SigTag.Pgp, 'signature', 'package', { key: 1 }),
  item(SigTag.Gpg, 'signature', 'package', { key: 17 }),
  item(Tag.DsaHeader, 'signature', 'header', { key: 17 }),
  item(Tag.RsaHeader, 'signature', 'header', { key: 1 }),
  item(Tag.Sha256Header, 'digest', 'header', { hash: 8 }),
  item(Tag.Sha3Header, 'digest', 'header', { hash: 12 }),
  ...payloadDigests(8, Tag.PayloadDigest, Tag.PayloadDigestAlt),
  ...payloadDigests(10, Tag.PayloadSha512, Tag.PayloadSha512Alt),
  ...payloadDigests(12, Tag.PayloadSha3_256, Tag.PayloadSha3_256Alt),
];

interface Look {
  readonly item: Item;
  /** Hash of the digest or signature. */
  readonly hash: number;
  /** Tag and place in it; 0 when it is not there. */
  readonly id: number;
  readonly pending: Pending | undefined;
  check: PackageCheck;
}

const missingText = ({ type, range, hash, key, alternative }: Item): string =>
  type === 'digest'
    ? digestCheck(words, range, 0, hash, '', alternative)!.finish().text
    : `${words.ranges[range]}OpenPGP ${key === 0 ? '' : `${key === 1 ? 'RSA' : 'DSA'} `}signature`;

function looks(pkg: RpmPackage, keyring: Keyring | undefined, now: number): Look[] {
  const { signature: sigs, header } = pkg;
  const out: Look[] = [];
  const isNew = sigs.has(SigTag.Reserved) && sigs.has(Tag.Sha3Header);
  let modern = false;
  for (const one of items) {
    const { tag, type, range, hash, alternative, outside } = one;
    if (outside && isNew && tag >= legacyFrom) continue;
    // Signatures in the old places are of no interest beside new ones.
    if (modern && type === 'signature') continue;
    const from = outside ? sigs : header;
    const add = (index: number, pending: Pending | undefined, kind: number): void => {
      const check: PackageCheck = { type, range, status: 'NOTFOUND', text: missingText(one) };
      const id = pending === undefined ? 0 : tag * 65536 + index;
      out.push({ item: one, hash: kind, id, pending, check });
    };
    if (!from.has(tag)) add(0, undefined, hash);
    else if (type === 'digest')
      add(0, digestCheck(words, range, tag, hash, from.getStrings(tag)[0] ?? '', alternative), hash);
    else {
      const packets =
        tag === Tag.OpenPgp ? from.getStrings(tag).map((text) => Buffer.from(text, 'base64')) : [from.getBinary(tag)!];
      packets.forEach((packet, index) => {
        const pending = signatureCheck(words, range, tag, packet, keyring, now);
        if (tag === Tag.OpenPgp && pending.hash !== 0) modern = true;
        add(index, pending, pending.hash);
      });
    }
  }
  return out;
}

/** Stronger ones first; the places in the header decide the rest. */
function order(a: Look, b: Look): number {
  return (
    rangeBits[a.item.range] - rangeBits[b.item.range] ||
    Number(b.item.type === 'signature') - Number(a.item.type === 'signature') ||
    b.item.key - a.item.key ||
    b.hash - a.hash ||
    b.id - a.id
  );
}

/** What rpm 6 says of a package. */
export function newestVerdict(
  pkg: RpmPackage,
  keyring: Keyring | undefined,
  now: number,
  read: (pkg: RpmPackage, checks: readonly Pending[]) => void,
): PackageVerdict {
  const list = looks(pkg, keyring, now);
  read(
    pkg,
    list.flatMap(({ pending }) => pending ?? []),
  );
  list.sort(order);
  const verified = { digest: 0, signature: 0 };
  for (const look of list) {
    if (look.pending !== undefined) look.check = look.pending.finish();
    const { item: of, check } = look;
    if (check.status !== 'OK') continue;
    verified[of.type] |= rangeBits[of.range];
    // The payload's digests stand in the header: where that is signed, they are worth as much.
    if (!of.outside && verified.signature & rangeBits.header) verified.signature |= rangeBits[of.range];
  }
  const signed = verified.signature !== 0;
  const failed = { digest: verified.digest !== everything, signature: signed && verified.signature !== everything };
  const checks: PackageCheck[] = [];
  for (const look of list) {
    const { item: of } = look;
    const twin = list.find((other) => other.id !== look.id && other.item !== of && isPair(other.item, of));
    if (of.type === 'digest' && look.check.status === 'BAD' && twin?.check.status === 'OK')
      look.check = { type: of.type, range: of.range, status: 'NOTFOUND', text: look.check.text };
    const counts = (type: PackageCheck['type']): boolean =>
      of.type === type || (type === 'signature' && !of.outside && (verified.signature & rangeBits.header) !== 0);
    const lacks =
      (counts('digest') ? everything & ~verified.digest : 0) |
      (signed && counts('signature') ? everything & ~verified.signature : 0);
    if (look.check.status === 'NOTFOUND' && (lacks & rangeBits[of.range]) === 0) continue;
    checks.push(look.check);
    if (look.check.status === 'BAD' || look.check.status === 'NOKEY') failed[of.type] = true;
  }
  return {
    checks,
    ok: !failed.digest && !failed.signature,
    failed,
    hasSignature: checks.some((check) => check.type === 'signature' && check.status !== 'NOTFOUND'),
  };
}

/** A digest of the payload and the one of its content. */
function isPair(a: Item, b: Item): boolean {
  return a.range === 'payload' && b.range === 'payload' && a.hash === b.hash;
}
