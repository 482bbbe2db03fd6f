// Verdicts about sigstore signatures: made by a key that is known, or by whom a certificate names, and entered in a log.
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { CoppiceError } from '@coppice/base';
import { oidcIssuerOf, parseCertificates, subjectsOf, verifyCodeSigner } from './certificate.ts';
import { parseClaim, type SignedClaim, sigstoreType } from './payload.ts';
import type { CertificateAuthority } from './policy.ts';
import { verifyRekorBundle } from './rekor.ts';
import type { SigstoreSignature } from './signatures.ts';

/** A key with the text that logs know it by. */
export interface SigstoreKey {
  readonly key: KeyObject;
  readonly pem: string;
}

/** An authority of a policy with its certificates read. */
export interface SigstoreAuthority {
  readonly rule: CertificateAuthority;
  /** PEM. */
  readonly roots: string;
  readonly between: string | undefined;
}

/** Keys as PEM files hold them. Throws `Invalid`. */
export function sigstoreKey(bytes: Uint8Array, where: string): SigstoreKey {
  const pem = Buffer.from(bytes).toString();
  try {
    return { key: createPublicKey({ key: pem, format: 'pem' }), pem };
  } catch (error) {
    throw new CoppiceError('Invalid', `${where}: not a public key in PEM`, { cause: error });
  }
}

const made = (signature: SigstoreSignature, key: KeyObject): boolean =>
  verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', signature.payload, key, signature.signature);

function loggedAt(signature: SigstoreSignature, signer: string, rekor: readonly KeyObject[]): number {
  if (signature.bundle === undefined)
    throw new CoppiceError('Signature', 'missing dev.sigstore.cosign/bundle annotation');
  return verifyRekorBundle(signature.bundle, rekor, { ...signature, signer });
}

/** What a signature says, once one of the keys made it; with `rekor`, a log must have it. Throws `Signature`. */
export function verifyWithKeys(
  signature: SigstoreSignature,
  keys: readonly SigstoreKey[],
  rekor: readonly KeyObject[] | undefined,
): SignedClaim {
  const by = keys.find(({ key }) => made(signature, key));
  if (by === undefined)
    throw new CoppiceError('Signature', 'cryptographic signature verification failed: no key of the policy made it');
  if (rekor !== undefined) loggedAt(signature, by.pem, rekor);
  return parseClaim(signature.payload, sigstoreType);
}

function checkSubject(rule: CertificateAuthority, certificate: Parameters<typeof subjectsOf>[0]): void {
  const { emails, hosts } = subjectsOf(certificate);
  const quoted = (list: readonly string[]): string => list.map((s) => JSON.stringify(s)).join(', ');
  if (rule.subjectEmail !== undefined && !emails.includes(rule.subjectEmail))
    throw new CoppiceError(
      'Signature',
      `Required email ${JSON.stringify(rule.subjectEmail)} not found (got ${quoted(emails)})`,
    );
  if (rule.kind === 'pki' && rule.subjectHostname !== undefined && !hosts.includes(rule.subjectHostname))
    throw new CoppiceError(
      'Signature',
      `Required host name ${JSON.stringify(rule.subjectHostname)} not found (got ${quoted(hosts)})`,
    );
  if (rule.kind !== 'fulcio') return;
  const issuer = oidcIssuerOf(certificate);
  if (issuer !== rule.oidcIssuer)
    throw new CoppiceError('Signature', `Unexpected Fulcio OIDC issuer ${JSON.stringify(issuer)}`);
}

/**
 * What a signature says, once its certificate was issued by the authority to whom the policy names, and made it: a short-lived
 * one at the time that the log promises, one of a PKI at `now` (milliseconds). Throws `Signature`.
 */
export function verifyWithCertificate(
  signature: SigstoreSignature,
  authority: SigstoreAuthority,
  rekor: readonly KeyObject[] | undefined,
  now: number,
): SignedClaim {
  if (signature.certificate === undefined)
    throw new CoppiceError('Signature', 'missing dev.sigstore.cosign/certificate annotation');
  const [certificate, ...others] = parseCertificates(signature.certificate, 'certificate of the signature');
  if (others.length > 0) throw new CoppiceError('Signature', 'certificate of the signature: more than one');
  const time = rekor === undefined ? now : loggedAt(signature, signature.certificate, rekor);
  const between = [signature.chain, authority.between]
    .filter((pem) => pem !== undefined && pem.trim() !== '')
    .flatMap((pem) => parseCertificates(pem!, 'chain of the signature'));
  verifyCodeSigner(
    certificate!,
    { roots: parseCertificates(authority.roots, 'authorities of the policy'), between },
    time,
  );
  checkSubject(authority.rule, certificate!);
  if (!made(signature, certificate!.publicKey))
    throw new CoppiceError('Signature', 'cryptographic signature verification failed: the certificate did not make it');
  return parseClaim(signature.payload, sigstoreType);
}
