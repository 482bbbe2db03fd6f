import { createHash, createVerify, type Hash, type KeyObject, type Verify, verify as verifyOnce } from 'node:crypto';
import { CoppiceError, concatBytes } from '@coppice/base';
import { nodeHash } from './algorithm.ts';
import { derInteger, derSequence } from './der.ts';
import { padLeft } from './packet.ts';
import type { PublicKey } from './public-key.ts';
import type { Signature } from './signature.ts';

/**
 * Checks one signature packet over bytes that arrive in pieces: `update` them, then `check` with the issuer's key.
 * It judges the mathematics only; expiry, revocation and trust belong to the keyring. One `check` per instance.
 */
export class SignatureCheck {
  readonly signature: Signature;
  readonly #hash: Hash;
  readonly #verify: Verify | undefined;

  /** Throws `Unsupported` for a hash that is unknown or too weak to mean anything (MD5). */
  constructor(signature: Signature) {
    const name = nodeHash(signature.hash);
    if (name === undefined || name === 'md5')
      throw new CoppiceError('Unsupported', `OpenPGP signature: hash algorithm ${signature.hash}`);
    this.signature = signature;
    this.#hash = createHash(name);
    this.#verify = signature.algorithm === 22 ? undefined : createVerify(name);
  }

  update(bytes: Uint8Array): this {
    if (this.#verify === undefined) this.#hash.update(bytes);
    else this.#verify.update(bytes);
    return this;
  }

  check(key: PublicKey): boolean {
    if (!sameFamily(key.algorithm, this.signature.algorithm)) return false;
    const keyObject = key.keyObject();
    if (keyObject === undefined)
      throw new CoppiceError('Unsupported', `OpenPGP key ${key.fingerprint}: algorithm ${key.algorithm}`);
    this.update(this.signature.trailer);
    if (this.#verify === undefined) return checkEddsa(this.#hash.digest(), this.signature, keyObject);
    const value = signatureValue(this.signature, keyObject);
    try {
      return value !== undefined && this.#verify.verify(keyObject, value);
    } catch {
      return false;
    }
  }
}

function sameFamily(key: number, signature: number): boolean {
  const rsa = (id: number): boolean => id === 1 || id === 2 || id === 3;
  return key === signature || (rsa(key) && rsa(signature));
}

function checkEddsa(digest: Buffer, signature: Signature, key: KeyObject): boolean {
  const [r, s] = signature.values;
  if (r === undefined || s === undefined || r.length > 32 || s.length > 32) return false;
  return verifyOnce(null, digest, key, concatBytes([padLeft(r, 32), padLeft(s, 32)]));
}

function signatureValue(signature: Signature, key: KeyObject): Uint8Array | undefined {
  const [first, second] = signature.values;
  if (first === undefined) return undefined;
  if (key.asymmetricKeyType === 'rsa') {
    const size = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
    return first.length > Math.ceil(size) ? undefined : padLeft(first, Math.ceil(size));
  }
  return second === undefined ? undefined : derSequence([derInteger(first), derInteger(second)]);
}
