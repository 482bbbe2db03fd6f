import { CoppiceError, errnoError } from '@coppice/base';
import { KeyFile } from '@coppice/keyfile';
import { replaceFile } from '@coppice/linux';
import type { Repo } from '../repo.ts';
import { checkRemoteName } from '../store/ref-name.ts';
import { findRemote, getRemote, isSystemRepo, ownRemotes, remoteGroup, remotesDir } from './remote.ts';

/** A value of a remote's key, as it is written to the key file. */
export type RemoteValue = string | boolean | readonly string[];

export interface AddRemoteOptions {
  readonly url?: string;
  readonly keys?: Iterable<readonly [key: string, value: RemoteValue]>;
  /** What to do when the remote exists. Default: `Exists`. */
  readonly existing?: 'fail' | 'keep' | 'replace';
  /** Write to `remotes.d` because a sysroot was named. */
  readonly inRemotesDir?: boolean;
}

function put(config: KeyFile, group: string, key: string, value: RemoteValue): void {
  if (typeof value === 'string') config.setString(group, key, value);
  else if (typeof value === 'boolean') config.setBoolean(group, key, value);
  else config.setStringList(group, key, value);
}

/**
 * Adds a remote, `metalink=URL` under its own key. It goes to `remotes.d` when the repository is a system's (unless
 * `core.add-remotes-config-dir` says otherwise), else to the repository's config. False when it was there and is kept.
 */
export function addRemote(repo: Repo, name: string, options: AddRemoteOptions): boolean {
  checkRemoteName(name);
  const known = findRemote(repo, name);
  if (known !== undefined) {
    if (options.existing === 'keep') return false;
    if (options.existing !== 'replace') {
      const place = known.file ?? '(in config)';
      throw new CoppiceError('Exists', `Remote configuration for "${name}" already exists: ${place}`);
    }
    if (known.repo === repo) removeDefinition(repo, name);
  }
  const dir = remotesDir(repo);
  const toDir =
    dir !== undefined &&
    (options.inRemotesDir === true || repo.config.boolean('core', 'add-remotes-config-dir', isSystemRepo(repo)));
  const config = toDir ? KeyFile.parse('') : repo.config;
  const group = remoteGroup(name);
  if (options.url?.startsWith('metalink=')) put(config, group, 'metalink', options.url.slice('metalink='.length));
  else if (options.url !== undefined) put(config, group, 'url', options.url);
  for (const [key, value] of options.keys ?? []) put(config, group, key, value);
  if (!toDir) {
    repo.writeConfig();
    return true;
  }
  for (let at = 1; at <= dir.split('/').length; at++) {
    const part = dir.split('/').slice(0, at).join('/');
    if (part !== '' && repo.fs.stat(part) === undefined) repo.fs.mkdir(part, 0o755);
  }
  replaceFile(`${dir}/${name}.conf`, config.toString(), { fs: repo.fs });
  return true;
}

function removeDefinition(repo: Repo, name: string): void {
  const remote = ownRemotes(repo).get(name);
  if (remote === undefined) return;
  if (remote.file !== undefined) unlinkIfThere(repo, remote.file);
  else {
    repo.config.removeGroup(remote.group);
    repo.writeConfig();
  }
}

function unlinkIfThere(repo: Repo, path: string): void {
  try {
    repo.fs.unlink(path);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw errnoError(error, `unlinkat(${path})`);
  }
}

/** Deletes a remote with its keyring. Throws `NotFound`, unless `ifExists`. */
export function deleteRemote(repo: Repo, name: string, ifExists = false): void {
  checkRemoteName(name);
  if (ifExists && findRemote(repo, name) === undefined) return;
  const remote = getRemote(repo, name);
  removeDefinition(remote.repo, name);
  unlinkIfThere(repo, `${remote.repo.path}/${remote.keyringFile}`);
}
