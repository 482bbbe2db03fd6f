import { constants } from 'node:fs';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { readFile } from '@coppice/linux';
import { checkChecksum } from '../codec/checksum.ts';
import { isDirectory, isRegular, isSymlink } from '../codec/mode-bits.ts';
import { randomHex } from './random-name.ts';
import { checkNotChecksum, checkRefName, isRefFragment, type Refspec } from './ref-name.ts';

/** A ref found by a listing: its name below the directory that was listed. */
export interface FoundRef {
  readonly name: string;
  readonly checksum: string;
  /** Target ref name when the file is an alias (a relative symbolic link). */
  readonly alias: string | undefined;
}

/** Directory of a refspec's file, relative to the repository. */
export function refPath(refspec: Refspec): string {
  return refspec.remote === undefined ? `refs/heads/${refspec.ref}` : `refs/remotes/${refspec.remote}/${refspec.ref}`;
}

/** Checksum in a ref file, undefined when there is no such file; throws when the content is no checksum. */
export function readRefFile(fs: FileSystem, repo: string, path: string, shown = path): string | undefined {
  let bytes: Buffer;
  try {
    bytes = readFile(`${repo}/${path}`, { fs, limit: 4096 });
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'ENOENT' || code === 'EISDIR') return undefined;
    throw errnoError(error, `openat(${shown})`);
  }
  return checkChecksum(bytes.toString('utf8').trimEnd());
}

/**
 * All refs below a directory, in directory order; entries whose names cannot be in a ref are passed over. With `aliases` only
 * these, which are not followed: they have no checksum.
 */
export function* refsBelow(
  fs: FileSystem,
  repo: string,
  directory: string,
  prefix = '',
  aliases = false,
): Generator<FoundRef, void, undefined> {
  let names: string[];
  try {
    names = fs.readdir(`${repo}/${directory}`);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return;
    throw errnoError(error, `opendir(${directory})`);
  }
  for (const name of names) {
    if (!isRefFragment(name)) continue;
    const path = `${directory}/${name}`;
    const stat = fs.lstat(`${repo}/${path}`);
    if (stat === undefined) continue;
    if (isDirectory(stat.mode)) {
      yield* refsBelow(fs, repo, path, `${prefix}${name}/`, aliases);
      continue;
    }
    if (!isRegular(stat.mode) && !isSymlink(stat.mode)) continue;
    if (aliases) {
      if (!isSymlink(stat.mode)) continue;
      const alias = resolveAlias(`${prefix}${name}`, fs.readlink(`${repo}/${path}`));
      yield { name: prefix + name, checksum: '', alias };
      continue;
    }
    const checksum = readRefFile(fs, repo, path, name);
    if (checksum === undefined) {
      // One that went in the meantime, an alias of a directory, or an alias of nothing, which the original refuses to list.
      if (isSymlink(stat.mode) && fs.stat(`${repo}/${path}`) === undefined)
        throw errnoError({ code: 'ENOENT' }, `openat(${name})`);
      continue;
    }
    const alias = isSymlink(stat.mode) ? resolveAlias(`${prefix}${name}`, fs.readlink(`${repo}/${path}`)) : undefined;
    yield { name: prefix + name, checksum, alias };
  }
}

/** Ref name that an alias link points to. */
function resolveAlias(from: string, target: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

export interface RefWriteOptions {
  /** Sync file and directory. */
  readonly durable: boolean;
}

/**
 * Writes or (with null) deletes the ref file `directory/name`. A directory in the way is removed if it holds no refs.
 * Throws `Exists` for a conflict between a ref and refs below it.
 */
export function writeRefFile(
  fs: FileSystem,
  repo: string,
  directory: string,
  name: string,
  checksum: string | null,
  options: RefWriteOptions,
): void {
  checkRefName(name);
  if (checksum === null) {
    try {
      fs.unlink(`${repo}/${directory}/${name}`);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw errnoError(error, `unlink(${name})`);
    }
    return;
  }
  checkNotChecksum(name);
  const parts = name.split('/');
  makeRefDirs(fs, repo, directory, parts.slice(0, -1));
  clearTheWay(fs, repo, directory, name);
  writeBeside(fs, `${repo}/${directory}/${name}`, Buffer.from(`${checkChecksum(checksum)}\n`), options.durable);
}

/** Makes `name` an alias of `target`, both in `directory`. */
export function writeAliasFile(fs: FileSystem, repo: string, directory: string, name: string, target: string): void {
  checkRefName(name);
  checkRefName(target);
  const parts = name.split('/');
  makeRefDirs(fs, repo, directory, parts.slice(0, -1));
  clearTheWay(fs, repo, directory, name);
  const temporary = `${repo}/${directory}/.alias-${randomHex(4)}`;
  // The link lies in the alias's own directory, so it is made there relative to it and then renamed over.
  fs.symlink('../'.repeat(parts.length - 1) + target, temporary);
  fs.rename(temporary, `${repo}/${directory}/${name}`);
}

function makeRefDirs(fs: FileSystem, repo: string, directory: string, parents: readonly string[]): void {
  const own = directory.split('/').length;
  const steps = [...directory.split('/'), ...parents];
  let path = repo;
  steps.forEach((step, i) => {
    path += `/${step}`;
    // The repository's own directories may be links.
    const stat = i < own ? fs.stat(path) : fs.lstat(path);
    if (stat === undefined) {
      try {
        fs.mkdir(path, 0o777);
      } catch (error) {
        if ((error as { code?: string }).code !== 'EEXIST') throw errnoError(error, `mkdirat(${step})`);
      }
    } else if (!isDirectory(stat.mode)) {
      const below = steps.slice(own, i + 1).join('/');
      const rest = parents.join('/');
      throw new CoppiceError('Exists', `Conflict: ${below} exists under ${rest} when attempting write`);
    }
  });
}

function clearTheWay(fs: FileSystem, repo: string, directory: string, name: string): void {
  const stat = fs.lstat(`${repo}/${directory}/${name}`);
  if (stat === undefined || !isDirectory(stat.mode)) return;
  for (const ref of refsBelow(fs, repo, `${directory}/${name}`)) {
    throw new CoppiceError('Exists', `Conflict: ${ref.name} exists under ${name} when attempting write`);
  }
  removeEmptyDirs(fs, `${repo}/${directory}/${name}`);
}

function removeEmptyDirs(fs: FileSystem, path: string): void {
  for (const name of fs.readdir(path)) {
    const stat = fs.lstat(`${path}/${name}`);
    if (stat !== undefined && isDirectory(stat.mode)) removeEmptyDirs(fs, `${path}/${name}`);
    else fs.unlink(`${path}/${name}`);
  }
  fs.rmdir(path);
}

/** Replaces a small file through a temporary name in its directory. */
export function writeBeside(fs: FileSystem, path: string, bytes: Uint8Array, durable: boolean): void {
  const slash = path.lastIndexOf('/');
  const temporary = `${path.slice(0, slash)}/.tmp-${randomHex(6)}`;
  let fd: number;
  try {
    fd = fs.open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644);
  } catch (error) {
    // The original's words; it makes a file without a name.
    throw errnoError(error, 'open(O_TMPFILE)');
  }
  try {
    try {
      fs.write(fd, bytes, 0, bytes.length, null);
      fs.fchmod(fd, 0o644);
      if (durable) fs.fsync(fd);
    } finally {
      fs.close(fd);
    }
    fs.rename(temporary, path);
  } catch (error) {
    if (fs.lstat(temporary) !== undefined) fs.unlink(temporary);
    throw error;
  }
  if (durable) fs.syncDir(path.slice(0, slash));
}
