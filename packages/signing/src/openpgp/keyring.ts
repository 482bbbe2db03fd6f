import { dearmor } from './armor.ts';
import { type Certificate, type KeyStanding, parseCertificates } from './certificate.ts';

/** A set of certificates to verify against, with look-up by key ID and fingerprint. */
export class Keyring {
  readonly certificates: readonly Certificate[];

  /** `sources` are keyring files' bytes, binary (concatenated is fine) or armored. Throws `Corrupt` when malformed. */
  constructor(sources: Uint8Array | readonly Uint8Array[]) {
    const list = sources instanceof Uint8Array ? [sources] : sources;
    const byFingerprint = new Map<string, Certificate>();
    for (const source of list) {
      for (const certificate of parseCertificates(dearmor(source))) {
        const known = byFingerprint.get(certificate.primary.key.fingerprint);
        // The same key twice: the copy that says more wins (a revocation must not be lost to an older copy).
        if (known === undefined || preferred(certificate, known))
          byFingerprint.set(certificate.primary.key.fingerprint, certificate);
      }
    }
    this.certificates = [...byFingerprint.values()];
  }

  /** The key a signature names, by fingerprint or key ID (40, 16 or 8 hex digits), with its certificate. */
  find(id: string): { certificate: Certificate; standing: KeyStanding } | undefined {
    const wanted = id.replace(/^0x/i, '').toUpperCase();
    for (const certificate of this.certificates) {
      for (const standing of [certificate.primary, ...certificate.subkeys]) {
        if (standing.key.fingerprint.endsWith(wanted)) return { certificate, standing };
      }
    }
    return undefined;
  }
}

function preferred(a: Certificate, b: Certificate): boolean {
  if (a.primary.revoked !== b.primary.revoked) return a.primary.revoked;
  return a.raw.length > b.raw.length;
}
