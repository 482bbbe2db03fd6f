import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import { dearmor, Keyring, parseCertificates } from '@coppice/signing';
import { getRemote, type Remote } from '../remote/remote.ts';
import type { Repo } from '../repo.ts';

const keyringLimit = 64 * 1024 * 1024;

function readIfThere(repo: Repo, path: string): Buffer | undefined {
  try {
    return readFile(path, { fs: repo.fs, limit: keyringLimit });
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw errnoError(error, `open(${path})`);
  }
}

/** Bytes of the remote's own keyring: in its repository, or beside its `remotes.d` file. */
export function readRemoteKeyring(remote: Remote): Buffer | undefined {
  const own = readIfThere(remote.repo, `${remote.repo.path}/${remote.keyringFile}`);
  if (own !== undefined || remote.file === undefined) return own;
  const dir = remote.file.slice(0, remote.file.lastIndexOf('/'));
  return readIfThere(remote.repo, `${dir}/${remote.keyringFile}`);
}

/** Every `*.gpg` in the deprecated global folder: $OSTREE_GPG_HOME or /usr/share/ostree/trusted.gpg.d. */
function globalKeyrings(repo: Repo): Buffer[] {
  return keyringsIn(repo, repo.env['OSTREE_GPG_HOME'] ?? '/usr/share/ostree/trusted.gpg.d');
}

function keyringsIn(repo: Repo, dir: string): Buffer[] {
  let names: string[];
  try {
    names = repo.fs.readdir(dir);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw errnoError(error, `opendir(${dir})`);
  }
  return names
    .filter((name) => name.endsWith('.gpg') && name !== 'secring.gpg')
    .sort()
    .map((name) => readIfThere(repo, `${dir}/${name}`))
    .filter((bytes) => bytes !== undefined);
}

/** `gpgkeypath`: files or folders of keys, armored or not, split at `;` or `,` but not both. */
function keyPathSources(remote: Remote): Buffer[] {
  const text = remote.string('gpgkeypath');
  if (text === undefined) return [];
  if (text.includes(',') && text.includes(';')) {
    throw new CoppiceError('Invalid', 'key value list contains more than one separator');
  }
  const paths = text.split(text.includes(',') ? ',' : ';');
  // A separator at the end ends the last path; it does not start an empty one.
  if (paths.at(-1) === '') paths.pop();
  const { fs } = remote.repo;
  const out: Buffer[] = [];
  for (const path of paths) {
    const stat = path === '' ? undefined : fs.stat(path);
    if (stat === undefined) throw new CoppiceError('NotFound', `opendir(${path}): No such file or directory`);
    if ((stat.mode & 0o170000) !== 0o040000) {
      out.push(readIfThere(remote.repo, path) ?? Buffer.alloc(0));
      continue;
    }
    for (const name of fs.readdir(path).sort()) {
      const file = `${path}/${name}`;
      if ((fs.lstat(file)?.mode ?? 0) >> 12 !== 0o10) continue;
      const bytes = readIfThere(remote.repo, file);
      if (bytes !== undefined && readsAsKeys(bytes)) out.push(bytes);
    }
  }
  return out;
}

function readsAsKeys(bytes: Uint8Array): boolean {
  try {
    return parseCertificates(dearmor(bytes)).length > 0;
  } catch {
    return false;
  }
}

/**
 * The keys that a remote's signatures are checked against: its own keyring and `gpgkeypath`; only without an own keyring
 * the global folder. Without a remote: the keyrings of all remotes and the global ones. `extra` are further folders.
 */
export function verificationKeyring(
  repo: Repo,
  remoteName: string | undefined,
  extra: readonly string[] = [],
): Keyring {
  const sources: Uint8Array[] = [];
  let global = true;
  if (remoteName === undefined) {
    for (const name of repo.fs.readdir(repo.path)) {
      if (!name.endsWith('.trustedkeys.gpg')) continue;
      const bytes = readIfThere(repo, `${repo.path}/${name}`);
      if (bytes !== undefined) sources.push(bytes);
    }
  } else {
    const remote = getRemote(repo, remoteName);
    const own = readRemoteKeyring(remote);
    if (own !== undefined) {
      sources.push(own);
      global = false;
    }
    sources.push(...keyPathSources(remote));
  }
  if (global) sources.push(...globalKeyrings(repo));
  for (const dir of extra) sources.push(...keyringsIn(repo, dir).filter(readsAsKeys));
  try {
    return new Keyring(sources);
  } catch (error) {
    throw prefixError(error, 'Reading keyring');
  }
}

/** The keys that `remote gpg-list-keys` shows: the remote's own keyring, or the global ones. */
export function listedKeyring(repo: Repo, remote: Remote | undefined): Keyring {
  if (remote === undefined) return new Keyring(globalKeyrings(repo));
  return new Keyring(readRemoteKeyring(remote) ?? new Uint8Array(0));
}
