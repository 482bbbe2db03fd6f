// Digests and signatures of a package, judged and worded as `rpm -K` does.
import { createHash, type Hash } from 'node:crypto';
import { type Keyring, packetTag, parseSignature, readPackets, type Signature, SignatureCheck } from '@coppice/signing';
import { headerMagic } from '../header/header.ts';
import { SigTag, Tag } from '../header/tag.ts';
import { digestName } from './files.ts';
import type { RpmPackage } from './rpm-package.ts';

export type CheckStatus = 'OK' | 'BAD' | 'NOKEY' | 'NOTFOUND';

/** One digest or signature. */
export interface PackageCheck {
  readonly type: 'digest' | 'signature';
  readonly range: 'header' | 'payload' | 'package';
  readonly status: CheckStatus;
  /** rpm's words, without the status: `Header V4 RSA/SHA256 Signature, key ID 1964c5fc`. */
  readonly text: string;
  /** What rpm adds in parentheses. */
  readonly detail?: string;
  /** Of signatures. */
  readonly signature?: Signature;
  /** Of signatures by a known key: what rpm 4.18 does not look at, but gpg and later versions do. */
  readonly keyState?: { readonly expired: boolean; readonly revoked: boolean };
}

export interface PackageVerdict {
  /** In rpm's order. */
  readonly checks: readonly PackageCheck[];
  /** No check failed (a package without signatures passes). */
  readonly ok: boolean;
  readonly hasSignature: boolean;
}

interface Pending extends Pick<PackageCheck, 'type' | 'range'> {
  /** Of digests. Ties of range and type: stronger first, then the higher tag. */
  readonly strength: number;
  readonly tag: number;
  /** Digest of the uncompressed payload: only counts when it fits the file (an uncompressed payload). */
  readonly alternative?: boolean;
  update(bytes: Uint8Array): void;
  finish(): PackageCheck;
}

const rangeText = { header: 'Header ', payload: 'Payload ', package: '' } as const;

const hashNames: Readonly<Record<number, string>> = {
  1: 'MD5',
  2: 'SHA1',
  8: 'SHA256',
  9: 'SHA384',
  10: 'SHA512',
  11: 'SHA224',
};
const keyNames: Readonly<Record<number, string>> = { 1: 'RSA', 17: 'DSA', 19: 'ECDSA', 22: 'EdDSA' };

function digest(
  range: PackageCheck['range'],
  tag: number,
  algorithm: number,
  expected: string,
  alternative = false,
): Pending | undefined {
  const name = digestName(algorithm);
  if (name === undefined) return undefined;
  const hash: Hash = createHash(name);
  const text = `${rangeText[range]}${hashNames[algorithm] ?? name}${alternative ? ' ALT' : ''} digest`;
  return {
    type: 'digest',
    range,
    strength: algorithm,
    tag,
    alternative,
    update: (bytes) => {
      hash.update(bytes);
    },
    finish: () => {
      const got = hash.digest('hex');
      if (got === expected) return { type: 'digest', range, status: 'OK', text };
      return { type: 'digest', range, status: 'BAD', text, detail: `Expected ${expected} != ${got}` };
    },
  };
}

function signature(
  range: PackageCheck['range'],
  tag: number,
  packet: Uint8Array,
  keyring: Keyring | undefined,
  now: number,
): Pending {
  const parsed = signaturePacket(packet);
  const prefix = rangeText[range];
  if (parsed === undefined) {
    const type = tag === Tag.RsaHeader || tag === SigTag.Pgp ? 'RSA' : 'DSA';
    const text = `${prefix}${type} signature`;
    return {
      type: 'signature',
      range,
      strength: 0,
      tag,
      update() {},
      finish: () => ({
        type: 'signature',
        range,
        status: 'BAD',
        text,
        detail: `package tag ${tag}: invalid OpenPGP signature`,
      }),
    };
  }
  const issuer = parsed.issuer ?? parsed.issuerFingerprint?.slice(-16) ?? '';
  const algorithm = keyNames[parsed.algorithm] ?? `unknown`;
  const text = `${prefix}V${parsed.version} ${algorithm}/${hashNames[parsed.hash] ?? 'unknown'} Signature, key ID ${issuer.slice(-8).toLowerCase()}`;
  let check: SignatureCheck | undefined;
  const quick = hashOf(parsed);
  try {
    check = new SignatureCheck(parsed);
  } catch {
    // A hash nobody trusts: it can only be BAD or, without its key, NOKEY.
  }
  return {
    type: 'signature',
    range,
    strength: 0,
    tag,
    update: (bytes) => {
      check?.update(bytes);
      quick?.update(bytes);
    },
    finish: () => {
      // The first two bytes of the digest stand in the signature: no key is needed to see that they differ.
      const start = quick?.update(parsed.trailer).digest();
      const differs = start !== undefined && (start[0] !== parsed.digestStart[0] || start[1] !== parsed.digestStart[1]);
      const found = issuer === '' ? undefined : keyring?.find(issuer);
      const base = { type: 'signature' as const, range, text, signature: parsed };
      if (differs) return { ...base, status: 'BAD' };
      if (found === undefined) return { ...base, status: 'NOKEY' };
      const { certificate, standing } = found;
      let good = false;
      try {
        good = check?.check(standing.key) ?? false;
      } catch {
        good = false;
      }
      const past = (time: number): boolean => time !== 0 && time <= now;
      const keyState = {
        expired: past(standing.expires) || past(certificate.primary.expires) || past(parsed.expires),
        revoked: standing.revoked || certificate.primary.revoked,
      };
      return { ...base, status: good ? 'OK' : 'BAD', keyState };
    },
  };
}

function hashOf(parsed: Signature): Hash | undefined {
  const name = digestName(parsed.hash);
  return name === undefined ? undefined : createHash(name);
}

function signaturePacket(bytes: Uint8Array): Signature | undefined {
  try {
    for (const packet of readPackets(bytes))
      return packet.tag === packetTag.signature ? parseSignature(packet.body) : undefined;
  } catch {
    return undefined;
  }
  return undefined;
}

function pendingChecks(pkg: RpmPackage, keyring: Keyring | undefined, now: number): Pending[] {
  const { signature: sigs, header } = pkg;
  const out: (Pending | undefined)[] = [];
  const text = (tag: number): string | undefined => (sigs.has(tag) ? sigs.getString(tag) : undefined);
  const sha256 = text(Tag.Sha256Header);
  const sha1 = text(Tag.Sha1Header);
  if (sha256 !== undefined) out.push(digest('header', Tag.Sha256Header, 8, sha256));
  if (sha1 !== undefined) out.push(digest('header', Tag.Sha1Header, 2, sha1));
  for (const [tag, range] of [
    [Tag.DsaHeader, 'header'],
    [Tag.RsaHeader, 'header'],
    [SigTag.Pgp, 'package'],
    [SigTag.Gpg, 'package'],
  ] as const)
    if (sigs.has(tag)) out.push(signature(range, tag, sigs.getBinary(tag)!, keyring, now));
  const algorithm = header.getNumber(Tag.PayloadDigestAlgo) ?? 8;
  const payload = header.getStrings(Tag.PayloadDigest)[0];
  const plain = header.getStrings(Tag.PayloadDigestAlt)[0];
  if (payload !== undefined) out.push(digest('payload', Tag.PayloadDigest, algorithm, payload));
  if (plain !== undefined) out.push(digest('payload', Tag.PayloadDigestAlt, algorithm, plain, true));
  const md5 = sigs.has(SigTag.Md5) ? sigs.getBinary(SigTag.Md5) : undefined;
  if (md5 !== undefined) out.push(digest('package', SigTag.Md5, 1, Buffer.from(md5).toString('hex')));
  return out.filter((check) => check !== undefined);
}

const rangeOrder = { header: 0, payload: 1, package: 2 } as const;

/**
 * Checks every digest and signature of a package against `keyring`, reading the payload once. Nothing is thrown for a
 * bad package: the verdict says it.
 */
export function verifyPackage(
  pkg: RpmPackage,
  keyring?: Keyring,
  options: { /** Seconds since the epoch. */ readonly now?: number } = {},
): PackageVerdict {
  const checks = pendingChecks(pkg, keyring, options.now ?? Math.floor(Date.now() / 1000));
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
  checks.sort(
    (a, b) =>
      rangeOrder[a.range] - rangeOrder[b.range] ||
      Number(b.type === 'signature') - Number(a.type === 'signature') ||
      b.strength - a.strength ||
      b.tag - a.tag,
  );
  const results = checks.map((pending) => ({ pending, check: pending.finish() }));
  const done = withMissing(results);
  return {
    checks: done,
    ok: done.length > 0 && done.every((c) => c.status === 'OK'),
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
    return `${list.some((c) => c.status !== 'OK') ? text.toUpperCase() : text} `;
  };
  return `${word('digest', 'digests')}${word('signature', 'signatures')}${verdict.ok ? 'OK' : 'NOT OK'}`;
}
