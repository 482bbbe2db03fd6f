// Commands for debugfs that give the inodes of an image the owners, modes, attributes and flags they have in a VirtualFs.

import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import type { VirtualFs, VirtualInode } from './virtualfs.ts';

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
/** What mke2fs gives every file; the flags to set come on top. */
const extentsFlag = 0x80000;

/** Of a block of attributes; the header of each, and what rounding up its name and value may add. */
const attributeRoom = 4096 - 32;
const attributeOverhead = 16 + 6;

/** One argument of a debugfs command. Throws `Unsupported` for names that its command language cannot express. */
function quote(path: string): string {
  if (/[\n\r]/.test(path))
    throw new CoppiceError('Unsupported', `Name cannot be put into an image: ${JSON.stringify(path)}`);
  return `"${path.replaceAll('"', '""')}"`;
}

export interface InodeCommands {
  /** One command per line. */
  readonly script: string;
  /** Values of extended attributes that the script reads from files: file name to bytes. */
  readonly values: ReadonlyMap<string, Buffer>;
  /** Names of the tree: files, directories, links. */
  readonly entries: number;
  /** Inodes that they take. */
  readonly inodes: number;
  /** A file has more attributes than fit into one block. */
  readonly largeAttributes: boolean;
  /** Bytes of file content, hard links counted once and rounded up to blocks. */
  readonly bytes: number;
}

/** Walks `root` (seen through `base` as mke2fs sees it) and compares it with `virtual`. `valueFolder` is where `values` will lie. */
export function inodeCommands(base: FileSystem, virtual: VirtualFs, root: string, valueFolder: string): InodeCommands {
  const lines: string[] = [];
  const values = new Map<string, Buffer>();
  const seen = new Set<string>();
  let entries = 0;
  let bytes = 0;
  let inodes = 0;
  let largeAttributes = false;
  const set = (path: string, field: string, value: string): void => {
    lines.push(`set_inode_field ${quote(path)} ${field} ${value}`);
  };
  const fix = (path: string, real: { uid: number; gid: number; mode: number }, inode: VirtualInode): void => {
    const type = inode.mode & S_IFMT;
    if (type !== (real.mode & S_IFMT)) {
      if (type !== S_IFCHR && type !== S_IFBLK)
        throw new CoppiceError('Unsupported', `${path}: special file of an unknown kind`);
      const [major, minor] = [(inode.rdev >> 8) & 0xfff, (inode.rdev & 0xff) | ((inode.rdev >> 12) & 0xfff00)];
      const [directory, name] = [path.slice(0, path.lastIndexOf('/')) || '/', path.slice(path.lastIndexOf('/') + 1)];
      lines.push(`rm ${quote(path)}`, `cd ${quote(directory)}`);
      lines.push(`mknod ${quote(name)} ${type === S_IFCHR ? 'c' : 'b'} ${major} ${minor}`, 'cd /');
      set(path, 'mode', `0${inode.mode.toString(8)}`);
      set(path, 'uid', String(inode.uid));
      set(path, 'gid', String(inode.gid));
      return;
    }
    if (inode.uid !== real.uid) set(path, 'uid', String(inode.uid));
    if (inode.gid !== real.gid) set(path, 'gid', String(inode.gid));
    if (inode.mode !== real.mode) set(path, 'mode', `0${inode.mode.toString(8)}`);
    const size = [...inode.xattrs].reduce(
      (sum, [name, value]) => sum + name.length + value.length + attributeOverhead,
      0,
    );
    if (size > attributeRoom) largeAttributes = true;
    for (const [name, value] of inode.xattrs) {
      // debugfs takes no more than a block and says nothing.
      if (value.length > 4096)
        throw new CoppiceError(
          'Unsupported',
          `${path}: the extended attribute ${name} has ${value.length} bytes; an image can hold 4096`,
        );
      const file = `${valueFolder}/${values.size}`;
      values.set(String(values.size), value);
      lines.push(`ea_set -f ${quote(file)} ${quote(path)} ${quote(name)}`);
    }
    // Flags last: an immutable inode is still written by debugfs, but order keeps the intent clear.
    if (inode.flags !== 0) set(path, 'flags', `0x${(inode.flags | extentsFlag).toString(16)}`);
  };
  const walk = (relative: string): void => {
    const full = `${root}${relative}`;
    const real = base.lstat(full);
    if (real === undefined) return;
    entries++;
    const key = `${real.dev}:${real.ino}`;
    // mke2fs keeps hard links, but makes each symbolic link an inode of its own.
    if (!seen.has(key)) {
      if ((real.mode & S_IFMT) !== S_IFLNK) seen.add(key);
      inodes++;
      bytes += Math.ceil(real.size / 4096) * 4096;
      const shown = virtual.lstat(full)!;
      const inode = virtual.known(real) ?? { ...shown, flags: 0, xattrs: new Map() };
      fix(relative === '' ? '/' : relative, real, inode);
    }
    if ((real.mode & S_IFMT) !== S_IFDIR) return;
    for (const name of base.readdir(full).sort()) walk(`${relative}/${name}`);
  };
  walk('');
  return { script: `${lines.join('\n')}\n`, values, entries, bytes, inodes, largeAttributes };
}
