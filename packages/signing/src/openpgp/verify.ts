import { type Clock, systemClock } from '@coppice/base';
import { hashAlgorithmName, publicKeyAlgorithmName } from './algorithm.ts';
import { dearmor } from './armor.ts';
import type { Certificate, KeyStanding } from './certificate.ts';
import { SignatureCheck } from './digest.ts';
import { Keyring } from './keyring.ts';
import { parseSignatures, type Signature } from './signature.ts';

/**
 * What one signature came to, with the fields of `ostree_gpg_verify_result_get_all`. Times are seconds since the
 * epoch, 0 = none. `valid` means the bytes match and neither the signature nor the key is expired or revoked.
 */
export interface VerifyResult {
  readonly valid: boolean;
  readonly signatureExpired: boolean;
  readonly keyExpired: boolean;
  readonly keyRevoked: boolean;
  readonly keyMissing: boolean;
  /** The signing key's fingerprint; when the key is missing, its key ID (or fingerprint, if the signature says it). */
  readonly fingerprint: string;
  readonly timestamp: number;
  readonly expires: number;
  /** GPGME's names, e.g. `RSA`, `EdDSA`, `SHA256`. */
  readonly publicKeyAlgorithm: string;
  readonly hashAlgorithm: string;
  /** Of the primary user ID; empty when the key is missing. */
  readonly userName: string;
  readonly userEmail: string;
  readonly primaryFingerprint: string;
  readonly keyExpires: number;
  readonly primaryKeyExpires: number;
  /** True when the key is there but the bytes, or the signature itself, are not what it signed. */
  readonly bad: boolean;
  readonly signature: Signature;
}

export interface VerifyOptions {
  readonly clock?: Clock;
}

/** Verifies signatures over bytes that arrive in pieces; see `verify` for the whole-buffer form. */
export class Verification {
  readonly #signatures: readonly { signature: Signature; check: SignatureCheck | undefined }[];
  readonly #clock: Clock;

  /** `signatures`: concatenated signature packets or an armored signature. Throws `Corrupt` when malformed. */
  constructor(signatures: Uint8Array, options: VerifyOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#signatures = parseSignatures(dearmor(signatures)).map((signature) => {
      try {
        return { signature, check: new SignatureCheck(signature) };
      } catch {
        return { signature, check: undefined };
      }
    });
  }

  get count(): number {
    return this.#signatures.length;
  }

  update(bytes: Uint8Array): this {
    for (const { check } of this.#signatures) check?.update(bytes);
    return this;
  }

  /** One result per signature packet, in their order. */
  finish(keyring: Keyring): VerifyResult[] {
    const now = Math.floor(this.#clock.now() / 1000);
    return this.#signatures.map(({ signature, check }) => judge(signature, check, keyring, now));
  }
}

/** Verifies every signature packet in `signatures` over `data` against a keyring (parsed, or its bytes). */
export function verify(
  signatures: Uint8Array,
  keyring: Keyring | Uint8Array | readonly Uint8Array[],
  data: Uint8Array,
  options: VerifyOptions = {},
): VerifyResult[] {
  const ring = keyring instanceof Keyring ? keyring : new Keyring(keyring);
  return new Verification(signatures, options).update(data).finish(ring);
}

function judge(signature: Signature, check: SignatureCheck | undefined, keyring: Keyring, now: number): VerifyResult {
  const id = signature.issuerFingerprint ?? signature.issuer;
  const found = id === undefined ? undefined : keyring.find(id);
  const base = {
    timestamp: signature.created,
    expires: signature.expires,
    publicKeyAlgorithm: publicKeyAlgorithmName(signature.algorithm),
    hashAlgorithm: hashAlgorithmName(signature.hash),
    signature,
  };
  if (found === undefined) {
    return {
      ...base,
      valid: false,
      bad: false,
      signatureExpired: false,
      keyExpired: false,
      keyRevoked: false,
      keyMissing: true,
      fingerprint: signature.issuerFingerprint ?? signature.issuer ?? '',
      userName: '',
      userEmail: '',
      primaryFingerprint: '',
      keyExpires: 0,
      primaryKeyExpires: 0,
    };
  }
  const { certificate, standing } = found;
  const good = isGood(signature, check, certificate, standing);
  const past = (time: number): boolean => time !== 0 && time <= now;
  const signatureExpired = past(signature.expires);
  const keyExpired = past(standing.expires) || past(certificate.primary.expires);
  const keyRevoked = standing.revoked || certificate.primary.revoked;
  const user = certificate.userIds[0];
  return {
    ...base,
    valid: good && !signatureExpired && !keyExpired && !keyRevoked,
    bad: !good,
    signatureExpired: good && signatureExpired,
    keyExpired: good && keyExpired,
    keyRevoked: good && keyRevoked,
    keyMissing: false,
    fingerprint: standing.key.fingerprint,
    userName: user?.name ?? '',
    userEmail: user?.email ?? '',
    primaryFingerprint: certificate.primary.key.fingerprint,
    keyExpires: standing.expires,
    primaryKeyExpires: certificate.primary.expires,
  };
}

function isGood(
  signature: Signature,
  check: SignatureCheck | undefined,
  certificate: Certificate,
  standing: KeyStanding,
): boolean {
  if (check === undefined || signature.unknownCritical) return false;
  if (signature.type !== 0 && signature.type !== 1) return false;
  if (!standing.bound || !standing.canSign) return false;
  if (standing !== certificate.primary && !certificate.primary.bound) return false;
  // A signature older than its key is a forgery or a broken clock; gpg refuses both.
  if (signature.created < standing.key.created) return false;
  return check.check(standing.key);
}
