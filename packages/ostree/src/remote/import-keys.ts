import { CoppiceError, errnoError } from '@coppice/base';
import { replaceFile } from '@coppice/linux';
import { importKeys, Keyring } from '@coppice/signing';
import type { Repo } from '../repo.ts';
import { readRemoteKeyring } from '../sign/keyrings.ts';
import { getRemote } from './remote.ts';

/**
 * Adds public keys (binary or armored) to a remote's keyring, `NAME.trustedkeys.gpg`; gives how many are new. `keyIds`
 * limits to some. Throws `NotFound` when the sources hold none.
 */
export function importRemoteKeys(
  repo: Repo,
  name: string,
  sources: readonly Uint8Array[],
  keyIds?: readonly string[],
): number {
  const remote = getRemote(repo, name);
  const before = readRemoteKeyring(remote) ?? new Uint8Array(0);
  const keys = sources.filter(holdsKeys);
  const { keyring, added, found } = importKeys(before, keys, keyIds === undefined ? undefined : named(keys, keyIds));
  if (found.length === 0) throw new CoppiceError('NotFound', 'GPG: Unable to export keys: GPGME: No data');
  try {
    replaceFile(`${remote.repo.path}/${remote.keyringFile}`, keyring, { fs: remote.repo.fs });
  } catch (error) {
    throw errnoError(error, 'GPG: open(O_TMPFILE)');
  }
  return added.length;
}

/** Fingerprints of the keys that are named by fingerprint, key ID or part of a user ID; each must be there. */
function named(sources: readonly Uint8Array[], keyIds: readonly string[]): string[] {
  const keys = new Keyring(sources);
  return keyIds.map((id) => {
    const failed = (why: string): CoppiceError =>
      new CoppiceError('NotFound', `GPG: Unable to find key "${id}": GPGME: ${why}`);
    if (id.length < 8) throw failed('Invalid value');
    const text = id.toLowerCase();
    const found =
      keys.find(id)?.certificate ??
      keys.certificates.find(({ userIds }) => userIds.some((user) => user.text.toLowerCase().includes(text)));
    if (found === undefined) throw failed('End of file');
    return found.primary.key.fingerprint;
  });
}

/** What is not OpenPGP holds no keys, as for gpg. */
function holdsKeys(source: Uint8Array): boolean {
  try {
    return importKeys(new Uint8Array(0), source).found.length > 0;
  } catch {
    return false;
  }
}
