import {
  ChunkReader,
  type Chunks,
  type CpioEntry,
  decompress,
  readCpio,
  readTar,
  type TarEntry,
} from '@coppice/archive';
import { CoppiceError, isCoppiceError, prefixError } from '@coppice/base';
import { S_IFDIR, S_IFLNK, S_IFREG } from './codec/mode-bits.ts';
import { sortXattrs, type Xattr } from './codec/xattrs.ts';
import { applyModifier, withLabel } from './commit-directory.ts';
import type { CommitModifier, EntryOwnership } from './modifier.ts';
import type { MutableTree } from './mutable-tree.ts';
import type { Transaction, XattrOrder } from './store/transaction.ts';

export interface ArchiveImportOptions {
  /** Make directories that the archive does not have, the root included, with mode 0755 and the owner of what needs them. */
  readonly autocreateParents?: boolean;
  /** Of the directories made so instead. */
  readonly parentOwner?: { readonly uid: number; readonly gid: number };
  /** Changes a member's path (relative; a directory's may end in a slash) before it is placed; also the target of hard links. */
  readonly translatePath?: (path: string) => string;
  readonly modifier?: CommitModifier;
}

interface Member {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  /** Permission and set-id bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly linkTarget: string;
  readonly xattrs: readonly Xattr[];
  /** Same for all names of one file in a cpio archive. */
  readonly inode?: string;
  readonly size: number;
  data(): Iterable<Uint8Array>;
}

/**
 * Adds the members of a tar or cpio archive (compressed or not) to a tree. Throws `Invalid` for paths that lead out,
 * devices and the like, `NotFound` for missing parents or hard link targets; messages follow libostree's.
 */
export function importArchive(
  transaction: Transaction,
  tree: MutableTree,
  source: Chunks,
  options: ArchiveImportOptions = {},
): void {
  const reader = new ChunkReader(source, 'archive');
  const importer = new ArchiveImporter(transaction, tree, options);
  if (!reader.atEnd()) for (const member of members(decompress(rest(reader)))) importer.add(member);
  importer.finish();
}

function* rest(reader: ChunkReader): Generator<Uint8Array> {
  while (!reader.atEnd()) yield reader.some(1 << 20);
}

function* members(plain: Chunks): Generator<Member> {
  const reader = new ChunkReader(plain, 'archive');
  if (reader.atEnd()) return;
  const head = new Uint8Array(reader.some(512));
  const whole = (function* (): Generator<Uint8Array> {
    yield head;
    yield* rest(reader);
  })();
  const magic = Buffer.from(head).toString('latin1', 0, 6);
  if (/^07070[127]$/.test(magic)) for (const entry of readCpio(whole)) yield fromCpio(entry);
  else {
    try {
      for (const entry of readTar(whole, { globalRecords: false })) yield fromTar(entry);
    } catch (error) {
      if (head.length >= 263 && Buffer.from(head).toString('latin1', 257, 262) === 'ustar') throw error;
      throw new CoppiceError('Corrupt', 'archive_read_open_filename: Unrecognized archive format', { cause: error });
    }
  }
}

function fromTar(entry: TarEntry): Member {
  const known = entry.type === 'char' || entry.type === 'block' || entry.type === 'fifo' ? 'other' : entry.type;
  const { mode, uid, gid, linkTarget, size } = entry;
  // As tar writes them.
  const path = known === 'directory' ? `${entry.path}/` : entry.path;
  // libarchive hands them out the last one first.
  const xattrs = entry.xattrs.toReversed();
  return { path, type: known, mode, uid, gid, linkTarget, xattrs, size, data: () => entry.data() };
}

function fromCpio(entry: CpioEntry): Member {
  const fields = entry.fields;
  if (fields === undefined) throw new CoppiceError('Unsupported', 'cpio archive without file names');
  const format = fields.mode & 0o170000;
  const type =
    format === S_IFREG ? 'file' : format === S_IFDIR ? 'directory' : format === S_IFLNK ? 'symlink' : 'other';
  return {
    path: fields.name,
    type,
    mode: fields.mode & 0o7777,
    uid: fields.uid,
    gid: fields.gid,
    linkTarget: type === 'symlink' ? Buffer.concat([...entry.data()]).toString() : '',
    xattrs: [],
    size: fields.size,
    ...(type === 'file' && fields.nlink > 1 ? { inode: `${fields.devMajor}:${fields.devMinor}:${fields.ino}` } : {}),
    data: () => entry.data(),
  };
}

class ArchiveImporter {
  readonly #transaction: Transaction;
  readonly #tree: MutableTree;
  readonly #options: ArchiveImportOptions;
  readonly #modifier: CommitModifier;
  readonly #order: XattrOrder;
  /** Of the member at hand. */
  #owner = currentOwner();
  /** Hard links, done at the end as their target may come later. */
  readonly #links: { path: string; target: string }[] = [];
  /** Names of a cpio file whose content has not come yet. */
  readonly #waiting = new Map<string, { path: string; member: Member }[]>();

  constructor(transaction: Transaction, tree: MutableTree, options: ArchiveImportOptions) {
    this.#transaction = transaction;
    this.#tree = tree;
    this.#options = options;
    this.#modifier = options.modifier ?? {};
    this.#order = transaction.repo.compat.sortsXattrs ? 'sorted' : 'given';
  }

  #path(text: string): string {
    const relative = text.replace(/^(?:\/(?:\.\.(?=\/))?)+/, '').replace(/^(?:\.?\/)+/, '');
    const clean = cleanPath(relative, `While making relative path "${relative}":`);
    const { translatePath } = this.#options;
    return translatePath === undefined ? clean : cleanPath(translatePath(relative === '.' ? '' : relative), '');
  }

  add(member: Member): void {
    const path = this.#path(member.path);
    this.#owner = { uid: member.uid >>> 0, gid: member.gid >>> 0 };
    const inTree = `/${path}`;
    switch (member.type) {
      case 'other':
        throw new CoppiceError('Unsupported', `Unsupported file type for path "${path}"`);
      case 'directory':
        this.#directory(path, member);
        return;
      case 'hardlink': {
        if (applyModifier(this.#modifier, inTree, ownership(member)) === 'skip') return;
        this.#parent(path, true);
        this.#links.push({ path, target: this.#path(member.linkTarget) });
        return;
      }
      default:
        if (member.inode !== undefined) this.#sameInode(path, member, member.inode);
        else this.#file(path, member);
    }
  }

  /** Makes the deferred hard links and the root. */
  finish(): void {
    for (const names of this.#waiting.values()) for (const { path, member } of names) this.#file(path, member);
    for (const { path, target } of this.#links) {
      try {
        this.#place(path, this.#lookup(target));
      } catch (error) {
        throw prefixError(error, `ostree-tar: Processing deferred hardlink ${target}`);
      }
    }
    if (this.#tree.meta === undefined && this.#options.autocreateParents === true)
      this.#tree.setMeta(this.#defaultMeta());
  }

  #lookup(target: string): string {
    const parts = target.split('/');
    const name = parts.pop()!;
    const checksum = this.#tree.lookupDir(parts)?.files.get(name);
    if (checksum === undefined) {
      throw new CoppiceError('NotFound', `Failed to find object: No such file or directory: ${name}`);
    }
    return checksum;
  }

  #directory(path: string, member: Member): void {
    const inTree = `/${path}`;
    const entry = applyModifier(this.#modifier, inTree, ownership(member));
    if (entry === 'skip') return;
    const dir = path === '' ? this.#tree : this.#parent(path, true).ensureDir(lastPart(path));
    dir.setMeta(
      this.#transaction.writeDirMeta({ ...entry, xattrs: this.#xattrs(inTree, entry, member.xattrs) }, this.#order),
    );
  }

  #sameInode(path: string, member: Member, inode: string): void {
    if (member.size === 0) {
      const names = this.#waiting.get(inode) ?? [];
      names.push({ path, member });
      this.#waiting.set(inode, names);
      return;
    }
    const checksum = this.#file(path, member);
    for (const other of this.#waiting.get(inode) ?? []) {
      if (checksum !== undefined) this.#place(other.path, checksum);
    }
    this.#waiting.delete(inode);
  }

  #file(path: string, member: Member): string | undefined {
    const inTree = `/${path}`;
    const entry = applyModifier(this.#modifier, inTree, ownership(member));
    if (entry === 'skip') return undefined;
    const link = member.type === 'symlink';
    const header = {
      ...entry,
      symlinkTarget: link ? member.linkTarget : '',
      xattrs: this.#xattrs(inTree, entry, member.xattrs),
    };
    this.#parent(path, true);
    const source = link ? [] : member.data();
    const checksum = imported(() => this.#transaction.writeContent(header, source, undefined, this.#order));
    this.#place(path, checksum);
    return checksum;
  }

  #place(path: string, checksum: string): void {
    imported(() => this.#parent(path, true).replaceFile(lastPart(path), checksum));
  }

  /** The directory that a path's last part goes into. One that is missing is made, and all on the way to it are made anew. */
  #parent(path: string, make: boolean): MutableTree {
    const parts = path.split('/').slice(0, -1);
    const found = this.#tree.lookupDir(parts);
    if (found !== undefined) return found;
    if (!make || this.#options.autocreateParents !== true) {
      const there = parts.findIndex((_, i) => this.#tree.lookupDir(parts.slice(0, i + 1)) === undefined);
      throw new CoppiceError('NotFound', `No such file or directory: ${parts[there]}`);
    }
    const meta = this.#defaultMeta();
    let at = this.#tree;
    at.setMeta(meta);
    for (const part of parts) {
      at = at.ensureDir(part);
      at.setMeta(meta);
    }
    return at;
  }

  /** A directory that the archive does not have; the modifier leaves it alone. */
  #defaultMeta(): string {
    const owner = this.#options.parentOwner ?? this.#owner;
    return this.#transaction.writeDirMeta({ ...owner, mode: S_IFDIR | 0o755, xattrs: [] });
  }

  #xattrs(path: string, entry: EntryOwnership, own: readonly Xattr[]): readonly Xattr[] {
    const { skipXattrs, canonicalPermissions, xattrs } = this.#modifier;
    let out = skipXattrs === true || canonicalPermissions === true ? [] : own;
    if (xattrs !== undefined) out = sortXattrs(xattrs(path, entry));
    return this.#modifier.label === undefined ? out : withLabel(this.#modifier, out, path, entry.mode, this.#order);
  }
}

/** A path without empty parts and `.`; `lead` goes before what is wrong with it. */
function cleanPath(path: string, lead: string): string {
  const parts = path.split('/');
  if (parts.includes('..')) throw new CoppiceError('Invalid', `${lead}Invalid uplink '..' in path ${path}`);
  return parts.filter((part) => part !== '' && part !== '.').join('/');
}

/** Who runs this; root where there are no owners. */
function currentOwner(): { uid: number; gid: number } {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

/** Errors as libostree words them for one member. */
function imported<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    // What is wrong with the archive itself keeps its own words.
    if (isCoppiceError(error, 'Corrupt')) throw error;
    throw prefixError(error, 'ostree-tar: Failed to handle file: ostree-tar: Failed to import file');
  }
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function ownership(member: Member): EntryOwnership {
  const format = member.type === 'directory' ? S_IFDIR : member.type === 'symlink' ? S_IFLNK : S_IFREG;
  return {
    // Owners are 32 bits wide whatever the archive says.
    uid: member.uid >>> 0,
    gid: member.gid >>> 0,
    mode: format | (member.mode & 0o7777),
  };
}
