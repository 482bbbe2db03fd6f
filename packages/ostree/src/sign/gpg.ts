import { CoppiceError, concatBytes, prefixError } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import { type Keyring, type SigningKey, sign, type VerifyResult, verify } from '@coppice/signing';
import type { Repo } from '../repo.ts';
import { describeGpgResults } from './gpg-text.ts';
import { verificationKeyring } from './keyrings.ts';

export const gpgMetadataKey = 'ostree.gpgsigs';

/** Signature packets kept in detached metadata, one after the other. */
export function gpgSignatures(dict: ReadonlyMap<string, Variant> | undefined): Uint8Array[] {
  const found = dict?.get(gpgMetadataKey);
  return found?.type === 'aay' ? [...(found.value as unknown as Uint8Array[])] : [];
}

/** Verifies the GPG signatures in `dict` over `data`. An empty list when there are none. */
export function verifyGpg(
  data: Uint8Array,
  dict: ReadonlyMap<string, Variant> | undefined,
  keyring: Keyring,
  clock: Repo['clock'],
): VerifyResult[] {
  const signatures = gpgSignatures(dict);
  return signatures.length === 0 ? [] : verify(concatBytes(signatures), keyring, data, { clock });
}

/** Throws `Signature` unless one result is valid; the text describes every signature, the last one first. */
export function requireValidGpg(results: readonly VerifyResult[]): void {
  if (results.some((result) => result.valid)) return;
  if (results.length === 0) {
    throw new CoppiceError(
      'Signature',
      'GPG verification enabled, but no signatures found (use gpg-verify=false in remote config to disable)',
    );
  }
  throw new CoppiceError('Signature', describeGpgResults([...results].reverse(), '').trimEnd());
}

/** A commit's GPG signatures against the keys of a remote (or of all). Throws `Signature`. */
export function verifyCommitGpg(repo: Repo, commit: string, remote?: string): VerifyResult[] {
  const results = commitGpgResults(repo, commit, verificationKeyring(repo, remote));
  try {
    requireValidGpg(results);
  } catch (error) {
    throw prefixError(error, `Commit ${commit}`);
  }
  return results;
}

/** Results for a stored commit, valid or not. */
export function commitGpgResults(repo: Repo, commit: string, keyring: Keyring): VerifyResult[] {
  return verifyGpg(repo.loadCommitBytes(commit), repo.loadDetachedMetadata(commit), keyring, repo.clock);
}

/** `dict` with one more GPG signature; in the order that libostree's dictionary gives. */
export function withGpgSignature(dict: ReadonlyMap<string, Variant> | undefined, signature: Uint8Array): VariantDict {
  const out = new VariantDict(dict ?? []);
  out.set(gpgMetadataKey, new Variant('aay', [...gpgSignatures(dict), signature]));
  return out.hashOrdered();
}

/** Signs a stored commit. Throws `Exists` when this key, which the user calls `keyId`, has signed it. */
export function gpgSignCommit(
  repo: Repo,
  commit: string,
  key: SigningKey,
  keyring: Keyring,
  keyId = key.public.keyId,
): void {
  const bytes = repo.loadCommitBytes(commit);
  const dict = repo.loadDetachedMetadata(commit);
  for (const result of verifyGpg(bytes, dict, keyring, repo.clock)) {
    if (result.fingerprint === key.public.fingerprint && !result.keyMissing && !result.bad)
      throw new CoppiceError('Exists', `Commit is already signed with GPG key ${keyId}`);
  }
  repo.writeDetachedMetadata(commit, withGpgSignature(dict, sign(key, bytes, { clock: repo.clock })));
}

/** Removes the signatures whose key is one of `keyIds`; gives how many. */
export function gpgDeleteSignatures(repo: Repo, commit: string, keyIds: readonly string[], keyring: Keyring): number {
  const dict = repo.loadDetachedMetadata(commit);
  const signatures = gpgSignatures(dict);
  const wanted = keyIds.map((id) => id.replace(/^0x/i, '').toUpperCase());
  const matches = (signature: Uint8Array): boolean =>
    verify(signature, keyring, new Uint8Array(0)).some((r) =>
      wanted.some(
        (id) => r.fingerprint.endsWith(id) || (r.primaryFingerprint !== '' && r.primaryFingerprint.endsWith(id)),
      ),
    );
  const kept = signatures.filter((signature) => !matches(signature));
  if (kept.length === signatures.length) return 0;
  const out = new VariantDict(dict ?? []);
  if (kept.length > 0) out.set(gpgMetadataKey, new Variant('aay', kept));
  else out.delete(gpgMetadataKey);
  repo.writeDetachedMetadata(commit, out.size === 0 ? undefined : out.hashOrdered());
  return signatures.length - kept.length;
}
