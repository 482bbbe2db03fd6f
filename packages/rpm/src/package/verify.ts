// Digests and signatures of a package, judged and worded as `rpm -K` does.
import type { Keyring } from '@coppice/signing';
import { type RpmLevel, verifyWords } from '../compat.ts';
import { headerMagic } from '../header/header.ts';
import { SigTag, Tag } from '../header/tag.ts';
import { digestCheck, type PackageCheck, type PackageVerdict, type Pending, signatureCheck } from './checks.ts';
import type { RpmPackage } from './rpm-package.ts';
import { newestVerdict } from './verify-newest.ts';

function pendingChecks(pkg: RpmPackage, keyring: Keyring | undefined, now: number): Pending[] {
  const { signature: sigs, header } = pkg;
  const words = verifyWords['4.18'];
  const out: (Pending | undefined)[] = [];
  const text = (tag: number): string | undefined => (sigs.has(tag) ? sigs.getString(tag) : undefined);
  const sha256 = text(Tag.Sha256Header);
  const sha1 = text(Tag.Sha1Header);
  if (sha256 !== undefined) out.push(digestCheck(words, 'header', Tag.Sha256Header, 8, sha256));
  if (sha1 !== undefined) out.push(digestCheck(words, 'header', Tag.Sha1Header, 2, sha1));
  for (const [tag, range] of [
    [Tag.DsaHeader, 'header'],
    [Tag.RsaHeader, 'header'],
    [SigTag.Pgp, 'package'],
    [SigTag.Gpg, 'package'],
  ] as const)
    if (sigs.has(tag)) out.push(signatureCheck(words, range, tag, sigs.getBinary(tag)!, keyring, now));
  const algorithm = header.getNumber(Tag.PayloadDigestAlgo) ?? 8;
  const payload = header.getStrings(Tag.PayloadDigest)[0];
  const plain = header.getStrings(Tag.PayloadDigestAlt)[0];
  if (payload !== undefined) out.push(digestCheck(words, 'payload', Tag.PayloadDigest, algorithm, payload));
  if (plain !== undefined) out.push(digestCheck(words, 'payload', Tag.PayloadDigestAlt, algorithm, plain, true));
  const md5 = sigs.has(SigTag.Md5) ? sigs.getBinary(SigTag.Md5) : undefined;
  if (md5 !== undefined) out.push(digestCheck(words, 'package', SigTag.Md5, 1, Buffer.from(md5).toString('hex')));
  return out.filter((check) => check !== undefined);
}

/** Feeds the checks with what each covers, reading the payload once. */
function readAll(pkg: RpmPackage, checks: readonly Pending[]): void {
  const header = checks.filter((c) => c.range === 'header');
  const payload = checks.filter((c) => c.range === 'payload');
  const whole = checks.filter((c) => c.range === 'package');
  for (const bytes of pkg.header.signedBytes()) for (const check of header) check.update(bytes);
  for (const check of whole) {
    check.update(headerMagic);
    check.update(pkg.header.blob);
  }
  if (payload.length + whole.length > 0) {
    for (const bytes of pkg.source.stream(pkg.headerRange.end)) {
      for (const check of payload) check.update(bytes);
      for (const check of whole) check.update(bytes);
    }
  }
}

const rangeOrder = { header: 0, payload: 1, package: 2 } as const;

/**
 * Checks every digest and signature of a package against `keyring`, reading the payload once. Nothing is thrown for a
 * bad package: the verdict says it.
 */
export function verifyPackage(
  pkg: RpmPackage,
  keyring?: Keyring,
  options: {
    /** Seconds since the epoch. */
    readonly now?: number;
    /** Whose rules: rpm 4.18's (default) or those of the newest, which also looks at the digests and signatures of v6 packages. */
    readonly level?: RpmLevel;
  } = {},
): PackageVerdict {
  const now = options.now ?? Math.floor(Date.now() / 1000);
  if (options.level === '6.1') return newestVerdict(pkg, keyring, now, readAll);
  const checks = pendingChecks(pkg, keyring, now);
  readAll(pkg, checks);
  checks.sort(
    (a, b) =>
      rangeOrder[a.range] - rangeOrder[b.range] ||
      Number(b.type === 'signature') - Number(a.type === 'signature') ||
      b.strength - a.strength ||
      b.tag - a.tag,
  );
  const results = checks.map((pending) => ({ pending, check: pending.finish() }));
  const done = withMissing(results);
  const fails = (type: PackageCheck['type']): boolean => done.some((c) => c.type === type && c.status !== 'OK');
  return {
    checks: done,
    ok: done.length > 0 && done.every((c) => c.status === 'OK'),
    failed: { digest: fails('digest'), signature: fails('signature') },
    hasSignature: done.some((c) => c.type === 'signature'),
  };
}

const rangeBits = { header: 1, payload: 2, package: 3 } as const;

/** What rpm looks for, with its words for each when it is not there. */
const wanted: readonly (readonly [PackageCheck['type'], PackageCheck['range'], number, string])[] = [
  ['digest', 'header', Tag.Sha1Header, 'Header SHA1 digest'],
  ['digest', 'header', Tag.Sha256Header, 'Header SHA256 digest'],
  ['digest', 'payload', Tag.PayloadDigest, 'Payload SHA256 digest'],
  ['digest', 'payload', Tag.PayloadDigestAlt, 'Payload SHA256 ALT digest'],
  ['signature', 'package', SigTag.Pgp, 'RSA signature'],
  ['signature', 'package', SigTag.Gpg, 'DSA signature'],
  ['digest', 'package', SigTag.Md5, 'MD5 digest'],
];

/**
 * Where no digest vouches for a range (or no signature, in a package that has a good one), rpm also names what it did
 * not find there, and the alternative digest that does not fit. Elsewhere those stay unsaid.
 */
function withMissing(results: readonly { pending: Pending; check: PackageCheck }[]): PackageCheck[] {
  let digests = 0;
  let signatures = 0;
  for (const { check } of results) {
    if (check.status !== 'OK') continue;
    if (check.type === 'digest') digests |= rangeBits[check.range];
    else signatures |= rangeBits[check.range];
  }
  const signed = signatures !== 0;
  // A signed header vouches for the payload through the payload's digest.
  if (signatures & 1 && digests & 2) signatures |= 2;
  const missing = { digest: 3 & ~digests, signature: signed ? 3 & ~signatures : 0 };
  const required = (type: PackageCheck['type'], range: PackageCheck['range']): boolean =>
    (missing[type] & rangeBits[range]) !== 0;
  const out: PackageCheck[] = [];
  for (const range of ['header', 'payload', 'package'] as const) {
    for (const type of ['signature', 'digest'] as const) {
      for (const { pending, check } of results) {
        if (check.range !== range || check.type !== type) continue;
        if (pending.alternative && check.status !== 'OK' && !required(type, range)) continue;
        out.push(check);
      }
      for (const [wantedType, wantedRange, tag, text] of wanted) {
        if (wantedType !== type || wantedRange !== range || !required(type, range)) continue;
        const present = results.some(({ pending }) => pending.tag === tag);
        if (!present) out.push({ type, range, status: 'NOTFOUND', text });
      }
    }
  }
  return out;
}

/** `rpm -Kv`'s line for a check. */
export function checkLine(check: PackageCheck): string {
  return `    ${check.text}: ${check.status}${check.detail === undefined ? '' : ` (${check.detail})`}`;
}

/** `rpm -K`'s summary after the file name: `digests signatures OK`, `DIGESTS signatures NOT OK`. */
export function verdictSummary(verdict: PackageVerdict): string {
  const word = (type: PackageCheck['type'], text: string): string => {
    const list = verdict.checks.filter((c) => c.type === type);
    if (list.length === 0) return '';
    return `${verdict.failed[type] ? text.toUpperCase() : text} `;
  };
  return `${word('digest', 'digests')}${word('signature', 'signatures')}${verdict.ok ? 'OK' : 'NOT OK'}`;
}
