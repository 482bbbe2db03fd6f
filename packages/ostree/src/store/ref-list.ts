import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import { isChecksum } from '../codec/checksum.ts';
import { isDirectory } from '../codec/mode-bits.ts';
import type { Repo } from '../repo.ts';
import { isRefFragment, isRefName, parseRefspec } from './ref-name.ts';
import { readRefFile, refsBelow } from './refs.ts';

export interface ListRefsOptions {
  /** Names relative to the prefix. */
  readonly cutPrefix?: boolean;
  /** Only aliases, mapped to their target's name instead of a checksum. */
  readonly aliases?: boolean;
  readonly excludeRemotes?: boolean;
}

/** See `Repo.listRefs`. */
export function listRefs(repo: Repo, prefix: string | undefined, options: ListRefsOptions): Map<string, string> {
  try {
    return collectRefs(repo, prefix, options);
  } catch (error) {
    throw prefixError(error, 'Listing refs');
  }
}

function collectRefs(repo: Repo, prefix: string | undefined, options: ListRefsOptions): Map<string, string> {
  const out = new Map<string, string>();
  const add = (lead: string, directory: string, below: string): void => {
    for (const found of refsBelow(repo.fs, repo.path, directory, below, options.aliases)) {
      if (options.aliases === true) {
        if (found.alias !== undefined) out.set(lead + found.name, found.alias);
      } else out.set(lead + found.name, found.checksum);
    }
  };
  if (prefix !== undefined) {
    const { remote, ref } = parsePrefix(prefix);
    const lead = remote === undefined ? '' : `${remote}:`;
    const base = remote === undefined ? 'refs/heads' : `refs/remotes/${remote}`;
    const directory = ref === '' ? base : `${base}/${ref}`;
    let stat: ReturnType<typeof repo.fs.stat>;
    try {
      stat = repo.fs.stat(`${repo.path}/${directory}`);
    } catch (error) {
      throw errnoError(error, `fstatat(${directory})`);
    }
    if (stat === undefined) {
      if (isBelowFile(repo, directory)) throw errnoError({ code: 'ENOTDIR' }, `fstatat(${directory})`);
      return out;
    }
    if ((stat.mode & 0o170000) === 0o040000) {
      add(lead, directory, options.cutPrefix === true || ref === '' ? '' : `${ref}/`);
    } else {
      // Named in full, a ref is listed among aliases too.
      const checksum = readRefFile(repo.fs, repo.path, directory);
      if (checksum !== undefined) out.set(lead + ref, checksum);
    }
    return out;
  }
  const mustBe = (directory: string): void => {
    if (repo.fs.lstat(`${repo.path}/${directory}`) === undefined)
      throw errnoError({ code: 'ENOENT' }, `opendir(${directory})`);
  };
  mustBe('refs/heads');
  add('', 'refs/heads', '');
  if (options.excludeRemotes !== true) {
    mustBe('refs/remotes');
    for (const remote of remoteDirs(repo)) add(`${remote}:`, `refs/remotes/${remote}`, '');
  }
  return out;
}

/** Whether what would hold that path of the repository is no directory. */
function isBelowFile(repo: Repo, path: string): boolean {
  const above = path.slice(0, Math.max(path.lastIndexOf('/'), 0));
  if (above === '') return false;
  const stat = repo.fs.stat(`${repo.path}/${above}`);
  return stat === undefined ? isBelowFile(repo, above) : !isDirectory(stat.mode);
}

/** A prefix may name a whole remote (`R:`) or end in a slash. */
function parsePrefix(prefix: string): { remote: string | undefined; ref: string } {
  const colon = prefix.indexOf(':');
  // `R:.` is what flatpak writes.
  if (colon > 0 && /^\.?$/.test(prefix.slice(colon + 1)) && isRefFragment(prefix.slice(0, colon))) {
    return { remote: prefix.slice(0, colon), ref: '' };
  }
  return parseRefspec(prefix.replace(/\/+$/, ''));
}

function remoteDirs(repo: Repo): string[] {
  try {
    return repo.fs.readdir(`${repo.path}/refs/remotes`).filter(isRefFragment);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  }
}

/** A collection's ref, as `refs/mirrors` and (for the repository's own collection) `refs/heads` hold them. */
export interface CollectionRef {
  readonly collection: string;
  readonly ref: string;
  readonly checksum: string;
}

/** Refs by collection; `collection` limits to one. */
export function* collectionRefs(repo: Repo, collection?: string): Generator<CollectionRef, void, undefined> {
  const own = repo.settings.collectionId;
  if (own !== undefined && (collection === undefined || collection === own)) {
    for (const { name, checksum } of refsBelow(repo.fs, repo.path, 'refs/heads')) {
      yield { collection: own, ref: name, checksum };
    }
  }
  let names: string[] = [];
  try {
    names = repo.fs.readdir(`${repo.path}/refs/mirrors`);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
  }
  for (const name of names) {
    if (collection !== undefined && name !== collection) continue;
    if (!/^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$/.test(name)) continue;
    for (const found of refsBelow(repo.fs, repo.path, `refs/mirrors/${name}`)) {
      yield { collection: name, ref: found.name, checksum: found.checksum };
    }
  }
}

/** See `Repo.tryResolveRev`. Throws for names that are no refspec, prefixes that are not unique, commits without parent. */
export function resolveInRepo(repo: Repo, refspec: string): string | undefined {
  if (isChecksum(refspec)) return refspec;
  if (/^[0-9a-f]*$/.test(refspec) && refspec.length < 64) {
    const found = resolvePrefix(repo, refspec);
    if (found !== undefined) return found;
  }
  if (refspec.endsWith('^')) {
    const child = repo.resolveRev(refspec.slice(0, -1));
    const parent = repo.loadCommit(child).parent;
    if (parent === undefined) throw new CoppiceError('NotFound', `Commit ${child} has no parent`);
    return parent;
  }
  const { remote, ref } = parseRefspec(refspec);
  return resolveRef(repo, remote, ref);
}

/** Whether there are only refs below that name. */
export function isRefFolder(repo: Repo, refspec: string): boolean {
  if (!isRefName(refspec)) return false;
  const stat = repo.fs.stat(`${repo.path}/refs/heads/${refspec}`);
  return stat !== undefined && isDirectory(stat.mode);
}

function resolvePrefix(repo: Repo, prefix: string): string | undefined {
  let found: string | undefined;
  for (const { checksum, type } of repo.objects(prefix)) {
    if (type !== 'commit') continue;
    if (found !== undefined && found !== checksum) {
      throw new CoppiceError('Conflict', `Refspec ${prefix} not unique`);
    }
    found = checksum;
  }
  return found ?? (repo.parent === undefined ? undefined : resolvePrefix(repo.parent, prefix));
}

function resolveRef(repo: Repo, remote: string | undefined, ref: string): string | undefined {
  const pending = repo.currentTransaction?.pendingRef(remote, ref);
  if (pending !== undefined) return pending ?? undefined;
  const at = (path: string): string | undefined => readRefFile(repo.fs, repo.path, path);
  let found: string | undefined;
  if (remote !== undefined) found = at(`refs/remotes/${remote}/${ref}`);
  else {
    found = at(`refs/heads/${ref}`) ?? at(`refs/remotes/${ref}`);
    if (found === undefined && isRefName(ref)) {
      for (const name of remoteDirs(repo)) {
        found = at(`refs/remotes/${name}/${ref}`);
        if (found !== undefined) break;
      }
    }
  }
  return found ?? (repo.parent === undefined ? undefined : resolveRef(repo.parent, remote, ref));
}
