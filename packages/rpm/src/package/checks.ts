// One digest or signature of a package: what is fed to it, and how it is worded.
import { createHash, type Hash } from 'node:crypto';
import {
  type Keyring,
  packetTag,
  parseSignature,
  readPackets,
  type Signature,
  SignatureCheck,
  signatureHead,
} from '@coppice/signing';
import type { VerifyWords } from '../compat.ts';
import { SigTag, Tag } from '../header/tag.ts';
import { digestName, hashAlgorithm } from './hash-algorithm.ts';

export type CheckStatus = 'OK' | 'BAD' | 'NOKEY' | 'NOTFOUND' | 'NOTTRUSTED';

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
  /** What failed, as the summary says. */
  readonly failed: { readonly digest: boolean; readonly signature: boolean };
  readonly hasSignature: boolean;
}

/** A check while the package is read. */
export interface Pending extends Pick<PackageCheck, 'type' | 'range'> {
  /** Of digests. Ties of range and type: stronger first, then the higher tag. */
  readonly strength: number;
  readonly tag: number;
  /** Of signatures: the number of their hash, 0 when they cannot be read. */
  readonly hash: number;
  /** Digest of the uncompressed payload: only counts when it fits the file (an uncompressed payload). */
  readonly alternative?: boolean;
  update(bytes: Uint8Array): void;
  finish(): PackageCheck;
}

const keyNames: Readonly<Record<number, string>> = {
  1: 'RSA',
  17: 'DSA',
  19: 'ECDSA',
  22: 'EdDSA',
  27: 'Ed25519',
  28: 'Ed448',
  30: 'ML-DSA-65+Ed25519',
  31: 'ML-DSA-87+Ed448',
};

export function digestCheck(
  words: VerifyWords,
  range: PackageCheck['range'],
  tag: number,
  algorithm: number,
  expected: string,
  alternative = false,
): Pending | undefined {
  const name = digestName(algorithm);
  if (name === undefined) return undefined;
  const hash: Hash = createHash(name);
  const text = `${words.ranges[range]}${hashAlgorithm(algorithm)?.title ?? name}${alternative ? ' ALT' : ''} digest`;
  return {
    type: 'digest',
    range,
    strength: algorithm,
    tag,
    hash: algorithm,
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

export function signatureCheck(
  words: VerifyWords,
  range: PackageCheck['range'],
  tag: number,
  packet: Uint8Array,
  keyring: Keyring | undefined,
  now: number,
): Pending {
  const parsed = signaturePacket(packet, (body) => parseSignature(body));
  const prefix = words.ranges[range];
  const labelOf = ({ version, algorithm, hash }: Pick<Signature, 'version' | 'algorithm' | 'hash'>): string =>
    `${prefix}${words.signaturePrefix}V${version} ${keyNames[algorithm] ?? 'unknown'}/${hashAlgorithm(hash)?.title ?? 'unknown'} ${words.signature}`;
  const keyId = (issuer: string): string => `, key ID ${issuer.slice(-words.keyIdDigits).toLowerCase()}`;
  if (parsed === undefined) {
    const head = words.judgesKeys ? signaturePacket(packet, signatureHead) : undefined;
    const type = tag === Tag.RsaHeader || tag === SigTag.Pgp ? 'RSA ' : tag === Tag.OpenPgp ? '' : 'DSA ';
    const check: PackageCheck =
      head === undefined
        ? {
            ...{ type: 'signature', range, status: 'BAD' },
            text: `${prefix}${words.signaturePrefix}${type}signature`,
            detail: `package tag ${tag}: invalid OpenPGP signature`,
          }
        : { type: 'signature', range, status: 'NOTTRUSTED', text: labelOf(head) + keyId(head.issuer ?? '') };
    const hash = head?.hash ?? 0;
    return { type: 'signature', range, strength: 0, tag, hash, update() {}, finish: () => check };
  }
  const issuer = parsed.issuer ?? parsed.issuerFingerprint?.slice(-16) ?? '';
  const label = labelOf(parsed);
  const text = label + keyId(issuer);
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
    hash: parsed.hash,
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
      const named =
        found === undefined || !words.namesKey
          ? base
          : { ...base, text: `${label}, key fingerprint: ${found.certificate.primary.key.fingerprint.toLowerCase()}` };
      if (differs) return { ...named, status: 'BAD' };
      // Collisions can be made for SHA-1 and MD5: the newest rpm does not ask for the key.
      if (words.judgesKeys && parsed.hash <= 2) return { ...named, status: 'NOTTRUSTED' };
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
      const late = (time: number): boolean => time !== 0 && time <= parsed.created;
      const untrusted = keyState.revoked || late(standing.expires) || late(certificate.primary.expires);
      if (good && words.judgesKeys && untrusted) return { ...named, status: 'NOTTRUSTED', keyState };
      return { ...named, status: good ? 'OK' : 'BAD', keyState };
    },
  };
}

function hashOf(parsed: Signature): Hash | undefined {
  const name = digestName(parsed.hash);
  return name === undefined ? undefined : createHash(name);
}

function signaturePacket<T>(bytes: Uint8Array, parse: (body: Uint8Array) => T): T | undefined {
  try {
    for (const packet of readPackets(bytes)) return packet.tag === packetTag.signature ? parse(packet.body) : undefined;
  } catch {
    return undefined;
  }
  return undefined;
}
