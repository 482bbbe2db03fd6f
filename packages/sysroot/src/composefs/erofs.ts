// The composefs image of a tree: an EROFS file system in the one form that composefs prescribes, so that equal trees give equal
// bytes and one digest. Inodes lie breadth first; files are holes whose content overlayfs finds by its redirect attribute.

import { CoppiceError } from '@coppice/base';
import { type ErofsXattr, erofsXattr, type PlacedXattrs, SharedXattrs, writePlaced } from './erofs-xattrs.ts';
import type { ComposefsDirectory, ComposefsNode } from './tree.ts';

const blockSize = 4096;
const slotSize = 32;
const superOffset = 1024;
const superSize = 128;
const imageLimit = 1 << 30;
const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

const whiteoutMode = 0o020644;
const fileType = { file: 1, directory: 2, whiteout: 3, symlink: 7 } as const;
const layout = { plain: 0, inline: 2, chunks: 4 } as const;

interface Entry {
  readonly name: Buffer;
  readonly inode: Inode;
}

interface Inode {
  readonly type: keyof typeof fileType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly size: number;
  readonly xattrs: readonly ErofsXattr[];
  /** Entries of a directory, sorted. */
  entries: readonly Entry[];
  /** What follows the inode, unless it is a directory. */
  readonly tail: Buffer;
  readonly chunkBits: number;
}

interface Placed {
  readonly inode: Inode;
  readonly compact: boolean;
  readonly xattrs: PlacedXattrs;
  readonly offset: number;
  /** Runs of entries that take a block of their own; the last may be in the inode. */
  readonly blocks: readonly (readonly Entry[])[];
  readonly inlined: readonly Entry[];
}

/** Chunks as few as possible, of at most 2^31 blocks. */
function chunkBitsFor(size: number): number {
  const bits = size === 1 ? 1 : Math.floor(Math.log2(size - 1)) + 1;
  return Math.min(Math.max(bits, 12), 31 + 12);
}

function overlayXattrs(node: ComposefsNode, isRoot: boolean): ErofsXattr[] {
  const out = node.xattrs.map(({ name, value }) =>
    // Overlayfs would act on these itself.
    erofsXattr(name.replace(/^trusted\.overlay\./, 'trusted.overlay.overlay.'), value),
  );
  if (node.type === 'file' && node.size > 0) {
    const { digest } = node;
    const metacopy = digest === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0, 36, 0, 1]), digest]);
    out.push(erofsXattr('trusted.overlay.metacopy', metacopy));
    out.push(erofsXattr('trusted.overlay.redirect', Buffer.from(`/${node.content}`)));
  }
  if (isRoot) out.push(erofsXattr('trusted.overlay.opaque', Buffer.from('y')));
  return out.sort((a, b) => Buffer.compare(a.name, b.name));
}

function makeInode(node: ComposefsNode, isRoot: boolean): Inode {
  const { mode, uid, gid } = node;
  const common = { mode, uid, gid, xattrs: overlayXattrs(node, isRoot), entries: [], chunkBits: 0 };
  switch (node.type) {
    case 'directory': {
      const directories = [...node.children.values()].filter((child) => child.type === 'directory').length;
      return { ...common, type: 'directory', links: 2 + directories, size: 0, tail: Buffer.alloc(0) };
    }
    case 'symlink': {
      const tail = Buffer.from(node.target);
      if (tail.length === 0 || tail.length >= blockSize) throw new CoppiceError('Corrupt', 'Bad length of a symlink');
      return { ...common, type: 'symlink', links: 1, size: tail.length, tail };
    }
    case 'file': {
      if (node.size === 0) return { ...common, type: 'file', links: 1, size: 0, tail: Buffer.alloc(0) };
      const chunkBits = chunkBitsFor(node.size);
      const tail = Buffer.alloc(4 * Math.ceil(node.size / 2 ** chunkBits), 0xff);
      return { ...common, type: 'file', links: 1, size: node.size, tail, chunkBits };
    }
  }
}

/** All inodes, breadth first. `00` to `ff` in the root are whiteouts: they hide the store's directories. */
function collect(root: ComposefsDirectory): Inode[] {
  const top = makeInode(root, true);
  const queue: { node: ComposefsNode | undefined; inode: Inode; parent: Inode }[] = [
    { node: root, inode: top, parent: top },
  ];
  for (let i = 0; i < queue.length; i++) {
    const { node, inode, parent } = queue[i]!;
    if (node?.type !== 'directory') continue;
    const found: { entry: Entry; node: ComposefsNode | undefined }[] = [];
    for (const [name, child] of node.children)
      found.push({ entry: { name: Buffer.from(name), inode: makeInode(child, false) }, node: child });
    if (i === 0) {
      const label = node.xattrs.filter(({ name }) => name === 'security.selinux');
      const xattrs = label.map(({ name, value }) => erofsXattr(name, value));
      const { uid, gid } = node;
      for (let n = 0; n < 256; n++) {
        const name = n.toString(16).padStart(2, '0');
        if (node.children.has(name)) continue;
        const common = { mode: whiteoutMode, uid, gid, xattrs, entries: [], chunkBits: 0 };
        const whiteout: Inode = { ...common, type: 'whiteout', links: 1, size: 0, tail: Buffer.alloc(0) };
        found.push({ entry: { name: Buffer.from(name), inode: whiteout }, node: undefined });
      }
    }
    found.sort((a, b) => Buffer.compare(a.entry.name, b.entry.name));
    for (const child of found) queue.push({ node: child.node, inode: child.entry.inode, parent: inode });
    const dots: Entry[] = [
      { name: Buffer.from('.'), inode },
      { name: Buffer.from('..'), inode: parent },
    ];
    inode.entries = [...dots, ...found.map((child) => child.entry)];
    inode.entries = [...inode.entries].sort((a, b) => Buffer.compare(a.name, b.name));
  }
  return queue.map((item) => item.inode);
}

const entriesSize = (entries: readonly Entry[]): number => entries.reduce((sum, e) => sum + 12 + e.name.length, 0);

/** Entries in runs that fill at most a block each. */
function runs(entries: readonly Entry[]): Entry[][] {
  const out: Entry[][] = [];
  let size = blockSize;
  for (const entry of entries) {
    const length = 12 + entry.name.length;
    if (size + length > blockSize) {
      out.push([]);
      size = 0;
    }
    out.at(-1)!.push(entry);
    size += length;
  }
  return out;
}

/** Where an inode goes: aligned, and so that what follows it does not cross a block. */
function place(inode: Inode, from: number, shared: SharedXattrs): Placed & { end: number } {
  const xattrs = shared.place(inode.xattrs);
  const blocks = runs(inode.entries);
  let inlined: Entry[] = [];
  if (blocks.length > 0 && entriesSize(blocks.at(-1)!) <= blockSize / 2) inlined = blocks.pop()!;
  const directorySize = blocks.length * blockSize + entriesSize(inlined);
  const size = inode.type === 'directory' ? directorySize : inode.size;
  const compact = inode.links <= 0xffff && inode.uid <= 0xffff && inode.gid <= 0xffff && size <= 0xffffffff;
  const head = (compact ? 32 : 64) + xattrs.size;
  let tail = inode.type === 'directory' ? entriesSize(inlined) : inode.tail.length;
  let offset = roundUp(from, slotSize);
  if (inode.type === 'symlink') {
    // The kernel wants the inode and the target in one block.
    if (Math.floor(offset / blockSize) !== Math.floor((offset + head + tail - 1) / blockSize))
      offset = roundUp(offset, blockSize);
  } else {
    const room = (at: number): number => blockSize - ((at + head) % blockSize);
    if (room(offset) < tail) {
      const moved = offset + roundUp(room(offset), slotSize);
      if (tail <= room(moved)) offset = moved;
      else {
        blocks.push(inlined);
        inlined = [];
        tail = 0;
      }
    }
  }
  return { inode, compact, xattrs, offset, blocks, inlined, end: offset + head + tail };
}

function writeEntries(out: Buffer, start: number, entries: readonly Entry[], nids: ReadonlyMap<Inode, number>): void {
  let name = entries.length * 12;
  entries.forEach((entry, i) => {
    const at = start + 12 * i;
    out.writeBigUInt64LE(BigInt(nids.get(entry.inode)!), at);
    out.writeUInt16LE(name, at + 8);
    out.writeUInt8(fileType[entry.inode.type], at + 10);
    out.set(entry.name, start + name);
    name += entry.name.length;
  });
}

/** Writes the fixed part of an inode; returns its length. `extra` is the block of its entries or the chunk format. */
function writeInode(out: Buffer, placed: Placed, number: number, size: number, extra: number): number {
  const { inode, compact, offset, xattrs } = placed;
  const inline = inode.type === 'directory' ? placed.inlined.length > 0 : inode.tail.length > 0;
  const form = inode.type === 'file' && inode.size > 0 ? layout.chunks : inline ? layout.inline : layout.plain;
  out.writeUInt16LE((form << 1) | (compact ? 0 : 1), offset);
  out.writeUInt16LE(xattrs.size === 0 ? 0 : (xattrs.size - 12) / 4 + 1, offset + 2);
  out.writeUInt16LE(inode.mode, offset + 4);
  out.writeUInt32LE(extra, offset + 16);
  out.writeUInt32LE(number, offset + 20);
  if (compact) {
    out.writeUInt16LE(inode.links, offset + 6);
    out.writeUInt32LE(size, offset + 8);
    out.writeUInt16LE(inode.uid, offset + 24);
    out.writeUInt16LE(inode.gid, offset + 26);
    return 32;
  }
  out.writeBigUInt64LE(BigInt(size), offset + 8);
  out.writeUInt32LE(inode.uid, offset + 24);
  out.writeUInt32LE(inode.gid, offset + 28);
  out.writeUInt32LE(inode.links, offset + 44);
  return 64;
}

/** The image of a tree. Throws `Unsupported` when it would be larger than 1 GiB. */
export function encodeComposefs(root: ComposefsDirectory): Buffer {
  const inodes = collect(root);
  const shared = new SharedXattrs(inodes.map((inode) => inode.xattrs));
  const placed: Placed[] = [];
  const nids = new Map<Inode, number>();
  let at = superOffset + superSize;
  for (const inode of inodes) {
    const { end, ...where } = place(inode, at, shared);
    placed.push(where);
    nids.set(inode, where.offset / slotSize);
    at = end;
  }
  const sharedStart = roundUp(at, slotSize);
  const dataStart = roundUp(sharedStart + shared.size, blockSize);
  const blockCount = dataStart / blockSize + placed.reduce((sum, { blocks }) => sum + blocks.length, 0);
  if (blockCount * blockSize > imageLimit) throw new CoppiceError('Unsupported', 'The composefs image is too large');

  const out = Buffer.alloc(blockCount * blockSize);
  out.writeUInt32LE(0xd078629a, 0);
  out.writeUInt32LE(1, 4);
  const hasAcl = inodes.some(({ xattrs }) => xattrs.some(({ index }) => index === 2 || index === 3));
  out.writeUInt32LE(hasAcl ? 1 : 0, 8);
  out.writeUInt32LE(0xe0f5e1e2, superOffset);
  // Times are kept; attributes have a filter.
  out.writeUInt32LE(2 | 4, superOffset + 8);
  out.writeUInt8(12, superOffset + 12);
  out.writeUInt16LE(placed[0]!.offset / slotSize, superOffset + 14);
  out.writeBigUInt64LE(BigInt(inodes.length), superOffset + 16);
  out.writeUInt32LE(blockCount, superOffset + 36);
  out.writeUInt32LE(Math.floor(sharedStart / blockSize), superOffset + 44);

  let block = dataStart / blockSize;
  placed.forEach((where, number) => {
    const { inode, blocks, inlined, offset, xattrs } = where;
    const isDirectory = inode.type === 'directory';
    const size = isDirectory ? blocks.length * blockSize + entriesSize(inlined) : inode.size;
    const extra = blocks.length > 0 ? block : inode.chunkBits > 0 ? inode.chunkBits - 12 : 0;
    const start = offset + writeInode(out, where, number, size, extra);
    writePlaced(out, start, xattrs, sharedStart % blockSize);
    if (isDirectory) writeEntries(out, start + xattrs.size, inlined, nids);
    else out.set(inode.tail, start + xattrs.size);
    for (const entries of blocks) writeEntries(out, block++ * blockSize, entries, nids);
  });
  shared.write(out, sharedStart);
  return out;
}
