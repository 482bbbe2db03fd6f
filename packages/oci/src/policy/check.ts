// Whether the policy of a machine lets an image be used.

import { type Clock, CoppiceError, errnoError, messageOf, systemClock } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile } from '@coppice/linux';
import { Keyring } from '@coppice/signing';
import type { ImageSource } from '../source.ts';
import { identityMatches } from './identity.ts';
import { dockerReference, formatLocation, type ImageLocation } from './location.ts';
import type { SignedClaim } from './payload.ts';
import { type KeySource, type Policy, type PolicyRequirement, requirementsFor, type SignedIdentity } from './policy.ts';
import { parseRegistriesD, type SignatureStorage } from './registries-d.ts';
import {
  fetchSigstoreSignatures,
  fetchSimpleSignatures,
  type SigstoreSignature,
  verifySimpleSignature,
} from './signatures.ts';
import { sigstoreKey, verifyWithCertificate, verifyWithKeys } from './sigstore.ts';

export interface PolicyCheck {
  readonly policy: Policy;
  readonly storage: SignatureStorage;
  readonly image: ImageLocation;
  readonly source: ImageSource;
  /** Digest of the manifest that will be used. */
  readonly digest: string;
  /** Bytes of a key file that the policy names. */
  readonly readKey: (path: string) => Uint8Array;
  readonly clock?: Clock;
}

const keyLimit = 16 * 1024 * 1024;

/** The `*.yaml` files of a registries.d directory; none when it is missing. Throws `Invalid`. */
export function readRegistriesD(directory: string, fs: FileSystem = hostFs): SignatureStorage {
  if (fs.lstat(directory) === undefined) return parseRegistriesD([]);
  const names = fs.readdir(directory).filter((name) => name.endsWith('.yaml'));
  return parseRegistriesD(
    names.sort().map((name) => [name, readFile(`${directory}/${name}`, { fs, limit: 1 << 20 }).toString()] as const),
  );
}

/** Reads a key file of the machine. Throws `NotFound`, `Limit`. */
export function readKeyFile(path: string, fs: FileSystem = hostFs): Uint8Array {
  try {
    return readFile(path, { fs, limit: keyLimit });
  } catch (error) {
    throw errnoError(error, `open ${path}`);
  }
}

function keyBytes(keys: readonly KeySource[], check: PolicyCheck): { bytes: Uint8Array; where: string }[] {
  return keys.map((key, i) =>
    'path' in key ? { bytes: check.readKey(key.path), where: key.path } : { bytes: key.data, where: `keyData ${i}` },
  );
}

/** The claim must be about this image and this manifest. */
function checkClaim(claim: SignedClaim, rule: SignedIdentity, check: PolicyCheck): void {
  if (!identityMatches(rule, dockerReference(check.image), claim.reference))
    throw new CoppiceError('Signature', `Signature for identity ${claim.reference} is not accepted`);
  if (claim.digest !== check.digest)
    throw new CoppiceError('Signature', `Signature for digest ${claim.digest} does not match`);
}

/** One accepted signature is enough; otherwise the reasons of all are told. */
function anyOf<T>(signatures: readonly T[], accept: (signature: T) => void): void {
  if (signatures.length === 0) throw new CoppiceError('Signature', 'A signature was required, but no signature exists');
  const reasons: string[] = [];
  for (const signature of signatures) {
    try {
      accept(signature);
      return;
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  throw new CoppiceError(
    'Signature',
    reasons.length === 1 ? reasons[0]! : `None of the signatures were accepted, reasons: ${reasons.join('; ')}`,
  );
}

/** How signatures are judged by a requirement, its keys and certificates read once. */
function sigstoreVerifier(
  requirement: Extract<PolicyRequirement, { type: 'sigstoreSigned' }>,
  check: PolicyCheck,
): (signature: SigstoreSignature) => SignedClaim {
  const read = (sources: readonly KeySource[]) => keyBytes(sources, check).map((k) => sigstoreKey(k.bytes, k.where));
  const { signers, rekorKeys } = requirement;
  const rekor = rekorKeys === undefined ? undefined : read(rekorKeys).map((k) => k.key);
  if ('keys' in signers) {
    const keys = read(signers.keys);
    return (signature) => verifyWithKeys(signature, keys, rekor);
  }
  const pem = (from: KeySource): string => Buffer.from(keyBytes([from], check)[0]!.bytes).toString();
  const between = signers.kind === 'pki' && signers.between !== undefined ? pem(signers.between) : undefined;
  const authority = { rule: signers, roots: pem(signers.roots), between };
  const now = (check.clock ?? systemClock).now();
  return (signature) => verifyWithCertificate(signature, authority, rekor, now);
}

async function satisfy(requirement: PolicyRequirement, check: PolicyCheck): Promise<void> {
  const { image, storage, digest, source } = check;
  const reference = dockerReference(image);
  switch (requirement.type) {
    case 'insecureAcceptAnything':
      return;
    case 'reject':
      throw new CoppiceError('Signature', `Running image ${formatLocation(image)} is rejected by policy.`);
    case 'signedBy': {
      const ring = new Keyring(keyBytes(requirement.keys, check).map((k) => k.bytes));
      const found = reference === undefined ? [] : await fetchSimpleSignatures(storage, reference, digest);
      anyOf(found, (bytes) => checkClaim(verifySimpleSignature(bytes, ring), requirement.signedIdentity, check));
      return;
    }
    case 'sigstoreSigned': {
      const verifySigned = sigstoreVerifier(requirement, check);
      const found = reference === undefined ? [] : await fetchSigstoreSignatures(storage, reference, digest, source);
      anyOf(found, (s) => checkClaim(verifySigned(s), requirement.signedIdentity, check));
      return;
    }
  }
}

/**
 * Throws unless the image satisfies every requirement that the policy has for it: `Signature` with the reason, `NotFound`
 * for a key that is missing, `Network`.
 */
export async function checkPolicy(check: PolicyCheck): Promise<void> {
  for (const requirement of requirementsFor(check.policy, check.image)) await satisfy(requirement, check);
}
