// What changed between the defaults (`usr/etc`) and the configuration (`etc`) of a deployment. Extended attributes do not
// count, since the labels of the two trees differ by design (ostree_diff_dirs with IGNORE_XATTRS).

import { constants } from 'node:fs';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileStat, FileSystem } from '@coppice/base/fs';

/** Paths are relative to the compared directories. Order is that of the original's listing. */
export interface EtcDiff {
  readonly modified: readonly string[];
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;

interface Entry {
  readonly name: string;
  readonly stat: FileStat;
}

/** GIO reads a directory in chunks of this many entries and sorts each by inode; `config-diff` prints in that order. */
const enumerationChunk = 1000;

function list(fs: FileSystem, path: string): Entry[] {
  const entries: Entry[] = [];
  let names: string[];
  try {
    names = fs.readdir(path);
  } catch (error) {
    throw errnoError(error, `Error opening directory '${path.replace(/\/+$/, '')}'`);
  }
  for (const name of names) {
    const stat = fs.lstat(`${path}/${name}`);
    if (stat !== undefined) entries.push({ name, stat });
  }
  const sorted: Entry[] = [];
  for (let i = 0; i < entries.length; i += enumerationChunk)
    sorted.push(...entries.slice(i, i + enumerationChunk).sort((a, b) => a.stat.ino - b.stat.ino));
  return sorted;
}

function withFile<T>(fs: FileSystem, path: string, body: (fd: number) => T): T {
  const fd = fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return body(fd);
  } finally {
    fs.close(fd);
  }
}

function readFully(fs: FileSystem, fd: number, buffer: Buffer, position: number): number {
  let n = 0;
  while (n < buffer.length) {
    const got = fs.read(fd, buffer, n, buffer.length - n, position + n);
    if (got === 0) break;
    n += got;
  }
  return n;
}

function sameContent(fs: FileSystem, a: string, b: string): boolean {
  return withFile(fs, a, (left) =>
    withFile(fs, b, (right) => {
      const [one, two] = [Buffer.allocUnsafe(65536), Buffer.allocUnsafe(65536)];
      for (let at = 0; ; at += one.length) {
        const n = readFully(fs, left, one, at);
        if (readFully(fs, right, two, at) !== n || !one.subarray(0, n).equals(two.subarray(0, n))) return false;
        if (n < one.length) return true;
      }
    }),
  );
}

function same(fs: FileSystem, pathA: string, a: FileStat, pathB: string, b: FileStat): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
  const type = a.mode & S_IFMT;
  if (type === S_IFLNK) return fs.readlink(pathA) === fs.readlink(pathB);
  if (type !== S_IFREG) return true;
  return a.size === b.size && sameContent(fs, pathA, pathB);
}

function mustExist(fs: FileSystem, path: string): void {
  if (fs.lstat(path) === undefined)
    throw new CoppiceError('NotFound', `Error when getting information for file “${path}”: No such file or directory`);
}

/** Compares two directories. Throws `NotFound` when one is missing, else Node's errors. */
export function diffEtc(fs: FileSystem, defaults: string, current: string): EtcDiff {
  const modified: string[] = [];
  const removed: string[] = [];
  const added: string[] = [];
  const addTree = (relative: string): void => {
    for (const { name, stat } of list(fs, `${current}/${relative}`)) {
      const path = `${relative}/${name}`;
      added.push(path);
      if ((stat.mode & S_IFMT) === S_IFDIR) addTree(path);
    }
  };
  const compare = (prefix: string): void => {
    const before = list(fs, `${defaults}/${prefix}`);
    for (const { name, stat } of before) {
      const path = `${prefix}${name}`;
      const other = fs.lstat(`${current}/${path}`);
      if (other === undefined) {
        removed.push(path);
        continue;
      }
      if ((stat.mode & S_IFMT) !== (other.mode & S_IFMT)) {
        modified.push(path);
        continue;
      }
      if (!same(fs, `${defaults}/${path}`, stat, `${current}/${path}`, other)) modified.push(path);
      if ((stat.mode & S_IFMT) === S_IFDIR) compare(`${path}/`);
    }
    const known = new Set(before.map((entry) => entry.name));
    for (const { name, stat } of list(fs, `${current}/${prefix}`)) {
      if (known.has(name)) continue;
      const path = `${prefix}${name}`;
      added.push(path);
      if ((stat.mode & S_IFMT) === S_IFDIR) addTree(path);
    }
  };
  mustExist(fs, defaults);
  mustExist(fs, current);
  compare('');
  return { modified, removed, added };
}
