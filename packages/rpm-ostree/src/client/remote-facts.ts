// What `status` says about the signatures of a commit.
import { messageOf } from '@coppice/base';
import { commitGpgResults, findRemote, verificationKeyring } from '@coppice/ostree';
import type { VerifyResult } from '@coppice/signing';
import type { DeploymentStatus, SignatureStatus } from '../status/model.ts';
import type { Client } from './client.ts';

function signatureStatus(r: VerifyResult): SignatureStatus {
  return {
    valid: r.valid,
    keyMissing: r.keyMissing,
    signatureExpired: r.signatureExpired,
    keyExpired: r.keyExpired,
    keyRevoked: r.keyRevoked,
    fingerprint: r.fingerprint,
    timestamp: r.timestamp,
    expiration: r.expires,
    pubkeyAlgorithm: r.publicKeyAlgorithm,
    hashAlgorithm: r.hashAlgorithm,
    userName: r.userName,
    userEmail: r.userEmail,
    primaryFingerprint: r.primaryFingerprint,
  };
}

/** Whether a remote's commits must be signed, and what the signatures of this one are worth. */
export function remoteFacts(
  client: Client,
  remote: string | undefined,
  base: string,
): Pick<DeploymentStatus, 'gpgEnabled' | 'signatures' | 'remoteError'> & { remoteError?: string } {
  if (remote === undefined) return { gpgEnabled: false, signatures: [] };
  const found = findRemote(client.repo, remote);
  if (found === undefined) return { gpgEnabled: false, signatures: [], remoteError: `Remote "${remote}" not found` };
  if (!found.boolean('gpg-verify', true)) return { gpgEnabled: false, signatures: [] };
  try {
    const results = commitGpgResults(client.repo, base, verificationKeyring(client.repo, remote));
    return { gpgEnabled: true, signatures: results.map(signatureStatus) };
  } catch (error) {
    return { gpgEnabled: true, signatures: [], remoteError: messageOf(error) };
  }
}
