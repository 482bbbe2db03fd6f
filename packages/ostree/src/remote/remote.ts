import { realpathSync } from 'node:fs';
import { CoppiceError, errnoError } from '@coppice/base';
import { KeyFile } from '@coppice/keyfile';
import { readFile } from '@coppice/linux';
import type { Repo } from '../repo.ts';
import { isRefFragment } from '../store/ref-name.ts';

/** A configured remote: a `[remote "NAME"]` group in the repository's config or in a file of `remotes.d`. */
export class Remote {
  readonly name: string;
  /** The repository that defines it (a parent's remotes are seen too): keyrings and cookies lie there. */
  readonly repo: Repo;
  readonly config: KeyFile;
  readonly group: string;
  /** The `remotes.d` file it stands in; undefined for the repository's own config. */
  readonly file: string | undefined;
  /** The remote whose keyring counts and below whose name refs are written: itself, but for one that was found on a network. */
  readonly keyringRemote: string;

  constructor(name: string, repo: Repo, config: KeyFile, file: string | undefined, keyringRemote = name) {
    this.name = name;
    this.keyringRemote = keyringRemote;
    this.repo = repo;
    this.config = config;
    this.group = remoteGroup(name);
    this.file = file;
  }

  string(key: string): string | undefined {
    return this.config.string(this.group, key, undefined);
  }
  boolean(key: string, fallback: boolean): boolean {
    return this.config.boolean(this.group, key, fallback);
  }
  list(key: string): string[] | undefined {
    return this.config.stringList(this.group, key, undefined);
  }
  /** The value of a key that must be there. */
  need(key: string): string {
    const value = this.string(key);
    if (value === undefined) throw new CoppiceError('NotFound', `No "${key}" option in remote "${this.name}"`);
    return value;
  }

  get keyringFile(): string {
    return `${this.keyringRemote}.trustedkeys.gpg`;
  }
  get cookieFile(): string {
    return `${this.repo.path}/${this.name}.cookies.txt`;
  }
}

export function remoteGroup(name: string): string {
  return `remote "${name}"`;
}

const remotesDirs = new WeakMap<Repo, string>();

/** Sets the `remotes.d` folder of a repository that belongs to a sysroot (`SYSROOT/etc/ostree/remotes.d`). */
export function useRemotesDir(repo: Repo, path: string): void {
  remotesDirs.set(repo, path);
}

/** True for the repository of the running system. */
export function isSystemRepo(repo: Repo): boolean {
  const real = (path: string): string | undefined => {
    try {
      return realpathSync(path);
    } catch {
      return undefined;
    }
  };
  const own = real(repo.path);
  return own !== undefined && own === real('/ostree/repo');
}

/** The folder of further remote definitions, undefined when this repository has none. */
export function remotesDir(repo: Repo): string | undefined {
  return remotesDirs.get(repo) ?? (isSystemRepo(repo) ? '/etc/ostree/remotes.d' : undefined);
}

function nameOfGroup(group: string): string | undefined {
  const match = /^remote "(.+)"$/.exec(group);
  return match?.[1] !== undefined && isRefFragment(match[1]) ? match[1] : undefined;
}

/** Remotes of this repository alone, in the order they are defined. Throws `Invalid` for one defined twice. */
export function ownRemotes(repo: Repo): Map<string, Remote> {
  const found = new Map<string, Remote>();
  const take = (config: KeyFile, file: string | undefined): void => {
    for (const group of config.groups()) {
      const name = nameOfGroup(group);
      if (name === undefined) continue;
      if (found.has(name)) throw new CoppiceError('Invalid', `Multiple specifications found for remote "${name}"`);
      found.set(name, new Remote(name, repo, config, file));
    }
  };
  take(repo.config, undefined);
  const dir = remotesDir(repo);
  if (dir === undefined) return found;
  let names: string[];
  try {
    names = repo.fs.readdir(dir);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return found;
    throw errnoError(error, `opendir(${dir})`);
  }
  for (const name of names.filter((n) => n.endsWith('.conf')).sort()) {
    const file = `${dir}/${name}`;
    let text: Buffer;
    try {
      text = readFile(file, { fs: repo.fs, limit: 16 * 1024 * 1024 });
    } catch (error) {
      throw errnoError(error, `open(${file})`);
    }
    take(KeyFile.parse(text), file);
  }
  return found;
}

const passing = new WeakMap<Repo, Map<string, Remote>>();

/**
 * Makes a remote known for as long as `repo` is used (`ostree_remote_new_dynamic`): at `url`, with the keyring and the refs of
 * a configured one. Its name comes from both (`uri_and_keyring_to_name`).
 */
export function addPassingRemote(repo: Repo, url: string, keyring: Remote): Remote {
  const plain = (text: string): string =>
    encodeURIComponent(text)
      .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll('%', '_');
  const name = `${plain(url)}_${plain(keyring.keyringFile)}`;
  const config = KeyFile.parse('');
  config.setString(remoteGroup(name), 'url', url);
  config.setBoolean(remoteGroup(name), 'gpg-verify', true);
  config.setBoolean(remoteGroup(name), 'gpg-verify-summary', false);
  const remote = new Remote(name, keyring.repo, config, keyring.file, keyring.name);
  const all = passing.get(repo) ?? new Map<string, Remote>();
  passing.set(repo, all.set(name, remote));
  return remote;
}

/** The first remote of each collection: its keys are those of the collection (`ostree_repo_resolve_keyring_for_collection`). */
export function remotesByCollection(repo: Repo): Map<string, Remote> {
  const out = new Map<string, Remote>();
  for (const name of listRemotes(repo)) {
    const remote = getRemote(repo, name);
    const collection = remote.string('collection-id');
    if (collection !== undefined && !out.has(collection)) out.set(collection, remote);
  }
  return out;
}

/** Names of all remotes, those of parent repositories too, sorted. */
export function listRemotes(repo: Repo): string[] {
  const names = new Set<string>();
  for (let at: Repo | undefined = repo; at !== undefined; at = at.parent)
    for (const name of ownRemotes(at).keys()) names.add(name);
  return [...names].sort();
}

/** A remote by name; a `file://` URL stands for a remote without configuration. Throws `NotFound`. */
export function getRemote(repo: Repo, name: string): Remote {
  const found = findRemote(repo, name);
  if (found === undefined) throw new CoppiceError('NotFound', `Remote "${name}" not found`);
  return found;
}

export function findRemote(repo: Repo, name: string): Remote | undefined {
  if (name.startsWith('file://')) {
    const config = KeyFile.parse('');
    config.setString(remoteGroup('local'), 'url', name);
    config.setBoolean(remoteGroup('local'), 'gpg-verify', false);
    return new Remote('local', repo, config, undefined);
  }
  const found = passing.get(repo)?.get(name);
  if (found !== undefined) return found;
  for (let at: Repo | undefined = repo; at !== undefined; at = at.parent) {
    const found = ownRemotes(at).get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}
