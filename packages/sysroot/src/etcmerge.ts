// The three-way merge of /etc: the difference between the old deployment's defaults and its configuration is carried over
// onto the new deployment's defaults. A local change always wins over a new default.

import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { removeTree } from '@coppice/linux';
import { copyDirectoryAttributes, copyFile, copyTree } from './copytree.ts';
import { diffEtc, type EtcDiff } from './etcdiff.ts';

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;

export interface EtcTrees {
  /** `usr/etc` of the deployment whose configuration is taken over. */
  readonly oldDefaults: string;
  /** Its `etc`. */
  readonly current: string;
  /** `etc` of the new deployment, which holds a copy of its `usr/etc`; changed in place. */
  readonly target: string;
}

export interface EtcMergeOptions {
  readonly noXattrs?: boolean;
  /** Throw at a special file inside a changed directory instead of passing over it. */
  readonly refuseSpecial?: boolean;
  /** Told of the difference before anything is changed. */
  readonly onDiff?: (diff: EtcDiff) => void;
  /** Told of each special file that was not taken over. */
  readonly skipped?: (path: string) => void;
}

/**
 * The place of `relative` in the target tree once links among its parent directories, with `last` also the last component,
 * are followed. A link that leaves the tree is refused with `Conflict`. Missing parts are fine.
 */
function resolveInside(fs: FileSystem, root: string, relative: string, last = false): string {
  const done: string[] = [];
  const todo = relative.split('/');
  for (let links = 0; todo.length > (last ? 0 : 1); ) {
    const part = todo.shift()!;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (done.pop() === undefined) throw outside(relative);
      continue;
    }
    const path = `${root}/${[...done, part].join('/')}`;
    const stat = fs.lstat(path);
    if (stat === undefined || (stat.mode & S_IFMT) !== S_IFLNK) {
      done.push(part);
      continue;
    }
    const link = fs.readlink(path);
    if (link.startsWith('/') || ++links > 40) {
      if (fs.stat(path) === undefined) throw errnoError({ code: 'ENOENT' }, `opendir(${relative})`);
      throw outside(relative);
    }
    todo.unshift(...link.split('/'));
  }
  return [...done, ...todo].join('/');
}

function outside(path: string): CoppiceError {
  return new CoppiceError('Conflict', `Parent directory of modified config file '${path}' is a link that leaves /etc`);
}

/** Makes the parent directories of a path as they are in the current configuration; the direct parent takes over its attributes in any case. */
function ensureParent(fs: FileSystem, trees: EtcTrees, path: string, options: EtcMergeOptions): void {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return;
  const parent = path.slice(0, slash);
  const named = `${trees.target}/${resolveInside(fs, trees.target, parent)}`;
  if (fs.lstat(named) === undefined) {
    if (fs.stat(named.slice(0, named.lastIndexOf('/'))) === undefined) ensureParent(fs, trees, parent, options);
    try {
      fs.mkdir(named, 0o700);
    } catch (error) {
      throw errnoError(error, 'mkdirat');
    }
  }
  const target = `${trees.target}/${resolveInside(fs, trees.target, parent, true)}`;
  const stat = fs.lstat(target);
  if (stat === undefined || (stat.mode & S_IFMT) !== S_IFDIR)
    throw errnoError({ code: stat === undefined ? 'ENOENT' : 'ENOTDIR' }, `opendir(${parent})`);
  copyDirectoryAttributes(fs, `${trees.current}/${parent}`, target, options);
}

function takeOver(fs: FileSystem, trees: EtcTrees, path: string, options: EtcMergeOptions): void {
  const source = `${trees.current}/${path}`;
  const stat = fs.lstat(source);
  if (stat === undefined) throw errnoError({ code: 'ENOENT' }, `Reading modified config file: fstatat(${path})`);
  ensureParent(fs, trees, path, options);
  const type = stat.mode & S_IFMT;
  const target = `${trees.target}/${resolveInside(fs, trees.target, path)}`;
  const present = fs.lstat(target);
  if (present !== undefined) {
    if ((present.mode & S_IFMT) === S_IFDIR) {
      if (type !== S_IFDIR)
        throw new CoppiceError('Conflict', `Modified config file newly defaults to directory '${path}', cannot merge`);
      // Its files are carried over one by one.
      return;
    }
    fs.unlink(target);
  }
  if (type === S_IFDIR) copyTree(fs, source, target, options);
  else if (type === S_IFREG || type === S_IFLNK) {
    try {
      copyFile(fs, source, target, options);
    } catch (error) {
      throw errnoError(error, `Copying ${path}`);
    }
  } else options.skipped?.(path);
}

/** Throws `Conflict` when a local file meets a new default directory of the same name; messages start with `During /etc merge: `. */
export function mergeEtc(fs: FileSystem, trees: EtcTrees, options: EtcMergeOptions = {}): EtcDiff {
  try {
    let diff: EtcDiff;
    try {
      diff = diffEtc(fs, trees.oldDefaults, trees.current);
    } catch (error) {
      throw errnoError(error, 'While computing configuration diff');
    }
    options.onDiff?.(diff);
    for (const path of diff.removed) {
      const parent = path.includes('/')
        ? fs.stat(`${trees.target}/${path.slice(0, path.lastIndexOf('/'))}`)
        : undefined;
      if (parent !== undefined && (parent.mode & S_IFMT) !== S_IFDIR)
        throw errnoError({ code: 'ENOTDIR' }, `unlinkat(${path})`);
      removeTree(`${trees.target}/${resolveInside(fs, trees.target, path)}`, fs);
    }
    for (const path of diff.modified) takeOver(fs, trees, path, options);
    for (const path of diff.added) takeOver(fs, trees, path, options);
    return diff;
  } catch (error) {
    throw prefixError(errnoToOurs(error), 'During /etc merge');
  }
}

function errnoToOurs(error: unknown): unknown {
  if (error instanceof CoppiceError) return error;
  return errnoError(error, 'etc');
}
