import { CoppiceError } from '@coppice/base';
import { replaceFile } from '@coppice/linux';
import { dearmor, importKeys } from '@coppice/signing';
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
  const { keyring, added, found } = importKeys(before, sources.map(dearmor), keyIds);
  if (found.length === 0) throw new CoppiceError('NotFound', 'Unable to import keys: No data');
  replaceFile(`${remote.repo.path}/${remote.keyringFile}`, keyring, { fs: remote.repo.fs });
  return added.length;
}
