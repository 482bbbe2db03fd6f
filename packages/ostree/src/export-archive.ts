import { type TarMember, writeTar } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { isSymlink } from './codec/mode-bits.ts';
import type { Repo } from './repo.ts';
import { findInTree, readTree } from './tree.ts';

export interface ArchiveExportOptions {
  /** Directory inside the commit that becomes the archive's root. */
  readonly subpath?: string;
  /** Put before every path, as it is. */
  readonly prefix?: string;
  /** The archive is padded to a multiple of this many bytes; default 10240. */
  readonly blocking?: number;
}

/** A commit's tree as a GNU tar stream, as `ostree export` writes it: tree order, the commit's time, no attributes. */
export function exportArchive(repo: Repo, commit: string, options: ArchiveExportOptions = {}): Generator<Uint8Array> {
  const subpath = options.subpath ?? '/';
  const root = findInTree(repo, commit, subpath);
  if (root === undefined) throw new CoppiceError('NotFound', `No such file or directory: ${subpath}`);
  // The original aborts here.
  if (root.type === 'file') throw new CoppiceError('Invalid', `Not a directory: ${subpath}`);
  return writeTar(members(repo, commit, root.path, options.prefix ?? ''), {
    format: 'gnu',
    ...(options.blocking === undefined ? {} : { blocking: options.blocking }),
  });
}

function* members(repo: Repo, commit: string, root: string, prefix: string): Generator<TarMember> {
  const mtime = Number(repo.loadCommit(commit).timestamp);
  const cut = root === '/' ? 1 : root.length + 1;
  /** Where each content was first put. */
  const first = new Map<string, string>();
  for (const entry of readTree(repo, commit, root)) {
    const relative = entry.path.slice(cut);
    const path = `${prefix}${relative}`;
    const common = { uname: '', gname: '', mtime, devMajor: 0, devMinor: 0, xattrs: [] };
    if (entry.type === 'directory') {
      const { uid, gid, mode } = entry.load();
      const name = path === '' ? './' : path;
      yield { ...common, path: name, type: 'directory', mode: mode & 0o7777, uid, gid, size: 0, linkTarget: '' };
      continue;
    }
    const { header, size, read } = repo.loadFile(entry.checksum);
    const { uid, gid, mode, symlinkTarget } = header;
    const bits = { mode: mode & 0o7777, uid, gid };
    if (isSymlink(mode)) yield { ...common, ...bits, path, type: 'symlink', size: 0, linkTarget: symlinkTarget };
    else {
      const before = first.get(entry.checksum);
      if (before !== undefined) yield { ...common, ...bits, path, type: 'hardlink', size: 0, linkTarget: before };
      else {
        if (repo.compat.exportsHardLinks) first.set(entry.checksum, path);
        yield { ...common, ...bits, path, type: 'file', size, linkTarget: '', content: read() };
      }
    }
  }
}
